import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import { create } from '@bufbuild/protobuf';
import { ScanBundleSchema, SnapshotStatisticsSchema } from '@floecat/proto/snapshots';
import { BlobWriter, ownerById } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';

import { AwsStub } from '../../../storage/aws/test/support/aws-stub/aws-stub.ts';
import { openStubStorage } from '../../../storage/aws/test/support/aws-stub/open-stub-storage.ts';
import type { Reading } from '../../../storage/aws/test/support/aws-stub/request-meter.ts';
import { assertClean, assertWhole } from './support/oracle.ts';
import { putStrayRoot } from './support/raw-roots.ts';
import { World } from './support/world.ts';

const TABLES = 10;
const SNAPSHOTS = 20;
const GARBAGE = 300;

const stub = await AwsStub.start();
const opened = await openStubStorage(stub.endpoint);
after(() => stub[Symbol.asyncDispose]());

/** What is new to its owner is old enough, and what is condemned is due at once: time passes as it does. */
function atOnce(storage: Storage): Storage {
  const layout = { ...storage.layout, casGraceMs: 0, casRetentionMs: 0, pointerGraceMs: 0 };
  return { ...storage, layout };
}

function weekly(storage: Storage): Storage {
  return { ...storage, layout: { ...storage.layout, casGraceMs: 0 } };
}

suite('what collecting costs on AWS', () => {
  test('requests and capacity of a mark, a sweep and the walks over pointers, by count', async (t) => {
    await using world = await World.open({ open: async () => opened });
    const { snapshots, context } = world.repositories();
    for (let i = 0; i < TABLES; i++) {
      const table = await world.addTable(`t${i}`, `metadata ${i}`);
      await snapshots.createAll(
        table,
        Array.from({ length: SNAPSHOTS }, (_, n) => {
          const ids = { tableId: table.owner.id, snapshotId: BigInt(n + 1) };
          return {
            snapshotId: ids.snapshotId,
            statistics: create(SnapshotStatisticsSchema, ids),
            bundle: create(ScanBundleSchema, ids),
            writer: new BlobWriter(context),
          };
        }),
      );
    }
    const owner = ownerById('acme', 'tables', 'nobody');
    for (let i = 0; i < GARBAGE; i++) await putStrayRoot(opened, owner, `${i}`);
    const owners = 3 + TABLES + 2 * TABLES * SNAPSHOTS;
    // Each table also has its staged root and the chunk of its metadata.
    const versions = owners + 2 * TABLES + GARBAGE;

    stub.meter.take();
    const mark = await world.pass({ storage: weekly(opened) });
    const marked = stub.meter.take();
    assert.equal(mark['versions'], versions);
    assert.equal(mark['newlyCondemned'], GARBAGE + TABLES);
    const again = await world.pass({ storage: weekly(opened) });
    assert.equal(again['newlyCondemned'], 0);
    const remarked = stub.meter.take();
    const swept = await world.pass({ storage: atOnce(opened) });
    assert.equal(swept['deleted'], GARBAGE + TABLES);
    const sweep = stub.meter.take();
    await world.collect('pointer', { storage: atOnce(opened) });
    const scan = stub.meter.take();
    await world.collect('idempotency', { storage: atOnce(opened) });
    const expired = stub.meter.take();
    const { GetObject, GetObjectTagging, PutObjectTagging, ListObjectVersions } = marked.requests;
    // Every root once; the marker of the bucket, and the list that was made.
    assert.equal(GetObject, owners + 2);
    // Every root that is new in the list is tagged.
    assert.deepEqual([GetObjectTagging, PutObjectTagging], [GARBAGE + TABLES, GARBAGE + TABLES]);
    // A thousand versions a page; one more for the lists of earlier passes.
    assert.equal(ListObjectVersions, Math.ceil(versions / 1_000) + 1);
    assert.deepEqual(
      [remarked.requests['GetObject'], remarked.requests['PutObjectTagging']],
      [owners + 3, undefined],
    );
    // What is due, and the list before.
    assert.equal(sweep.requests['DeleteObject'], GARBAGE + TABLES + 2);
    assert.equal(sweep.requests['HeadObject'], undefined);
    await assertClean(world);
    await assertWhole(world);
    for (const [name, reading] of Object.entries({ marked, remarked, sweep, scan, expired }))
      t.diagnostic(`${name}, ${versions} versions of ${owners} owners: ${shown(reading)}`);
  });
});

function shown({ requests, read, write }: Reading): string {
  const list = Object.entries(requests).map(([name, count]) => `${count} ${name}`);
  return [...list, `${read} RRU`, `${write} WRU`].join(', ');
}
