import { promisify } from 'node:util';
import { inflateRaw, zstdDecompress } from 'node:zlib';

import { UpstreamUnsupportedError } from './errors.ts';
import { AvroDamage } from './avro-cursor.ts';
import { unsnapBlock } from './snappy.ts';

/** Decompresses one block. Fails, before it allocates them, where it would take more than `maxBytes`. */
export type AvroCodec = (block: Uint8Array, maxBytes: number) => Promise<Uint8Array>;

const inflate = promisify(inflateRaw);
const unzstd = promisify(zstdDecompress);

const MIN_PIECE_BYTES = 16 * 1024;
const MAX_PIECE_BYTES = 1024 * 1024;

const CODECS: Readonly<Record<string, AvroCodec>> = {
  null: (block) => Promise.resolve(block),
  deflate: (block, maxBytes) => inflate(block, options(block, maxBytes)),
  snappy: async (block, maxBytes) => unsnapBlock(block, maxBytes),
  zstandard: (block, maxBytes) => unzstd(block, options(block, maxBytes)),
};

/** Output comes in pieces of a size that suits the block: small ones cost a large block most of its time. */
function options(block: Uint8Array, maxBytes: number): { maxOutputLength: number; chunkSize: number } {
  const chunkSize = Math.min(MAX_PIECE_BYTES, Math.max(MIN_PIECE_BYTES, block.length * 4));
  return { maxOutputLength: maxBytes, chunkSize };
}

/** Of Avro, but not written by Iceberg's own writers. */
const UNSUPPORTED = new Set(['bzip2', 'xz']);

export function avroCodec(name: string, location: string): AvroCodec {
  const codec = Object.hasOwn(CODECS, name) ? CODECS[name] : undefined;
  if (codec) return codec;
  if (UNSUPPORTED.has(name))
    throw new UpstreamUnsupportedError(
      `${location} is compressed with ${name}, which is not read: rewrite the manifests of the table with another codec`,
      { operation: 'read', key: location },
    );
  throw new AvroDamage(`its codec is ${JSON.stringify(name)}`);
}
