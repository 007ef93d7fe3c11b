import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { InvalidArgumentError } from '@floecat/storage-spi';

import { parseTableMetadata, stringifyJson } from '../../src/harvest/index.ts';
import { tableMetadata } from './synthetic-table.ts';

const AT = 'mem://t/metadata/v1.metadata.json';
const schema = {
  type: 'struct',
  'schema-id': 0,
  fields: [{ id: 1, name: 'id', required: true, type: 'long' }],
};
const snapshot = { 'snapshot-id': 2n ** 63n - 1n, 'timestamp-ms': 5, 'manifest-list': 'mem://l' };
const base = {
  'format-version': 2,
  'table-uuid': 'u',
  location: 'mem://t',
  schemas: [schema],
  'current-schema-id': 0,
  snapshots: [snapshot],
  'current-snapshot-id': 2n ** 63n - 1n,
};
const parse = (document: unknown): ReturnType<typeof parseTableMetadata> =>
  parseTableMetadata(stringifyJson(document), AT);

function refuses(document: unknown, why: RegExp): void {
  assert.throws(
    () => parse(document),
    (error: InvalidArgumentError) =>
      error.code === 'INVALID_ARGUMENT' && error.message.includes(AT) && why.test(error.message),
    `${why}`,
  );
}

test('ids, times and counters are exact', () => {
  const metadata = parse({
    ...base,
    'last-updated-ms': 9007199254740993n,
    snapshots: [
      {
        ...snapshot,
        'parent-snapshot-id': 9007199254740995n,
        'sequence-number': 2n ** 62n + 1n,
        'schema-id': 0,
        summary: { operation: 'append', 'added-records': '5', odd: 7 },
      },
      { ...snapshot, 'snapshot-id': 0 },
    ],
  });
  assert.equal(metadata.lastUpdatedMs, 9007199254740993n);
  assert.equal(metadata.currentSnapshotId, 9223372036854775807n);
  assert.deepEqual([...metadata.snapshots.keys()], [9223372036854775807n, 0n]);
  assert.deepEqual(metadata.snapshots.get(9223372036854775807n), {
    snapshotId: 9223372036854775807n,
    parentSnapshotId: 9007199254740995n,
    sequenceNumber: 4611686018427387905n,
    timestampMs: 5n,
    operation: 'append',
    summary: { 'added-records': '5', odd: '7' },
    manifestList: 'mem://l',
    manifests: undefined,
    schemaId: 0,
  });
});

test('-1, null and absent all mean that there is no current snapshot', () => {
  for (const id of [-1, null, undefined])
    assert.equal(parse({ ...base, 'current-snapshot-id': id }).currentSnapshotId, undefined);
  const empty = parse({ ...base, snapshots: undefined, 'current-snapshot-id': -1 });
  assert.equal(empty.snapshots.size, 0);
  const first = parse({ ...base, snapshots: [{ ...snapshot, 'parent-snapshot-id': -1 }] });
  assert.equal([...first.snapshots.values()][0]?.parentSnapshotId, undefined);
});

test('format version 1: one schema, one spec, manifests in the metadata, no sequence numbers', () => {
  const metadata = parse({
    'format-version': 1,
    location: 'mem://t',
    'last-updated-ms': 1,
    schema: { type: 'struct', fields: schema.fields },
    'partition-spec': [
      { name: 'id', transform: 'identity', 'source-id': 1 },
      { name: 'id_b', transform: 'bucket[4]', 'source-id': 1 },
    ],
    snapshots: [{ 'snapshot-id': 1, 'timestamp-ms': 1, manifests: ['mem://m1', 'mem://m2'] }],
  });
  assert.equal(metadata.tableUuid, '');
  assert.deepEqual(
    metadata.currentSchema.columns.map(({ name }) => name),
    ['id'],
  );
  assert.deepEqual(
    metadata.specs[0]?.fields.map(({ fieldId }) => fieldId),
    [1000, 1001],
  );
  const [only] = metadata.snapshots.values();
  assert.deepEqual(
    [only?.manifests, only?.manifestList, only?.sequenceNumber],
    [['mem://m1', 'mem://m2'], undefined, 0n],
  );
});

test('format version 3 and types of later versions are read', () => {
  const fields = [
    { id: 1, name: 'v', required: false, type: 'variant' },
    { id: 2, name: 'g', required: false, type: 'geometry(srid:4326)' },
    { id: 3, name: 't', required: false, type: 'timestamp_ns' },
  ];
  const metadata = parse({
    ...base,
    'format-version': 3,
    schemas: [{ ...schema, fields }],
    'next-row-id': 7,
    'encryption-keys': [],
  });
  assert.deepEqual(
    metadata.currentSchema.columns.map(({ type }) => type.kind),
    ['other', 'other', 'timestamp_ns'],
  );
});

test('what is only odd passes', () => {
  const metadata = parse({
    ...base,
    'table-uuid': 'trino_test',
    'last-column-id': 0,
    'last-updated-ms': undefined,
    refs: { main: { 'snapshot-id': 1, type: 'branch' } },
    statistics: [{ 'snapshot-id': 'x' }, null, 7, { 'snapshot-id': 1, 'blob-metadata': 7 }],
    'unknown-field': { deep: [1.0] },
    'partition-specs': undefined,
  });
  assert.equal(metadata.tableUuid, 'trino_test');
  assert.deepEqual(metadata.statistics, []);
  assert.equal(parse({ ...base, 'current-schema-id': undefined }).currentSchema.schemaId, 0);
});

