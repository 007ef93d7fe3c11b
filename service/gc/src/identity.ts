import { GcUnversionedError } from './errors.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';

/**
 * Called before each batch of deletes. The store itself throws where its blobs are not those of its pointers; where it
 * cannot delete exactly one version, nothing is deleted.
 */
export async function requireVersionedDeletes(context: GcContext): Promise<void> {
  if (await context.storage.blobs.supportsVersionedDeletes(callOf(context))) return;
  throw new GcUnversionedError(
    'this store cannot promise to delete exactly one version of a blob, so no blob is deleted: enable versioning on the bucket, without MFA delete',
  );
}

/** As {@link requireVersionedDeletes}, before rows are deleted: there only the identity counts. */
export async function requireIdentity(context: GcContext): Promise<void> {
  await context.storage.blobs.supportsVersionedDeletes(callOf(context));
}
