import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ScanFile } from '@floecat/proto/snapshots';

import type { ManifestOutcome } from '../../src/harvest/index.ts';
import { ManifestCache } from '../../src/harvest/index.ts';
import { harvested, totals } from './harvested.ts';
import type { DataFile, Entry, ListedManifest } from './synthetic-table.ts';
import { LIST, manifest, manifestList, MemoryLake, SNAPSHOT_ID, tableMetadata } from './synthetic-table.ts';

const AT = 'mem://t/m.avro';

async function filesOf(
  entries: readonly Entry[],
  listed: Partial<ListedManifest> = {},
  version: 2 | 3 = 2,
): Promise<readonly ScanFile[]> {
  const lake = new MemoryLake();
  lake.files.set(AT, manifest({ entries, version }));
  lake.files.set(LIST, manifestList([{ path: AT, ...listed }], version));
  const harvest = await harvested({
    reader: lake,
    metadata: tableMetadata({ version }),
    snapshotId: SNAPSHOT_ID,
  });
  assert.deepEqual(harvest.problems, []);
  return harvest.files;
}

const origin = (file: ScanFile): (bigint | undefined)[] => [
  file.addedSnapshotId,
  file.dataSequenceNumber,
  file.fileSequenceNumber,
  file.firstRowId,
];

async function problemOf(entries: readonly Entry[], listed: Partial<ListedManifest>): Promise<string> {
  const lake = new MemoryLake();
  lake.files.set(AT, manifest({ entries }));
  lake.files.set(LIST, manifestList([{ path: AT, ...listed }]));
  const harvest = await harvested({ reader: lake, metadata: tableMetadata(), snapshotId: SNAPSHOT_ID });
  assert.deepEqual(harvest.files, []);
  return harvest.problems.map(({ code, location, message }) => `${code} ${location} ${message}`).join();
}

test('an added entry without ids takes those of its manifest; one that has its own keeps them', async () => {
  const files = await filesOf(
    [
      { status: 1 },
      { status: 1, snapshot_id: 5n },
      { status: 0, snapshot_id: 3n, sequence_number: 2n, file_sequence_number: 1n },
      { status: 1, snapshot_id: 0n, sequence_number: 0n, file_sequence_number: 0n },
    ],
    { sequence_number: 2n ** 60n, added_snapshot_id: 2n ** 62n },
  );
  assert.deepEqual(files.map(origin), [
    [2n ** 62n, 2n ** 60n, 2n ** 60n, undefined],
    [5n, 2n ** 60n, 2n ** 60n, undefined],
    [3n, 2n, 1n, undefined],
    [0n, 0n, 0n, undefined],
  ]);
});

test('an existing entry of an older writer has no file sequence number: it is not known', async () => {
  const [file] = await filesOf([{ status: 0, snapshot_id: 3n, sequence_number: 2n }]);
  assert.deepEqual(file && origin(file), [3n, 2n, 0n, undefined]);
});

test('entries of a manifest written in version 1 have sequence number 0, added or not', async () => {
  const files = await filesOf(
    [
      { status: 0, snapshot_id: 3n },
      { status: 1, snapshot_id: 4n },
    ],
    { sequence_number: 0n },
  );
  assert.deepEqual(files.map(origin), [
    [3n, 0n, 0n, undefined],
    [4n, 0n, 0n, undefined],
  ]);
});

test('deleted entries are not live and count nowhere', async () => {
  const lake = new MemoryLake();
  const gone = { status: 2, snapshot_id: 1n, sequence_number: 1n, data_file: { record_count: 999n } };
  lake.files.set(AT, manifest({ entries: [gone, { data_file: { record_count: 3n } }, gone] }));
  lake.files.set(LIST, manifestList([{ path: AT }]));
  const harvest = await harvested({ reader: lake, metadata: tableMetadata(), snapshotId: SNAPSHOT_ID });
  assert.deepEqual(
    harvest.files.map(({ recordCount }) => recordCount),
    [3n],
  );
  assert.deepEqual(totals(harvest.statistics), [3n, 1n, 1000n, 0n, 0n, 0n, 0n, 0n, 1n]);
});

test('what would inherit wrongly is damage of the manifest', async () => {
  const existing = await problemOf([{ status: 1 }, { status: 0, snapshot_id: 1n }], { sequence_number: 7n });
  assert.match(existing, /^DAMAGED mem:\/\/t\/m\.avro .*no sequence number/);
  const unknown = await problemOf([{ status: 1 }], { added_snapshot_id: null });
  assert.match(unknown, /^DAMAGED .*which snapshot added/);
});

test('a manifest of data holds no deletes, and the other way round', async () => {
  assert.match(
    await problemOf([{ data_file: { content: 1 } }], { content: 0 }),
    /^DAMAGED .*manifest of data/,
  );
  assert.match(
    await problemOf([{ data_file: { content: 0 } }], { content: 1 }),
    /^DAMAGED .*manifest of deletes/,
  );
});

const rows = (record_count: bigint, first_row_id: bigint | null = null): DataFile => ({
  record_count,
  first_row_id,
});

test('row ids of version 3 go to live data files that have none, in order', async () => {
  const entries = [
    { status: 1, data_file: rows(10n) },
    { status: 2, snapshot_id: 1n, sequence_number: 1n, data_file: rows(500n) },
    { status: 0, snapshot_id: 1n, sequence_number: 1n, data_file: rows(7n, 3n) },
    { status: 1, data_file: rows(5n) },
    { status: 1, data_file: rows(1n) },
  ];
  const given = await filesOf(entries, { first_row_id: 1_000n }, 3);
  assert.deepEqual(
    given.map(({ firstRowId }) => firstRowId),
    [1_000n, 3n, 1_010n, 1_015n],
  );
  // Without one in the list, which is how a table looks before its upgrade, no file has any.
  const none = await filesOf(entries, { first_row_id: null }, 3);
  assert.deepEqual(
    none.map(({ firstRowId }) => firstRowId),
    [undefined, undefined, undefined, undefined],
  );
});

test('one manifest under two lists inherits from each', async () => {
  const lake = new MemoryLake();
  lake.files.set(AT, manifest({ entries: [{ status: 1 }] }));
  lake.files.set('mem://a', manifestList([{ path: AT, sequence_number: 1n, added_snapshot_id: 11n }]));
  lake.files.set('mem://b', manifestList([{ path: AT, sequence_number: 2n, added_snapshot_id: 22n }]));
  const snapshots = ['a', 'b'].map((name, i) => ({
    'snapshot-id': i,
    'timestamp-ms': 1,
    'manifest-list': `mem://${name}`,
  }));
  const metadata = tableMetadata({ more: { snapshots, 'current-snapshot-id': 0 } });
  const cache = new ManifestCache<ManifestOutcome>();
  for (const [snapshotId, added, sequence] of [
    [0n, 11n, 1n],
    [1n, 22n, 2n],
  ] as const) {
    const { files } = await harvested({ reader: lake, metadata, snapshotId, cache });
    assert.deepEqual(files.map(origin), [[added, sequence, sequence, undefined]]);
  }
});
