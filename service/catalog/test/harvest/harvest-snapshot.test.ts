import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FileContent } from '@floecat/proto/snapshots';
import {
  InvalidArgumentError,
  StorageAbortRetryableError,
  StorageAccessDeniedError,
  StorageUnavailableError,
} from '@floecat/storage-spi';

import type { HarvestRequest } from '../../src/harvest/index.ts';
import { harvestSnapshot, renderValue } from '../../src/harvest/index.ts';
import { avroFile } from './avro-writer.ts';
import { fileLine, harvested, line, totals } from './harvested.ts';
import {
  byField,
  LIST,
  manifest,
  manifestList,
  manifestSchema,
  MemoryLake,
  SNAPSHOT_ID,
  tableMetadata,
} from './synthetic-table.ts';

const M0 = 'mem://t/m0.avro';
const M1 = 'mem://t/m1.avro';
const M2 = 'mem://t/m2.avro';

function lakeOf(files: Readonly<Record<string, Uint8Array>>): MemoryLake {
  const lake = new MemoryLake();
  for (const [location, bytes] of Object.entries(files)) lake.files.set(location, bytes);
  return lake;
}

const run = (
  files: Readonly<Record<string, Uint8Array>>,
  more: Partial<HarvestRequest> = {},
): ReturnType<typeof harvested> =>
  harvested({ reader: lakeOf(files), metadata: tableMetadata(), snapshotId: SNAPSHOT_ID, ...more });

for (const codec of ['null', 'deflate', 'snappy', 'zstandard'] as const)
  test(`${codec} manifests and lists read the same`, async () => {
    const entries = [{ data_file: { lower_bounds: byField({ 1: Buffer.alloc(8, 1) }) } }, {}];
    const plain = await run({ [M0]: manifest({ entries }), [LIST]: manifestList([{ path: M0 }]) });
    const packed = await run({
      [M0]: manifest({ entries, codec, recordsPerBlock: 1 }),
      [LIST]: manifestList([{ path: M0 }], 2, { codec }),
    });
    assert.deepEqual(packed, plain);
    assert.equal(plain.files.length, 2);
  });

test('every field of a file arrives', async () => {
  const data_file = {
    content: 1,
    file_path: 'mem://t/data/dv.puffin',
    file_format: 'PUFFIN',
    record_count: 2n ** 40n,
    file_size_in_bytes: 2n ** 41n,
    column_sizes: byField({ 1: 11n, 2_147_483_546: 2n ** 62n }),
    value_counts: byField({ 1: 12n }),
    null_value_counts: byField({ 1: 13n }),
    nan_value_counts: byField({ 1: 14n }),
    lower_bounds: byField({ 1: Buffer.from([1]) }),
    upper_bounds: byField({ 1: Buffer.alloc(0) }),
    key_metadata: Buffer.from('key'),
    split_offsets: [4n, 2n ** 33n],
    equality_ids: [3, -1],
    sort_order_id: 0,
    referenced_data_file: 'mem://t/data/0.parquet',
    content_offset: 0n,
    content_size_in_bytes: 2n ** 35n,
  };
  const { files } = await run(
    {
      [M0]: manifest({ version: 3, entries: [{ data_file }] }),
      [LIST]: manifestList([{ path: M0, content: 1, partition_spec_id: 4 }], 3),
    },
    { metadata: tableMetadata({ version: 3 }) },
  );
  const [file] = files;
  assert.ok(file);
  assert.deepEqual(
    {
      ...file,
      keyMetadata: Buffer.from(file.keyMetadata ?? []).toString(),
      lowerBounds: [...(file.lowerBounds[1] ?? [])],
      upperBounds: file.upperBounds[1]?.length,
    },
    {
      $typeName: 'floecat.v1.ScanFile',
      content: FileContent.POSITION_DELETES,
      filePath: 'mem://t/data/dv.puffin',
      fileFormat: 'PUFFIN',
      specId: 4,
      partition: [],
      recordCount: 2n ** 40n,
      fileSizeBytes: 2n ** 41n,
      columnSizes: { 1: 11n, 2_147_483_546: 2n ** 62n },
      valueCounts: { 1: 12n },
      nullCounts: { 1: 13n },
      nanCounts: { 1: 14n },
      lowerBounds: [1],
      upperBounds: 0,
      splitOffsets: [4n, 2n ** 33n],
      equalityIds: [3, -1],
      sortOrderId: 0,
      addedSnapshotId: 70n,
      dataSequenceNumber: 7n,
      fileSequenceNumber: 7n,
      referencedDataFile: 'mem://t/data/0.parquet',
      contentOffset: 0n,
      contentSizeBytes: 2n ** 35n,
      keyMetadata: 'key',
    },
  );
});

