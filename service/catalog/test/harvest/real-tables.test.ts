import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import type { ColumnStatistics } from '@floecat/proto/snapshots';

import type { ManifestOutcome } from '../../src/harvest/index.ts';
import { ManifestCache, readTableMetadata, renderValue } from '../../src/harvest/index.ts';
import type { Harvested } from './harvested.ts';
import { fileLine, harvested, line, totals } from './harvested.ts';
import { LAKE, lakeReader, needsLake, TABLES } from './lake.ts';

// Every expected figure in this file was taken from the same files with another Avro library and added up there.

async function harvestAll(location: string): Promise<Map<bigint, Harvested>> {
  const reader = lakeReader();
  const { metadata } = await readTableMetadata(reader, location);
  const cache = new ManifestCache<ManifestOutcome>();
  const harvests = new Map<bigint, Harvested>();
  for (const snapshotId of metadata.snapshots.keys())
    harvests.set(snapshotId, await harvested({ reader, metadata, snapshotId, cache }));
  return harvests;
}

function of(harvests: Map<bigint, Harvested>, snapshotId: bigint): Harvested {
  const harvest = harvests.get(snapshotId);
  assert.ok(harvest, `snapshot ${snapshotId}`);
  return harvest;
}

const lines = ({ statistics }: Harvested): string[] => statistics.columns.map(line);

const NEWEST: readonly (readonly [keyof typeof TABLES, string, bigint, number])[] = [
  [
    'trinoTest',
    's3://yb-iceberg-tpcds/trino_test/metadata/00002-503f4508-3824-4cb6-bdf1-4bd6bf5a0ade.metadata.json',
    7105637631842704244n,
    3,
  ],
  [
    'trinoTypes',
    's3://floecat/sales/us/trino_types/metadata/00001-d751d7ce-209e-443e-9937-c25e2a08fc29.metadata.json',
    3244181371591257627n,
    2,
  ],
  ['lineitem', './lineitem_iceberg/metadata/v2.metadata.json', 2354745328521181395n, 2],
  ['hive', 'data/persistent/hive_partitioned_table/metadata/v4.metadata.json', 5128628767169163501n, 2],
  [
    'mytable',
    'data/persistent/equality_deletes/warehouse/mydb/mytable/metadata/v7.metadata.json',
    1916084761853986166n,
    6,
  ],
];

for (const [name, metadataLocation, current, snapshots] of NEWEST)
  test(`${name}: the table location leads to its newest metadata, byte for byte`, needsLake, async () => {
    const found = await readTableMetadata(lakeReader(), TABLES[name]);
    assert.equal(found.metadataLocation, metadataLocation);
    assert.equal(found.metadata.location, TABLES[name]);
    assert.equal(found.metadata.currentSnapshotId, current);
    assert.equal(found.metadata.snapshots.size, snapshots);
    const path = join(LAKE, metadataLocation.replace('s3://', ''));
    assert.deepEqual(Buffer.from(found.text), readFileSync(path));
  });

