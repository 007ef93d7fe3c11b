import { hash } from 'node:crypto';

/** What the canned server answers, and so what both sides ask for. */
export const TABLE = 'floecat_bench';
export const BUCKET = 'floecat-bench';
export const PREFIX = '/accounts/6f1c1c9e-8c51-4a41-9a3c-0a1f2f5d7b11/tables/by-id/';
export const PAGE = 1_000;
export const BLOB = Buffer.alloc(16 * 1024, 'sixteen kilobytes of a blob, ');
/** In base64. */
export const BLOB_SHA256 = hash('sha256', BLOB, 'base64');
export const BLOB_URI = `/accounts/6f1c1c9e-8c51-4a41-9a3c-0a1f2f5d7b11/tables/0b7c/${hash('sha256', BLOB, 'hex')}.pb`;

const WRITE_ID = '4cde8f01-2345-4789-8bcd-0123456789ab';

/** A row as this project stores it; its key is what `PREFIX` and a number make. */
export function storedRow(number: number) {
  return {
    shard: { S: '0042' },
    key: { S: keyOf(number) },
    fmt: { N: '1' },
    kind: { S: 'blob' },
    blob_uri: { S: BLOB_URI },
    state: { S: 'LIVE' },
    version: { N: '7' },
    write_id: { S: WRITE_ID },
    prev_write_id: { S: 'a1b2c3d4-0000-4000-8000-0123456789ab' },
    incarnation: { S: 'a1b2c3d4-1111-4000-8000-0123456789ab' },
    updated_at: { N: '1700000000123' },
  };
}

export function keyOf(number: number): string {
  return `${PREFIX}${String(number).padStart(8, '0')}-0000-4000-8000-000000000000`;
}