test('version 1: manifests in the metadata or in a list, no sequence numbers, no content', async () => {
  const entries = [{ status: 1, snapshot_id: 3n, data_file: { record_count: 4n } }];
  const file = 'DATA 0.parquet 4 1000 3 0 0 []';
  const inline = tableMetadata({ version: 1, snapshot: { 'manifest-list': undefined, manifests: [M0] } });
  const metadata = { 'partition-spec-id': '6' };
  const first = await run({ [M0]: manifest({ version: 1, entries, metadata }) }, { metadata: inline });
  assert.deepEqual(first.problems, []);
  assert.deepEqual(first.files.map(fileLine), [file]);
  assert.equal(first.files[0]?.specId, 6);
  assert.equal(first.statistics.manifestList, '');
  const listed = await run(
    {
      [M0]: manifest({ version: 1, entries }),
      [LIST]: manifestList([{ path: M0, partition_spec_id: 2 }], 1),
    },
    { metadata: tableMetadata({ version: 1 }) },
  );
  assert.deepEqual(listed.files.map(fileLine), [file]);
  assert.equal(listed.files[0]?.specId, 2);
});

const rename = (schema: unknown): unknown =>
  JSON.parse(
    JSON.stringify(schema).replaceAll(
      /"name":"(status|file_path|record_count|data_file|partition)"/g,
      '"name":"x_$1"',
    ),
  );

test('the fields of a manifest are found by id where a writer names them otherwise', async () => {
  const record = {
    x_status: 1,
    x_data_file: {
      content: 0,
      x_file_path: 'mem://f',
      file_format: 'ORC',
      x_partition: {},
      x_record_count: 5n,
      file_size_in_bytes: 6n,
    },
  };
  const { files } = await run({
    [M0]: avroFile(rename(manifestSchema(2)), [record]),
    [LIST]: manifestList([{ path: M0 }]),
  });
  assert.deepEqual(
    files.map(({ filePath, fileFormat, recordCount }) => [filePath, fileFormat, recordCount]),
    [['mem://f', 'ORC', 5n]],
  );
});

