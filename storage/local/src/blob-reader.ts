import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { open, readFile } from 'node:fs/promises';

import type { Blob, BlobHeader } from '@floecat/storage-spi';
import { StorageCorruptionError } from '@floecat/storage-spi';

import { decodeBlobHeader, payloadOffset, PRELUDE_BYTES, sha256Base64 } from './blob-file.ts';

/** Enough for most headers, so that a head is one read. */
const HEAD_BYTES = 4096;

export interface VersionFile {
  readonly path: string;
  readonly uri: string;
  readonly versionId: string;
  readonly lost: boolean;
}

/** A version with its bytes, both verified. */
export async function readBlob(file: VersionFile): Promise<Blob> {
  const bytes = await readFile(file.path);
  return verified('get', file, () => {
    const header = decodeBlobHeader(bytes, file.uri, file.versionId, file.lost);
    const offset = payloadOffset(bytes);
    checkSize(bytes.length, offset, header);
    const payload = new Uint8Array(bytes.buffer, bytes.byteOffset + offset, header.size);
    if (sha256Base64(payload) !== header.etag) throw new Error('its bytes do not have their SHA-256');
    return { header, bytes: payload };
  });
}

/** The header of a version, verified, and the size of what follows it. */
export async function readHeader(file: VersionFile): Promise<BlobHeader> {
  const handle = await open(file.path, 'r');
  try {
    const { size } = await handle.stat();
    let bytes = await readStart(handle, Math.min(size, HEAD_BYTES));
    const offset = verified('head', file, () => payloadOffset(bytes));
    if (offset > bytes.length) bytes = await readStart(handle, Math.min(size, offset));
    return verified('head', file, () => {
      const header = decodeBlobHeader(bytes, file.uri, file.versionId, file.lost);
      checkSize(size, offset, header);
      return header;
    });
  } finally {
    await handle.close();
  }
}

function checkSize(fileSize: number, offset: number, header: BlobHeader): void {
  if (fileSize !== offset + header.size)
    throw new Error(`it has ${fileSize - offset} bytes of payload instead of ${header.size}`);
}

async function readStart(handle: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.max(length, PRELUDE_BYTES));
  const { bytesRead } = await handle.read(bytes, 0, length, 0);
  return bytes.subarray(0, bytesRead);
}

function verified<T>(operation: string, { path, uri }: VersionFile, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    throw new StorageCorruptionError(
      `${operation}: the blob ${uri} is damaged: ${(cause as Error).message} (${path}); restore it from a backup`,
      { operation, key: uri, cause },
    );
  }
}
