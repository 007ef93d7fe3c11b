import { callOf } from '../recovery-context.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { StorageCorruptionError } from '@floecat/storage-spi';
import type { Blob, Pointer } from '@floecat/storage-spi';

import { hasItsDigest } from '../blobs/rescue-blob.ts';
import type { Root } from './owner-facts.ts';
import { isRoot, keysBeside, referencesOf, rootIn, rootUriOf, troubleOfRow } from './owner-facts.ts';
import type { ListedOwner } from './owner-walk.ts';

/** An owner as two round trips showed it. A first look: what is amiss in it is looked at again. */
export interface OwnerRead extends ListedOwner {
  /** Absent where the root could not be read, or is not that of the row. */
  readonly root?: Root;
  /** URIs of its root and of all that this names; empty where that is not known. */
  readonly reached: ReadonlySet<string>;
  readonly rows: ReadonlyMap<string, Pointer | undefined>;
}

/** Reads the roots of owners, then the rows that they are held against. */
export async function readOwners(
  context: RecoveryContext,
  owners: readonly ListedOwner[],
): Promise<OwnerRead[]> {
  const sound = owners.filter(({ pointer }) => troubleOfRow(pointer) === undefined);
  const blobs = await fetchAll(
    context,
    sound.map(({ pointer }) => rootUriOf(pointer)),
  );
  const roots = new Map<ListedOwner, Root>();
  for (const listed of sound) {
    const blob = blobs.get(rootUriOf(listed.pointer));
    const root = blob && rootIn(listed.owner, listed.pointer, blob);
    if (root && isRoot(root)) roots.set(listed, root);
  }
  const keys = [...new Set([...roots.values()].flatMap(keysBeside))];
  const rows = await fetchRows(context, keys);
  return owners.map((listed) => {
    const root = roots.get(listed);
    if (!root) return { ...listed, reached: new Set<string>(), rows };
    const reached = new Set([rootUriOf(listed.pointer), ...referencesOf(listed, root)]);
    return { ...listed, root, reached, rows };
  });
}

async function fetchAll(context: RecoveryContext, uris: readonly string[]): Promise<Map<string, Blob>> {
  const found = new Map<string, Blob>();
  const take = (uri: string, blob: Blob | undefined): void => {
    if (blob && hasItsDigest(uri, blob)) found.set(uri, blob);
  };
  if (uris.length === 0) return found;
  try {
    const blobs = await context.storage.blobs.getBatch(uris, callOf(context));
    for (const [i, uri] of uris.entries()) take(uri, blobs[i]);
  } catch (error) {
    if (!(error instanceof StorageCorruptionError)) throw error;
    // One of them is damaged: each by itself.
    for (const uri of uris)
      try {
        const [blob] = await context.storage.blobs.getBatch([uri], callOf(context));
        take(uri, blob);
      } catch (cause) {
        if (!(cause instanceof StorageCorruptionError)) throw cause;
      }
  }
  return found;
}

/** Rows by key. Where one cannot be read, all count as absent, and are looked at again one by one. */
export async function fetchRows(
  context: RecoveryContext,
  keys: readonly string[],
): Promise<Map<string, Pointer | undefined>> {
  if (keys.length === 0) return new Map();
  try {
    const rows = await context.storage.pointers.getBatch(keys, callOf(context));
    return new Map(keys.map((key, i) => [key, rows[i]]));
  } catch (error) {
    if (!(error instanceof StorageCorruptionError)) throw error;
    return new Map();
  }
}
