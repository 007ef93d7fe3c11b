import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

import type { BlobHeader } from '@floecat/storage-spi';
import { LOST_TAG } from '@floecat/storage-spi';

import { modifiedOf } from './version-id.ts';

/**
 * One version of a blob as a file: magic `FCB`, format byte, length of the header (u32, little-endian), CRC-32 of
 * these eight bytes and the header, the header as JSON, then the payload to the end of the file. The payload is
 * covered by the SHA-256 in the header.
 */
const MAGIC = 'FCB';
const FORMAT = 1;
export const PRELUDE_BYTES = 12;
/** Tags come from outside; this is far above what a header needs. */
const MAX_HEADER_BYTES = 1024 * 1024;

/** What of a header is stored; the rest follows from where the file stands. */
interface StoredHeader {
  readonly uri: string;
  readonly versionId: string;
  readonly etag: string;
  readonly size: number;
  readonly contentType: string;
  readonly message?: string;
  readonly createdAt: number;
  readonly tags: Readonly<Record<string, string>>;
}

export function sha256Base64(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64');
}

/** Everything of the file that stands before the payload. */
export function encodeBlobHeader(header: BlobHeader): Buffer {
  const stored: StoredHeader = {
    uri: header.uri,
    versionId: header.versionId,
    etag: header.etag,
    size: header.size,
    contentType: header.contentType,
    ...(header.message !== undefined && { message: header.message }),
    createdAt: header.createdAt,
    tags: header.tags,
  };
  const json = Buffer.from(JSON.stringify(stored), 'utf8');
  const bytes = Buffer.alloc(PRELUDE_BYTES + json.length);
  bytes.write(MAGIC, 0, 'latin1');
  bytes[3] = FORMAT;
  bytes.writeUInt32LE(json.length, 4);
  json.copy(bytes, PRELUDE_BYTES);
  bytes.writeUInt32LE(checksum(bytes), 8);
  return bytes;
}

/** Where the payload begins, read from the first {@link PRELUDE_BYTES}; throws a plain `Error` that says what is wrong. */
export function payloadOffset(bytes: Buffer): number {
  if (bytes.length < PRELUDE_BYTES) throw new Error(`the file ends after ${bytes.length} bytes`);
  if (bytes.toString('latin1', 0, 3) !== MAGIC) throw new Error('the file does not begin as a blob does');
  if (bytes[3] !== FORMAT)
    throw new Error(
      `it has blob format ${bytes[3]}; this version reads format ${FORMAT}: upgrade to read it`,
    );
  const length = bytes.readUInt32LE(4);
  if (length > MAX_HEADER_BYTES) throw new Error(`its header claims ${length} bytes`);
  return PRELUDE_BYTES + length;
}

/** The header of the version `versionId` of `uri`; throws a plain `Error` if the bytes are damaged or another's. */
export function decodeBlobHeader(bytes: Buffer, uri: string, versionId: string, lost: boolean): BlobHeader {
  const end = payloadOffset(bytes);
  if (bytes.length < end) throw new Error(`the file ends after ${bytes.length} bytes, inside its header`);
  if (checksum(bytes.subarray(0, end)) !== bytes.readUInt32LE(8))
    throw new Error('its header fails its checksum');
  const stored = JSON.parse(bytes.toString('utf8', PRELUDE_BYTES, end)) as StoredHeader;
  if (stored.uri !== uri || stored.versionId !== versionId)
    throw new Error(`it holds version ${stored.versionId} of ${stored.uri}`);
  return Object.freeze({
    ...stored,
    lastModified: modifiedOf(versionId),
    tags: Object.freeze(lost ? { ...stored.tags, [LOST_TAG]: 'true' } : stored.tags),
  });
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(PRELUDE_BYTES), crc32(bytes.subarray(0, 8)));
}