test('lineitem: both bundles and the statistics of each column', needsLake, async () => {
  const harvests = await harvestAll(TABLES.lineitem);
  const first = of(harvests, 7817332053627255703n);
  assert.deepEqual(first.problems, []);
  assert.deepEqual(totals(first.statistics), [60175n, 1n, 1406875n, 0n, 0n, 0n, 0n, 0n, 1n]);
  assert.deepEqual(first.files.map(fileLine), [
    'DATA 00000-1-66fee7c2-c97c-4af9-963d-930afd99ace4-00001.parquet 60175 1406875 7817332053627255703 1 1 []',
  ]);
  assert.deepEqual(lines(first), [
    '1 | l_orderkey | long | 60175 | 0 | 88357 | 1 | 60000',
    '2 | l_partkey | long | 60175 | 0 | 87334 | 1 | 2000',
    '3 | l_suppkey | long | 60175 | 0 | 53125 | 1 | 100',
    '4 | l_linenumber | long | 60175 | 0 | 11328 | 1 | 7',
    '5 | l_quantity | decimal(15,2) | 60175 | 0 | 45649 | 1.00 | 50.00',
    '6 | l_extendedprice | decimal(15,2) | 60175 | 0 | 198854 | 904.00 | 94949.50',
    '7 | l_discount | decimal(15,2) | 60175 | 0 | 26628 | 0.00 | 0.10',
    '8 | l_tax | decimal(15,2) | 60175 | 0 | 24602 | 0.00 | 0.08',
    '9 | l_returnflag | string | 60175 | 0 | 10523 | A | R',
    '10 | l_linestatus | string | 60175 | 0 | 6967 | F | O',
    '11 | l_shipdate | date | 60175 | 0 | 96052 | 1992-01-04 | 1998-11-29',
    '12 | l_commitdate | date | 60175 | 0 | 95906 | 1992-02-02 | 1998-10-28',
    '13 | l_receiptdate | date | 60175 | 0 | 96078 | 1992-01-09 | 1998-12-25',
    '14 | l_shipinstruct | string | 60175 | 0 | 15427 | COLLECT COD | TAKE BACK RETURN',
    '15 | l_shipmode | string | 60175 | 0 | 22952 | AIR | TRUCK',
    '16 | l_comment | string | 60175 | 0 | 521381 |  Tiresias above  | zzle special rer',
  ]);
  const second = of(harvests, 2354745328521181395n);
  assert.deepEqual(second.problems, []);
  // Two manifests: the second one only says that the first file is deleted.
  assert.deepEqual(totals(second.statistics), [51793n, 1n, 1225526n, 0n, 0n, 0n, 0n, 0n, 2n]);
  assert.deepEqual(second.files.map(fileLine), [
    'DATA 00000-5-dad9988f-2a3b-464c-adb6-6034de93da19-00001.parquet 51793 1225526 2354745328521181395 2 2 []',
  ]);
  assert.deepEqual(lines(second).slice(0, 6), [
    '1 | l_orderkey | long | 51793 | 0 | 82241 | 1 | 60000',
    '2 | l_partkey | long | 51793 | 0 | 75888 | 1 | 2000',
    '3 | l_suppkey | long | 51793 | 0 | 45738 | 1 | 100',
    '4 | l_linenumber | long | 51793 | 0 | 14152 | 1 | 7',
    '5 | l_quantity | decimal(15,2) | 51793 | 0 | 38785 | 6.00 | 50.00',
    '6 | l_extendedprice | decimal(15,2) | 51793 | 0 | 170946 | 10000.56 | 94949.50',
  ]);
  const { statistics } = second;
  assert.equal(statistics.snapshotId, 2354745328521181395n);
  assert.equal(statistics.parentSnapshotId, 7817332053627255703n);
  assert.equal(statistics.sequenceNumber, 2n);
  assert.equal(statistics.timestampMs, 1746188480005n);
  assert.equal(statistics.operation, 'overwrite');
  assert.equal(statistics.summary['total-records'], '51793');
  assert.equal(statistics.schemaId, 0);
  assert.equal(first.statistics.parentSnapshotId, undefined);
  const [file] = second.files;
  assert.equal(
    file?.filePath,
    'lineitem_iceberg/data/00000-5-dad9988f-2a3b-464c-adb6-6034de93da19-00001.parquet',
  );
  assert.equal(file?.fileFormat, 'PARQUET');
  assert.deepEqual(file?.splitOffsets, [4n]);
  assert.equal(file?.sortOrderId, 0);
  assert.equal(file?.columnSizes[16], 450074n);
  assert.deepEqual(Buffer.from(file?.lowerBounds[6] ?? []), Buffer.from([0x0f, 0x42, 0x78]));
});

test('mytable: equality deletes with their field ids, and a missing manifest list', needsLake, async () => {
  const harvests = await harvestAll(TABLES.mytable);
  const all = [...harvests].map(([id, { statistics, problems }]) => [
    id,
    ...totals(statistics),
    problems.length,
  ]);
  assert.deepEqual(all, [
    [853766660775201079n, 4n, 1n, 935n, 0n, 0n, 0n, 0n, 0n, 1n, 0],
    [7342794868382145167n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 1],
    [1584331123492059582n, 4n, 1n, 935n, 0n, 0n, 2n, 2n, 929n, 3n, 0],
    [842401149381792626n, 4n, 1n, 935n, 0n, 0n, 3n, 3n, 1635n, 4n, 0],
    [3340507003387467420n, 6n, 2n, 1844n, 0n, 0n, 3n, 3n, 1635n, 5n, 0],
    [1916084761853986166n, 6n, 2n, 1844n, 0n, 0n, 4n, 4n, 2101n, 6n, 0],
  ]);
  const current = of(harvests, 1916084761853986166n);
  assert.deepEqual(current.files.map(fileLine), [
    'DATA 00000-12-3ac0d3a9-e19f-4bef-a39a-30030476b8aa-0-00001.parquet 2 909 3340507003387467420 5 5 []',
    'DATA 00000-9-8b7ad7ff-1bf1-4522-9b6b-da181d84a8d6-0-00001.parquet 4 935 853766660775201079 1 1 []',
    'EQUALITY_DELETES delete-2ca427ee-335e-412b-85d9-cb2ffd9ecfde.parquet 1 466 1916084761853986166 6 6 [2]',
    'EQUALITY_DELETES delete-6b31fafe-0aa5-4197-b4e8-052dbc2afa98.parquet 1 706 842401149381792626 4 4 [1,2]',
    'EQUALITY_DELETES delete-242a4468-1e89-489f-aa1b-eafd83a379db.parquet 1 463 1584331123492059582 3 3 [1]',
    'EQUALITY_DELETES delete-93d19556-6cbf-4720-a9a3-3cd5004ad532.parquet 1 466 7342794868382145167 2 2 [2]',
  ]);
  // Deletes count in no column.
  assert.deepEqual(lines(current), [
    '1 | id | int | 6 | 0 | 106 | 1 | 6',
    '2 | name | string | 6 | 0 | 112 | a | f',
    '3 | bir | date | 6 | 0 | 106 | 2025-01-01 | 2025-01-06',
  ]);
  const missing = of(harvests, 7342794868382145167n);
  assert.deepEqual(
    missing.problems.map(({ code, location }) => [code, location]),
    [
      [
        'MISSING',
        `${TABLES.mytable}/metadata/snap-7342794868382145167-1-34f7dec7-90c5-4cd5-b158-5782b73fc010.avro`,
      ],
    ],
  );
  assert.deepEqual(
    missing.statistics.problems.map(({ code }) => code),
    ['MISSING'],
  );
  assert.deepEqual(missing.files, []);
  assert.equal(missing.statistics.operation, 'delete');
});

