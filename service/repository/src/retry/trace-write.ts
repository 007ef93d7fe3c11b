import { fromBinary } from '@bufbuild/protobuf';
import { RootBlobSchema } from '@floecat/proto/envelope';
import type { BlobStore, CallOptions, Pointer } from '@floecat/storage-spi';
import { StorageNotFoundError } from '@floecat/storage-spi';

import type { WriteFate } from './settle-write.ts';

/** Roots that are read at most: each takes one read, and whoever waits for the answer waits for all of them. */
const MAX_ROOTS = 64;

/**
 * As `settleWrite`, for an owner that was written to often since: its envelopes are followed back, each to the one
 * before, until one tells who made the version after `before`. Unknown where that is too far back, or collected.
 */
export async function traceWrite(
  blobs: BlobStore,
  before: Pointer,
  now: Pointer,
  writeIds: readonly string[],
  options: CallOptions,
): Promise<WriteFate> {
  if (now.kind !== 'blob' || now.incarnation !== before.incarnation || now.version <= before.version)
    return { fate: 'unknown' };
  const folder = now.blobUri.slice(0, now.blobUri.lastIndexOf('/') + 1);
  let uri = now.blobUri;
  for (let read = 0; read < MAX_ROOTS; read++) {
    let bytes: Uint8Array;
    try {
      ({ bytes } = await blobs.get(uri, options));
    } catch (error) {
      if (error instanceof StorageNotFoundError) return { fate: 'unknown' };
      throw error;
    }
    const { envelope } = fromBinary(RootBlobSchema, bytes);
    const previous = envelope?.previous;
    const own = [envelope?.writeId, previous?.writeId].find(
      (id) => id !== undefined && writeIds.includes(id),
    );
    if (own !== undefined) return { fate: 'applied', writeId: own };
    if (!previous) return { fate: 'unknown' };
    if (previous.version <= BigInt(before.version) + 1n) return { fate: 'lost' };
    uri = `${folder}${previous.digest}.pb`;
  }
  return { fate: 'unknown' };
}
