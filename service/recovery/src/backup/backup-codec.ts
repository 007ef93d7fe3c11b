import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';

import { StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

export const BACKUP_FORMAT = 1;
/** Far above any file of a backup: what claims to be larger is none. */
const MAX_RAW_BYTES = 64 * 1024 * 1024;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

export type Fields = Readonly<Record<string, unknown>>;

/** SHA-256, hex. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** JSON lines as one zstd frame. */
export async function packLines(lines: readonly string[]): Promise<Buffer> {
  return compress(Buffer.from(lines.join('\n') + '\n', 'utf8'));
}

/** The inverse of {@link packLines}, as UTF-8. Throws `StorageCorruptionError` with `name` in it. */
export async function unpackLines(bytes: Uint8Array, name: string): Promise<Buffer> {
  try {
    return await decompress(bytes, { maxOutputLength: MAX_RAW_BYTES });
  } catch (cause) {
    throw damaged(name, 'does not decompress', cause);
  }
}

/** The object that a line is, or `undefined` where it is none. */
export function parseObject(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

/** The first line of a file. Refuses that of another format. */
export function parseHead(name: string, head: string): Fields {
  const fields = parseObject(head);
  if (!fields) throw damaged(name, 'does not begin with a line of JSON');
  const { format } = fields;
  if (typeof format === 'number' && format > BACKUP_FORMAT)
    throw new StorageMisconfiguredError(
      `${name} has backup format ${format}, and this version reads up to ${BACKUP_FORMAT}: use a newer one`,
      { operation: 'readBackup', key: name },
    );
  if (format !== BACKUP_FORMAT) throw damaged(name, 'does not tell its format');
  return fields;
}

export function damaged(name: string, why: string, cause?: unknown): StorageCorruptionError {
  return new StorageCorruptionError(
    `${name} is damaged: it ${why}. Put back a good copy of the file, or use another backup and remove this one`,
    { operation: 'readBackup', key: name, cause },
  );
}

export function missing(name: string): StorageCorruptionError {
  return new StorageCorruptionError(
    `${name} is missing. Put back a copy of the file, or use another backup and remove this one`,
    { operation: 'readBackup', key: name },
  );
}