test('hive_partitioned_table: partition values of two specs', needsLake, async () => {
  const harvests = await harvestAll(TABLES.hive);
  const first = of(harvests, 2541674261311761067n);
  const second = of(harvests, 5128628767169163501n);
  assert.deepEqual(totals(first.statistics), [2n, 2n, 1876n, 0n, 0n, 0n, 0n, 0n, 1n]);
  assert.deepEqual(totals(second.statistics), [6n, 6n, 5594n, 0n, 0n, 0n, 0n, 0n, 2n]);
  assert.deepEqual([...first.problems, ...second.problems], []);
  assert.deepEqual(
    second.files.map((file) => `${file.specId} ${fileLine(file)}`),
    [
      '1 DATA 00000-8-c8ef1f50-38e5-4f6c-bc66-8b6410198355-00001.parquet 1 921 5128628767169163501 2 2 [] event_date:date=2024-01-03 event_type:string=view',
      '1 DATA 00000-8-c8ef1f50-38e5-4f6c-bc66-8b6410198355-00002.parquet 1 928 5128628767169163501 2 2 [] event_date:date=2024-01-03 event_type:string=click',
      '1 DATA 00000-8-c8ef1f50-38e5-4f6c-bc66-8b6410198355-00003.parquet 1 948 5128628767169163501 2 2 [] event_date:date=2024-01-04 event_type:string=purchase',
      '1 DATA 00000-8-c8ef1f50-38e5-4f6c-bc66-8b6410198355-00004.parquet 1 921 5128628767169163501 2 2 [] event_date:date=2024-01-04 event_type:string=view',
      '0 DATA 00000-3-249d8105-f013-47e6-8600-a855387633e5-00002.parquet 1 948 2541674261311761067 1 1 [] event_date:date=2024-01-02',
      '0 DATA 00000-3-249d8105-f013-47e6-8600-a855387633e5-00001.parquet 1 928 2541674261311761067 1 1 [] event_date:date=2024-01-01',
    ],
  );
  assert.deepEqual(
    second.files.map(({ partition }) => partition.map(({ fieldId }) => fieldId))[0],
    [1000, 1001],
  );
  assert.deepEqual(lines(first), [
    '1 | event_date | date | 2 | 0 | 72 | 2024-01-01 | 2024-01-02',
    '2 | user_id | long | 2 | 0 | 80 | 12345 | 67890',
    '3 | event_type | string | 2 | 0 | 84 | click | purchase',
  ]);
  assert.deepEqual(lines(second), [
    '1 | event_date | date | 6 | 0 | 216 | 2024-01-01 | 2024-01-04',
    '2 | user_id | long | 6 | 0 | 240 | 12345 | 97531',
    '3 | event_type | string | 6 | 0 | 248 | click | view',
  ]);
});

