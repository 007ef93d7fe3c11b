import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';

import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { BlobRef } from '@floecat/proto/resources';
import { TextChunkSchema } from '@floecat/proto/resources';
import type { BlobStore, CallOptions } from '@floecat/storage-spi';
import { StorageCorruptionError } from '@floecat/storage-spi';

import type { Payload } from './blob-writer.ts';
import { payloadUri } from './blob-writer.ts';
import type { OwnerRef } from './pointer-keys.ts';

/** Bytes of text in one blob, before compression. */
export const TEXT_CHUNK_BYTES = 16 * 1024 * 1024;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Cuts a text of any length into compressed blobs of `owner`. */
export async function splitText(
  owner: OwnerRef,
  part: string,
  text: Uint8Array,
): Promise<{ refs: Omit<BlobRef, '$typeName'>[]; payloads: Payload[] }> {
  const payloads: Payload[] = [];
  for (let start = 0; start < text.length; start += TEXT_CHUNK_BYTES) {
    const zstd = await compress(text.subarray(start, start + TEXT_CHUNK_BYTES));
    const bytes = toBinary(TextChunkSchema, { $typeName: TextChunkSchema.typeName, zstd });
    payloads.push({ uri: payloadUri(owner, part, bytes), bytes, message: TextChunkSchema.typeName });
  }
  return { refs: payloads.map(({ uri, bytes }) => ({ uri, size: BigInt(bytes.length) })), payloads };
}

/** The text again, whole. */
export async function joinText(
  blobs: BlobStore,
  refs: readonly BlobRef[],
  length: bigint,
  options?: CallOptions,
): Promise<Uint8Array> {
  const text = Buffer.alloc(Number(length));
  let end = 0;
  for (const { uri } of refs) {
    const { bytes } = await blobs.get(uri, options);
    try {
      const { zstd } = fromBinary(TextChunkSchema, bytes);
      const part = await decompress(zstd, { maxOutputLength: TEXT_CHUNK_BYTES });
      if (end + part.length > text.length) throw new RangeError(`more than ${length} bytes`);
      end += part.copy(text, end);
    } catch (cause) {
      throw damaged(uri, cause);
    }
  }
  if (end !== text.length) throw damaged(refs[0]?.uri ?? '', new RangeError(`${end} bytes, not ${length}`));
  return text;
}

function damaged(uri: string, cause: unknown): StorageCorruptionError {
  return new StorageCorruptionError(`${uri} does not hold its part of the text: run floecat verify`, {
    operation: 'load',
    key: uri,
    cause,
  });
}