/** Partition fields by name: Avro type, value, transform and source type, and what is shown of it. */
const PARTITIONS: readonly (readonly [string, unknown, unknown, string, string, string, string])[] = [
  ['b', 'boolean', true, 'identity', 'boolean', 'boolean', 'true'],
  ['i', 'int', -5, 'identity', 'int', 'int', '-5'],
  ['l', 'long', 2n ** 62n, 'truncate[10]', 'long', 'long', '4611686018427387904'],
  ['promoted', 'int', 7, 'identity', 'long', 'long', '7'],
  ['f', 'float', 0.5, 'identity', 'float', 'float', '0.5'],
  ['d', 'double', -2.25, 'identity', 'double', 'double', '-2.25'],
  [
    'dec',
    { type: 'fixed', name: 'dec_9', size: 4, logicalType: 'decimal', precision: 9, scale: 2 },
    Buffer.from([0xff, 0xff, 0xfa, 0x74]),
    'identity',
    'decimal(9,2)',
    'decimal(9,2)',
    '-14.20',
  ],
  [
    'decb',
    { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
    Buffer.from([0x00, 0x00, 0x05, 0x8c]),
    'identity',
    'decimal(9,2)',
    'decimal(9,2)',
    '14.20',
  ],
  ['day', { type: 'int', logicalType: 'date' }, 19_723, 'day', 'timestamp', 'date', '2024-01-01'],
  ['day_as_int', 'int', 19_723, 'day', 'timestamp', 'date', '2024-01-01'],
  ['date', { type: 'int', logicalType: 'date' }, -1, 'identity', 'date', 'date', '1969-12-31'],
  ['hour', 'int', 473_353, 'hour', 'timestamptz', 'int', '473353'],
  ['bucket', 'int', 3, 'bucket[16]', 'uuid', 'int', '3'],
  ['time', { type: 'long', logicalType: 'time-micros' }, 1n, 'identity', 'time', 'time', '00:00:00.000001'],
  [
    'ts',
    { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false },
    0n,
    'identity',
    'timestamp',
    'timestamp',
    '1970-01-01T00:00:00',
  ],
  [
    'tstz',
    { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true },
    0n,
    'identity',
    'timestamptz',
    'timestamptz',
    '1970-01-01T00:00:00+00:00',
  ],
  ['s', 'string', 'Ü 数', 'identity', 'string', 'string', 'Ü 数'],
  [
    'u',
    { type: 'fixed', name: 'uuid_fixed', size: 16, logicalType: 'uuid' },
    Buffer.from('f79c3e09677c4bbda479f3f349cb785e', 'hex'),
    'identity',
    'uuid',
    'uuid',
    'f79c3e09-677c-4bbd-a479-f3f349cb785e',
  ],
  [
    'us',
    { type: 'string', logicalType: 'uuid' },
    'F79C3E09-677c-4bbd-a479-f3f349cb785e',
    'identity',
    'uuid',
    'uuid',
    'f79c3e09-677c-4bbd-a479-f3f349cb785e',
  ],
  [
    'fx',
    { type: 'fixed', name: 'fixed_2', size: 2 },
    Buffer.from([1, 2]),
    'identity',
    'fixed[2]',
    'fixed[2]',
    '0102',
  ],
  ['bin', 'bytes', Buffer.from([0xff]), 'identity', 'binary', 'binary', 'ff'],
  ['none', 'string', null, 'void', 'string', 'string', 'null'],
];

const partitionStruct = PARTITIONS.map(([name, type], i) => ({
  name,
  type: ['null', type],
  default: null,
  'field-id': 1_000 + i,
}));
const partitionOf = Object.fromEntries(PARTITIONS.map(([name, , value]) => [name, value]));

const partitionEntry = { entries: [{ data_file: { partition: partitionOf } }], partition: partitionStruct };
const shown = PARTITIONS.map(([name, , , , , type, text], i) => `${1_000 + i} ${name} ${type} ${text}`);
const partitionSpec = PARTITIONS.map(([name, , , transform], i) => ({
  name,
  transform,
  'source-id': i + 1,
  'field-id': 1_000 + i,
}));
const sourceFields = PARTITIONS.map(([name, , , , source], i) => ({
  id: i + 1,
  name: `src_${name}`,
  required: false,
  type: source,
}));

async function partitions(bytes: Buffer, metadata = tableMetadata()): Promise<string[]> {
  const { files, problems } = await run({ [M0]: bytes, [LIST]: manifestList([{ path: M0 }]) }, { metadata });
  assert.deepEqual(problems, []);
  return (files[0]?.partition ?? []).map(
    ({ fieldId, name, type, value }) =>
      `${fieldId} ${name} ${type} ${value ? renderValue(type, value) : 'null'}`,
  );
}

test('partition values of every type, named and typed by the header of the manifest', async () => {
  const metadata = {
    'partition-spec': JSON.stringify(partitionSpec),
    schema: JSON.stringify({ type: 'struct', fields: sourceFields }),
  };
  assert.deepEqual(await partitions(manifest({ ...partitionEntry, metadata })), shown);
});

test('without a header that can be read, by the metadata', async () => {
  const table = tableMetadata({
    columns: sourceFields.map(({ id, name, type }) => [id, name, type] as const),
    more: { 'partition-specs': [{ 'spec-id': 0, fields: partitionSpec }] },
  });
  assert.deepEqual(await partitions(manifest(partitionEntry), table), shown);
  const broken = { 'partition-spec': '[{"name": 7}]', schema: 'not json' };
  assert.deepEqual(await partitions(manifest({ ...partitionEntry, metadata: broken }), table), shown);
});

test('without either, by what the Avro types tell', async () => {
  const told = await partitions(manifest(partitionEntry));
  const differ = told.filter((text, i) => text !== shown[i]);
  // A day as a plain int, and what was promoted since, cannot be told from Avro alone.
  assert.deepEqual(differ, ['1003 promoted int 7', '1009 day_as_int int 19723']);
});

test('partition fields that have no ids, in version 1, count from 1000', async () => {
  const partition = [{ name: 'p', type: ['null', 'string'], default: null }];
  const inline = tableMetadata({
    version: 1,
    columns: [[1, 'src', 'string']],
    snapshot: { 'manifest-list': undefined, manifests: [M0] },
    more: {
      'partition-specs': undefined,
      'partition-spec': [{ name: 'part', transform: 'identity', 'source-id': 1 }],
    },
  });
  const { files } = await run(
    {
      [M0]: manifest({
        version: 1,
        partition,
        entries: [{ snapshot_id: 1n, data_file: { partition: { p: 'x' } } }],
      }),
    },
    { metadata: inline },
  );
  assert.deepEqual(
    files[0]?.partition.map(({ fieldId, name, type }) => [fieldId, name, type]),
    [[1000, 'part', 'string']],
  );
});

test('a manifest that cannot be read is a problem of its kind, and the others go on', async () => {
  const good = manifest({
    entries: [
      {
        data_file: {
          value_counts: byField({ 1: 10n }),
          lower_bounds: byField({ 1: Buffer.alloc(8) }),
          upper_bounds: byField({ 1: Buffer.alloc(8) }),
        },
      },
    ],
  });
  const lake = lakeOf({
    [M0]: good,
    [M2]: Buffer.concat([good, good]),
    'mem://t/xz.avro': manifest({ entries: [], codec: 'bzip2' }),
  });
  const read = lake.read.bind(lake);
  lake.read = async (location) => {
    if (location === 'mem://refused') throw new InvalidArgumentError('outside floecat.upstream.locations');
    return read(location);
  };
  const listed = [M0, M1, M2, 'mem://refused', 'mem://t/xz.avro'].map((path) => ({ path }));
  lake.files.set(LIST, manifestList([...listed, { path: M0, key_metadata: Buffer.from('k') }]));
  const harvest = await harvested({ reader: lake, metadata: tableMetadata(), snapshotId: SNAPSHOT_ID });
  assert.deepEqual(
    harvest.problems.map(({ code, location }) => [code, location]),
    [
      ['MISSING', M1],
      ['DAMAGED', M2],
      ['REFUSED', 'mem://refused'],
      ['UNSUPPORTED', 'mem://t/xz.avro'],
      ['UNSUPPORTED', M0],
    ],
  );
  assert.ok(harvest.problems.every(({ location, message }) => message.length > location.length / 2));
  assert.deepEqual(
    harvest.statistics.problems.map(({ code }) => code),
    harvest.problems.map(({ code }) => code),
  );
  assert.equal(harvest.files.length, 1);
  assert.deepEqual(totals(harvest.statistics), [10n, 1n, 1000n, 0n, 0n, 0n, 0n, 0n, 6n]);
  // Files that could not be read may have any value, so no bound stands; the sums are of what was read.
  assert.deepEqual(harvest.statistics.columns.map(line), ['1 | id | long | 10 | - | - | - | -']);
});

test('a delete manifest that cannot be read takes no bound away', async () => {
  const eight = byField({ 1: Buffer.alloc(8) });
  const good = manifest({ entries: [{ data_file: { lower_bounds: eight, upper_bounds: eight } }] });
  const harvest = await run({ [M0]: good, [LIST]: manifestList([{ path: M0 }, { path: M1, content: 1 }]) });
  assert.deepEqual(
    harvest.problems.map(({ code }) => code),
    ['MISSING'],
  );
  assert.deepEqual(harvest.statistics.columns.map(line), ['1 | id | long | - | - | - | 0 | 0']);
});

test('a manifest that is damaged at its last entry counts as a whole or not at all', async () => {
  const entries = Array.from({ length: 50 }, () => ({}));
  const bytes = manifest({ entries: [...entries, { status: 7 }], recordsPerBlock: 10 });
  const harvest = await run({ [M0]: bytes, [LIST]: manifestList([{ path: M0 }]) });
  assert.deepEqual([harvest.files.length, harvest.problems.map(({ code }) => code)], [0, ['DAMAGED']]);
});

test('entries that no writer means are damage', async () => {
  const bad = [{ content: 3 }, { content: -1 }, { record_count: -1n }, { file_size_in_bytes: -1n }];
  for (const data_file of bad) {
    const harvest = await run({
      [M0]: manifest({ entries: [{ data_file }] }),
      [LIST]: manifestList([{ path: M0 }]),
    });
    assert.deepEqual(
      harvest.problems.map(({ code }) => code),
      ['DAMAGED'],
      JSON.stringify(Object.keys(data_file)),
    );
  }
  const lists = [
    manifestList([{ path: M0, content: 2 as 0 }]),
    manifestList([{ path: M0, sequence_number: -1n }]),
  ];
  for (const list of lists) {
    const harvest = await run({ [M0]: manifest({ entries: [] }), [LIST]: list });
    assert.deepEqual(
      harvest.problems.map(({ code, location }) => [code, location]),
      [['DAMAGED', LIST]],
    );
  }
  // A manifest list in the place of a manifest, and the other way round.
  const swapped = await run({ [M0]: manifestList([]), [LIST]: manifestList([{ path: M0 }]) });
  assert.deepEqual(swapped.problems, []);
  const wrong = await run({ [M0]: manifestList([{ path: M0 }]), [LIST]: manifestList([{ path: M0 }]) });
  assert.deepEqual(
    wrong.problems.map(({ code }) => code),
    ['DAMAGED'],
  );
});

test('a snapshot without a manifest list, or with an unknown schema, says so', async () => {
  const none = await run({}, { metadata: tableMetadata({ snapshot: { 'manifest-list': undefined } }) });
  assert.deepEqual(
    none.problems.map(({ code, location }) => [code, location]),
    [['MISSING', 'mem://t/metadata/v1.metadata.json']],
  );
  const schema = await run(
    { [LIST]: manifestList([]) },
    { metadata: tableMetadata({ snapshot: { 'schema-id': 9 } }) },
  );
  assert.deepEqual(
    schema.problems.map(({ code }) => code),
    ['DAMAGED'],
  );
  assert.deepEqual(
    schema.statistics.columns.map(({ name }) => name),
    ['id'],
  );
});

const fields = (name: string, type: string): object[] => [{ id: 1, name, required: false, type }];

test('names and types are those of the snapshot’s own schema', async () => {
  const metadata = tableMetadata({
    snapshot: { 'schema-id': 1 },
    more: {
      schemas: [
        { type: 'struct', 'schema-id': 0, fields: fields('new', 'long') },
        { type: 'struct', 'schema-id': 1, fields: fields('old', 'int') },
      ],
    },
  });
  const { statistics } = await run({ [LIST]: manifestList([]) }, { metadata });
  assert.deepEqual(
    statistics.columns.map(({ name, type }) => [name, type]),
    [['old', 'int']],
  );
  assert.equal(statistics.schemaId, 1);
});

test('a statistics file that is missing is no problem: the count stands in the metadata', async () => {
  const blob = {
    type: 'apache-datasketches-theta-v1',
    'snapshot-id': 1,
    'sequence-number': 1,
    fields: [1],
    properties: { ndv: '12' },
  };
  const statistics = [
    { 'snapshot-id': SNAPSHOT_ID, 'statistics-path': 'mem://t/gone.stats', 'blob-metadata': [blob] },
  ];
  const harvest = await run(
    { [LIST]: manifestList([]) },
    { metadata: tableMetadata({ more: { statistics } }) },
  );
  assert.deepEqual(harvest.problems, []);
  assert.equal(harvest.statistics.columns[0]?.distinctCount, 12n);
});

test('an unknown snapshot is refused', async () => {
  await assert.rejects(run({}, { snapshotId: 42n }), /has no snapshot 42/);
});

test('aborts, missing permissions and I/O errors are thrown, for lists and for manifests', async () => {
  const files = { [M0]: manifest({ entries: [{}] }), [LIST]: manifestList([{ path: M0 }]) };
  for (const error of [
    new StorageUnavailableError('EIO'),
    new StorageAccessDeniedError('EACCES'),
    new Error('a bug'),
  ])
    for (const at of [LIST, M0]) {
      const lake = lakeOf(files);
      const read = lake.read.bind(lake);
      lake.read = async (location) => {
        if (location === at) throw error;
        return read(location);
      };
      await assert.rejects(
        harvested({ reader: lake, metadata: tableMetadata(), snapshotId: SNAPSHOT_ID }),
        error,
      );
    }
  await assert.rejects(run(files, { signal: AbortSignal.abort() }), StorageAbortRetryableError);
});

test('an abort between two manifests ends the harvest', async () => {
  const controller = new AbortController();
  const paths = Array.from({ length: 40 }, (_, i) => `mem://t/m${i}.avro`);
  const lake = lakeOf({ [LIST]: manifestList(paths.map((path) => ({ path }))) });
  for (const path of paths) lake.files.set(path, manifest({ entries: [{}] }));
  const read = lake.read.bind(lake);
  lake.read = async (location) => {
    if (location === paths[10]) controller.abort();
    return read(location);
  };
  const request = {
    reader: lake,
    metadata: tableMetadata(),
    snapshotId: SNAPSHOT_ID,
    signal: controller.signal,
  };
  await assert.rejects(harvestSnapshot(request), StorageAbortRetryableError);
  assert.ok(lake.reads.length < 20, `${lake.reads.length} reads`);
});

test('what the taker of a chunk throws ends the harvest, and nothing is read after it', async () => {
  const paths = Array.from({ length: 40 }, (_, i) => `mem://t/m${i}.avro`);
  const lake = lakeOf({ [LIST]: manifestList(paths.map((path) => ({ path }))) });
  const entries = Array.from({ length: 600 }, () => ({}));
  for (const path of paths) lake.files.set(path, manifest({ entries }));
  const full = new Error('no room');
  const onChunk = async (): Promise<void> => {
    throw full;
  };
  await assert.rejects(
    harvestSnapshot({ reader: lake, metadata: tableMetadata(), snapshotId: SNAPSHOT_ID, onChunk }),
    full,
  );
  const reads = lake.reads.length;
  assert.ok(reads < 12, `${reads} reads`);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(lake.reads.length, reads);
});
