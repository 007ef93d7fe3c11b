import { createHash } from 'node:crypto';

import type { Blob, BlobHeader, BlobVersionListing } from '@floecat/storage-spi';
import { digestInUri, LOST_TAG, StorageCorruptionError, StorageNotFoundError } from '@floecat/storage-spi';

import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';

/**
 * Brings a blob back from its own versions: the newest one that is whole is put anew as the current version. So a blob
 * comes back that lies only under a noncurrent version, under a delete marker, or below a current version that is
 * damaged; and one that is there is put again, which keeps it from a collector that condemned what it had. What it
 * replaces stays as a noncurrent version, until a collector takes it.
 *
 * `versions` are those of this URI, newest first, where the caller has listed them. Answers the header of the new
 * version; `undefined` where no whole version is left, and then nothing was changed. Where a bucket or folder has no
 * older versions, as after `delete` on the embedded store, nothing can be left.
 */
export async function rescueBlob(
  context: RecoveryContext,
  uri: string,
  versions?: readonly BlobVersionListing[],
): Promise<BlobHeader | undefined> {
  const found = await wholeVersion(context, uri, versions);
  if (!found) return undefined;
  const { contentType, message, tags } = found.header;
  // What is brought back is alive, whatever a collector or a writer said of the version before.
  const { [LOST_TAG]: _lost, ...kept } = tags;
  return context.storage.blobs.put(uri, found.bytes, {
    ...callOf(context),
    contentType,
    ...(message !== undefined && { message }),
    tags: kept,
  });
}

/** The newest version of the blob whose bytes are what its URI promises; `undefined` where none is left. */
export async function wholeVersion(
  context: RecoveryContext,
  uri: string,
  versions?: readonly BlobVersionListing[],
): Promise<Blob | undefined> {
  for await (const { versionId } of versions ?? versionsOf(context, uri)) {
    const blob = await readVersion(context, uri, versionId);
    if (blob) return blob;
  }
  return undefined;
}

/** The versions of exactly this URI, newest first. Those under a delete marker are among them. */
export async function* versionsOf(context: RecoveryContext, uri: string): AsyncGenerator<BlobVersionListing> {
  let pageToken: string | undefined;
  do {
    const page = await context.storage.blobs.listVersions(uri, {
      ...callOf(context),
      ...(pageToken !== undefined && { pageToken }),
    });
    for (const version of page.versions) {
      // What only starts with it comes behind it.
      if (version.uri !== uri) return;
      yield version;
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}

/** The version, if it is there and whole. */
async function readVersion(
  context: RecoveryContext,
  uri: string,
  versionId: string,
): Promise<Blob | undefined> {
  try {
    const blob = await context.storage.blobs.get(uri, { ...callOf(context), versionId });
    return hasItsDigest(uri, blob) ? blob : undefined;
  } catch (error) {
    if (error instanceof StorageNotFoundError || error instanceof StorageCorruptionError) return undefined;
    throw error;
  }
}

/** Whether the bytes have the digest that the URI carries, or else the one that the header tells. */
export function hasItsDigest(uri: string, { bytes, header }: Blob): boolean {
  const digest = createHash('sha256').update(bytes);
  const promised = digestInUri(uri);
  return promised === undefined ? digest.digest('base64') === header.etag : digest.digest('hex') === promised;
}
