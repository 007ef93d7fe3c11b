import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { fromBinary } from '@bufbuild/protobuf';
import { RootBlobSchema } from '@floecat/proto/envelope';
import type { Pointer, Storage } from '@floecat/storage-spi';

const RECORD = /^\/accounts\/[^/]+\/idempotency\//;

/**
 * Reads every pointer and holds it against the blobs, in the plainest way: each canonical row leads to its own root, which
 * is intact; each name leads to an owner that bears it, and each owner has the names that it says; what hangs on a
 * table has one. At rest, nothing is half done either.
 */
export async function checkStore(storage: Storage, { atRest }: { readonly atRest: boolean }): Promise<void> {
  const rows = new Map<string, Pointer>();
  let pageToken: string | undefined;
  do {
    const page = await storage.pointers.listPointersByPrefix(
      '',
      pageToken === undefined ? {} : { pageToken },
    );
    // The records of idempotent runs lead nowhere.
    for (const row of page.pointers) if (!RECORD.test(row.key)) rows.set(row.key, row);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);

  const namesBorne = new Map<string, string>();
  const owners = new Map<string, Pointer>();
  for (const row of rows.values()) {
    if (row.kind !== 'blob') continue;
    const { bytes } = await storage.blobs.get(row.blobUri);
    assert.ok(row.blobUri.endsWith(`/${createHash('sha256').update(bytes).digest('hex')}.pb`), row.blobUri);
    const { envelope } = fromBinary(RootBlobSchema, bytes);
    assert.deepEqual(
      [envelope?.owner, envelope?.version, envelope?.writeId],
      [row.key, BigInt(row.version), row.writeId],
    );
    for (const { key } of envelope?.names ?? []) {
      assert.equal(namesBorne.get(key), undefined, `${key} is borne twice`);
      namesBorne.set(key, row.key);
    }
    const id = row.key.split('/').at(-1) ?? '';
    owners.set(id, row);
    if (atRest) assert.ok(row.state === 'LIVE' || row.state === 'TOMBSTONE', `${row.key} is ${row.state}`);
    if (row.state === 'TOMBSTONE') assert.deepEqual(envelope?.names, [], row.key);
    if (row.state === 'TOMBSTONE') assert.equal(envelope?.messageType, 'floecat.v1.Tombstone');
  }
  for (const row of rows.values()) {
    if (row.kind !== 'value') continue;
    const owner = owners.get(row.value);
    assert.equal(namesBorne.get(row.key), owner?.key, `${row.key} leads to ${row.value}`);
    namesBorne.delete(row.key);
  }
  assert.deepEqual([...namesBorne.keys()], [], 'names that an owner bears and that are not there');
  for (const row of rows.values()) {
    const [, table] = /^\/accounts\/[^/]+\/tables\/([^/]+)\/snapshots\//.exec(row.key) ?? [];
    if (table === undefined || !atRest) continue;
    assert.equal(owners.get(table)?.state, 'LIVE', `${row.key} hangs on nothing`);
  }
}