test('trino_types: every type, nested columns by dotted path', needsLake, async () => {
  const harvests = await harvestAll(TABLES.trinoTypes);
  const current = of(harvests, 3244181371591257627n);
  assert.deepEqual(current.problems, []);
  assert.deepEqual(totals(current.statistics), [1n, 1n, 3092n, 0n, 0n, 0n, 0n, 0n, 1n]);
  assert.deepEqual(lines(current), [
    '1 | c_bool | boolean | 1 | 0 | 33 | true | true',
    '2 | c_i32 | int | 1 | 0 | 36 | 42 | 42',
    '3 | c_i64 | long | 1 | 0 | 40 | 9223372036854775807 | 9223372036854775807',
    '4 | c_real | float | 1 | 0 | 36 | 3.14 | 3.14',
    '5 | c_double | double | 1 | 0 | 40 | 2.718281828 | 2.718281828',
    '6 | c_dec | decimal(18,4) | 1 | 0 | 40 | 12345.6789 | 12345.6789',
    '7 | c_varchar | string | 1 | 0 | 49 | hello iceberg | hello iceberg',
    '8 | c_varbinary | binary | 1 | 0 | 50 | 7b22666f6f223a2022626172227d | 7b22666f6f223a2022626172227d',
    '9 | c_date | date | 1 | 0 | 36 | 2025-01-01 | 2025-01-01',
    '10 | c_time | time | 1 | 0 | 40 | 12:34:56.123456 | 12:34:56.123456',
    '11 | c_ts | timestamp | 1 | 0 | 40 | 2025-01-01T12:34:56.123456 | 2025-01-01T12:34:56.123456',
    '12 | c_tstz | timestamptz | 1 | 0 | 40 | 2025-01-01T12:34:56.123456+00:00 | 2025-01-01T12:34:56.123456+00:00',
    '16 | c_json_text | string | 1 | 0 | 58 | {"foo": "bar", " | {"foo": "bar", #',
    '17 | c_json_bytes | binary | 1 | 0 | 58 | 7b22666f6f223a2022626172222c2022 | 7b22666f6f223a2022626172222c2023',
    '18 | c_arr.element | int | 3 | 0 | 51 | - | -',
    '19 | c_map.key | string | 2 | 0 | 49 | - | -',
    '20 | c_map.value | long | 2 | 0 | 55 | - | -',
    '21 | c_row.a | int | 1 | 0 | 37 | 7 | 7',
    '22 | c_row.b | string | 1 | 0 | 46 | row-value | row-value',
  ]);
  // Its list is there and empty, which is no problem.
  const empty = of(harvests, 6195347857440582161n);
  assert.deepEqual([empty.problems, empty.files], [[], []]);
  assert.deepEqual(totals(empty.statistics), [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]);
  assert.equal(empty.statistics.columns.length, 19);
  assert.ok(
    empty.statistics.columns.every(
      (column) => column.filesWithCounts === 0n && column.valueCount === undefined,
    ),
  );
});

test('trino_test: position deletes, and the oldest manifest list is missing', needsLake, async () => {
  const harvests = await harvestAll(TABLES.trinoTest);
  const problems = [...harvests].map(([id, harvest]) => [id, ...harvest.problems.map(({ code }) => code)]);
  assert.deepEqual(problems, [
    [909135298008832391n, 'MISSING'],
    [4703731101105413415n],
    [7105637631842704244n],
  ]);
  const current = of(harvests, 7105637631842704244n);
  assert.deepEqual(totals(current.statistics), [3n, 1n, 203n, 1n, 1n, 0n, 0n, 874n, 2n]);
  assert.deepEqual(current.files.map(fileLine), [
    'DATA 20251207_055210_00016_vxm8g-78323b22-ffd9-4e77-8dd5-b8655b22d95a.parquet 3 203 4703731101105413415 2 2 []',
    'POSITION_DELETES 20251207_055233_00017_vxm8g-062e659d-1a0f-474e-ac85-dc3babf401b7.parquet 1 874 7105637631842704244 3 3 []',
  ]);
  assert.deepEqual(lines(current), ['1 | i | int | 3 | 0 | 44 | 1 | 3']);
  const deletes = current.files[1];
  assert.equal(deletes?.sortOrderId, undefined);
  // Counts of a delete file's own columns stay with the file.
  assert.deepEqual(deletes?.valueCounts, { 2147483545: 1n, 2147483546: 1n });
  assert.equal(renderValue('long', deletes?.lowerBounds[2147483545] ?? new Uint8Array()), '2');
});

test('trino_test: the distinct count of 00001 stands in the metadata', needsLake, async () => {
  const reader = lakeReader();
  const location = `${TABLES.trinoTest}/metadata/00001-084f601d-8c4e-4315-8747-5152a12ad2ea.metadata.json`;
  const { metadata } = await readTableMetadata(reader, location);
  const { statistics, problems } = await harvested({ reader, metadata, snapshotId: 4703731101105413415n });
  assert.deepEqual(problems, []);
  assert.deepEqual(
    statistics.columns.map(({ name, distinctCount }: ColumnStatistics) => [name, distinctCount]),
    [['i', 3n]],
  );
  const older = await harvested({ reader, metadata, snapshotId: 909135298008832391n });
  assert.equal(older.statistics.columns[0]?.distinctCount, undefined);
});