test('nested fields have dotted paths, items the names that Iceberg gives them', () => {
  const list = {
    type: 'list',
    'element-id': 3,
    element: { type: 'struct', fields: [{ id: 4, name: 'x', required: false, type: 'int' }] },
    'element-required': true,
  };
  const map = {
    type: 'map',
    'key-id': 6,
    key: 'string',
    'value-id': 7,
    value: { type: 'list', 'element-id': 8, element: 'decimal( 9 , 2 )' },
  };
  const { currentSchema } = tableMetadata({
    columns: [
      [2, 'points', list],
      [5, 'm', map],
      [9, 'a.b', { type: 'struct', fields: [{ id: 1, name: 'c', required: false, type: 'fixed[16]' }] }],
    ],
  });
  assert.deepEqual(
    currentSchema.columns.map(({ id, name, leaf }) => [id, name, leaf]),
    [
      [1, 'a.b.c', true],
      [2, 'points', false],
      [3, 'points.element', false],
      [4, 'points.element.x', true],
      [5, 'm', false],
      [6, 'm.key', true],
      [7, 'm.value', false],
      [8, 'm.value.element', true],
      [9, 'a.b', false],
    ],
  );
});

const blob = (fields: number[], ndv: unknown, type = 'apache-datasketches-theta-v1'): object => ({
  type,
  'snapshot-id': 1,
  'sequence-number': 1,
  fields,
  properties: { ndv },
});

test('distinct counts: only of Theta sketches of one field, whole and in range', () => {
  const { statistics } = parse({
    ...base,
    statistics: [
      {
        'snapshot-id': 2n ** 63n - 1n,
        'statistics-path': 'mem://s',
        'blob-metadata': [
          blob([1], '9223372036854775807'),
          blob([2], '9223372036854775808'),
          blob([3, 4], '5'),
          blob([5], '5', 'other'),
          blob([6], '-1'),
          blob([7], '0'),
          { type: 'apache-datasketches-theta-v1', fields: [8] },
        ],
      },
    ],
  });
  assert.deepEqual(
    statistics.map(({ snapshotId, path, distinctCounts }) => [snapshotId, path, [...distinctCounts]]),
    [
      [
        9223372036854775807n,
        'mem://s',
        [
          [1, 9223372036854775807n],
          [7, 0n],
        ],
      ],
    ],
  );
});

test('what the catalog relies on is checked, and the message names the field', () => {
  for (const text of ['', 'not json', '{"a":', '\u0000', '['.repeat(500_000)])
    assert.throws(
      () => parseTableMetadata(text, AT),
      (error: InvalidArgumentError) => error.code === 'INVALID_ARGUMENT' && /not JSON/.test(error.message),
    );
  refuses([], /not a JSON object/);
  refuses(null, /not a JSON object/);
  refuses(1.5, /not a JSON object/);
  refuses({}, /not table metadata: no format-version/);
  refuses({ name: 'package' }, /not table metadata/);
  refuses({ ...base, 'format-version': 4 }, /format-version 4 is not supported/);
  refuses({ ...base, 'format-version': 0 }, /format-version 0/);
  refuses({ ...base, 'format-version': '2' }, /format-version is not a 32-bit integer/);
  refuses({ ...base, 'format-version': 1.5 }, /format-version is not a 32-bit integer/);
  refuses({ ...base, location: undefined }, /location is missing/);
  refuses({ ...base, location: '' }, /location is empty/);
  refuses({ ...base, location: 7 }, /location is not a string/);
  refuses({ ...base, snapshots: {} }, /snapshots is not a list/);
  refuses({ ...base, snapshots: [7] }, /snapshots\[0\] is not an object/);
  refuses({ ...base, snapshots: [snapshot, snapshot] }, /two snapshots have id 9223372036854775807/);
  refuses(
    { ...base, snapshots: [{ ...snapshot, 'snapshot-id': undefined }] },
    /snapshots\[0\]\.snapshot-id is missing/,
  );
  refuses({ ...base, snapshots: [{ ...snapshot, 'snapshot-id': -5 }] }, /snapshot-id is -5, less than 0/);
  refuses({ ...base, snapshots: [{ ...snapshot, 'snapshot-id': '5' }] }, /not a 64-bit integer/);
  refuses({ ...base, snapshots: [{ ...snapshot, 'snapshot-id': 2n ** 63n }] }, /not a 64-bit integer/);
  refuses({ ...base, snapshots: [{ ...snapshot, 'timestamp-ms': undefined }] }, /timestamp-ms is missing/);
  refuses({ ...base, snapshots: [{ ...snapshot, 'sequence-number': -1 }] }, /sequence-number is -1/);
  refuses({ ...base, snapshots: [{ ...snapshot, 'parent-snapshot-id': -2 }] }, /parent-snapshot-id is -2/);
  refuses({ ...base, snapshots: [{ ...snapshot, manifests: [7] }] }, /manifests/);
  refuses({ ...base, 'current-snapshot-id': 42 }, /current-snapshot-id 42 is not among/);
  refuses({ ...base, 'current-snapshot-id': -2 }, /current-snapshot-id is -2/);
  refuses({ ...base, schemas: [] }, /no schema/);
  refuses({ ...base, 'current-schema-id': 9 }, /current-schema-id 9 is not among/);
  refuses({ ...base, schemas: [{ ...schema, fields: [{ id: 1, type: 'int' }] }] }, /name is missing/);
  refuses(
    { ...base, schemas: [{ ...schema, fields: [...schema.fields, ...schema.fields] }] },
    /field id 1 twice/,
  );
  let deep: object = { type: 'list', 'element-id': 9_999, element: 'int' };
  for (let i = 0; i < 200; i++) deep = { type: 'list', 'element-id': i, element: deep };
  refuses(
    { ...base, schemas: [{ ...schema, fields: [{ id: 100_000, name: 'd', type: deep }] }] },
    /nests deeper/,
  );
});
