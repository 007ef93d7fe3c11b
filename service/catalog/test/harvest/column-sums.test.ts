import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ColumnStatistics } from '@floecat/proto/snapshots';

import { harvested, line } from './harvested.ts';
import type { DataFile } from './synthetic-table.ts';
import {
  byField,
  LIST,
  manifest,
  manifestList,
  MemoryLake,
  SNAPSHOT_ID,
  tableMetadata,
} from './synthetic-table.ts';

const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const long = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
};
const double = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
};
const float = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};
const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');

/** Statistics over these files, once all in one manifest and once each in its own: the same either way. */
async function columnsOf(
  columns: readonly (readonly [number, string, unknown])[],
  files: readonly DataFile[],
): Promise<ColumnStatistics[]> {
  const metadata = tableMetadata({ columns });
  const run = async (groups: readonly (readonly DataFile[])[]): Promise<ColumnStatistics[]> => {
    const lake = new MemoryLake();
    for (const [i, group] of groups.entries())
      lake.files.set(`mem://${i}`, manifest({ entries: group.map((data_file) => ({ data_file })) }));
    lake.files.set(LIST, manifestList(groups.map((_, i) => ({ path: `mem://${i}` }))));
    const { statistics, problems } = await harvested({ reader: lake, metadata, snapshotId: SNAPSHOT_ID });
    assert.deepEqual(problems, []);
    return statistics.columns;
  };
  const together = await run([files]);
  assert.deepEqual(await run(files.map((file) => [file])), together);
  assert.deepEqual(await run([files.toReversed()]), together);
  return together;
}

/** The bounds over files that each state a pair (or one of the two, or none) for a column of this type. */
async function bounds(
  type: string,
  pairs: readonly (readonly [Buffer | undefined, Buffer | undefined])[],
  more: DataFile = {},
): Promise<(string | undefined)[]> {
  const files = pairs.map(([lower, upper]) => ({
    ...(lower && { lower_bounds: byField({ 1: lower }) }),
    ...(upper && { upper_bounds: byField({ 1: upper }) }),
    ...more,
  }));
  const [column] = await columnsOf([[1, 'c', type]], files);
  return [column?.lowerBound, column?.upperBound].map((bytes) => bytes && Buffer.from(bytes).toString('hex'));
}

const spread = (...values: Buffer[]): (readonly [Buffer, Buffer])[] =>
  values.map((value) => [value, value] as const);

test('the least and the greatest by the order of the type', async () => {
  const cases: [string, Buffer[], Buffer, Buffer][] = [
    ['boolean', [hex('01'), hex('00')], hex('00'), hex('01')],
    ['int', [int(5), int(-7), int(256)], int(-7), int(256)],
    [
      'long',
      [long(2n ** 53n + 1n), long(2n ** 53n), long(-(2n ** 63n))],
      long(-(2n ** 63n)),
      long(2n ** 53n + 1n),
    ],
    ['float', [float(-0), float(0), float(-1.5)], float(-1.5), float(0)],
    ['double', [double(1e300), double(-Infinity), double(0)], double(-Infinity), double(1e300)],
    ['date', [int(10), int(-10), int(9)], int(-10), int(10)],
    ['time', [long(256n), long(1n)], long(1n), long(256n)],
    ['timestamp', [long(-1n), long(1n)], long(-1n), long(1n)],
    ['timestamptz', [long(-256n), long(-1n)], long(-256n), long(-1n)],
    ['timestamp_ns', [long(7n), long(3n)], long(3n), long(7n)],
    ['timestamptz_ns', [long(7n), long(-3n)], long(-3n), long(7n)],
    ['decimal(38,3)', [hex('ff'), hex('00ff'), hex('80'), hex('0100')], hex('80'), hex('0100')],
    [
      'string',
      [Buffer.from('z'), Buffer.from('ä'), Buffer.from('\uffff'), Buffer.from('😀'), Buffer.from('')],
      Buffer.from(''),
      Buffer.from('😀'),
    ],
    [
      'uuid',
      [hex('80000000000000000000000000000000'), hex('7fffffffffffffffffffffffffffffff')],
      hex('7fffffffffffffffffffffffffffffff'),
      hex('80000000000000000000000000000000'),
    ],
    ['fixed[2]', [hex('00ff'), hex('ff00')], hex('00ff'), hex('ff00')],
    ['binary', [hex('ff'), hex('00'), hex('ff00')], hex('00'), hex('ff00')],
  ];
  for (const [type, values, lower, upper] of cases)
    assert.deepEqual(
      await bounds(type, spread(...values)),
      [lower.toString('hex'), upper.toString('hex')],
      type,
    );
});

const old = (bytes: Buffer): readonly [Buffer, Buffer] => [bytes, bytes];

test('bounds written before a promotion count, and come out in the width of the type', async () => {
  assert.deepEqual(
    await bounds('long', [old(int(-5)), old(long(3n))]),
    [long(-5n), long(3n)].map((bytes) => bytes.toString('hex')),
  );
  assert.deepEqual(
    await bounds('long', [old(int(-5))]),
    [long(-5n), long(-5n)].map((bytes) => bytes.toString('hex')),
  );
  assert.deepEqual(
    await bounds('double', [old(float(1.5)), old(double(-2))]),
    [double(-2), double(1.5)].map((bytes) => bytes.toString('hex')),
  );
  assert.deepEqual(
    await bounds('timestamp', [old(int(1)), old(long(0n))]),
    [long(0n), long(86_400_000_000n)].map((bytes) => bytes.toString('hex')),
  );
  // Widening keeps the scale, so an unscaled value stays what it is, however many bytes it takes.
  assert.deepEqual(
    await bounds('decimal(38,2)', [old(hex('ff')), old(hex('000000000000000001')), old(hex('fffe'))]),
    ['fe', '01'],
  );
});

test('a bound stands only if every file that has values states one', async () => {
  const value = int(5);
  const both: readonly [Buffer, Buffer] = [value, value];
  const five = value.toString('hex');
  assert.deepEqual(await bounds('int', [both, [undefined, undefined]]), [undefined, undefined]);
  assert.deepEqual(await bounds('int', [both, [value, undefined]]), [five, undefined]);
  assert.deepEqual(await bounds('int', [[undefined, value], both]), [undefined, five]);
  // A bound that is no value of the type is none.
  for (const bad of [hex(''), hex('01'), long(5n)])
    assert.deepEqual(await bounds('int', [both, [bad, value]]), [undefined, five]);
  assert.deepEqual(await bounds('double', [[double(1), double(NaN)]]), [
    double(1).toString('hex'),
    undefined,
  ]);
  // Types without an order have none.
  for (const type of ['variant', 'geometry(srid:4326)', 'unknown'])
    assert.deepEqual(await bounds(type, [both]), [undefined, undefined]);
  assert.deepEqual(await bounds('int', []), [undefined, undefined]);
});

const bound = (value: number): DataFile => ({
  lower_bounds: byField({ 1: int(value) }),
  upper_bounds: byField({ 1: int(value) }),
});
const counts = (values?: bigint, nulls?: bigint, nans?: bigint): DataFile => ({
  ...(values !== undefined && { value_counts: byField({ 1: values }) }),
  ...(nulls !== undefined && { null_value_counts: byField({ 1: nulls }) }),
  ...(nans !== undefined && { nan_value_counts: byField({ 1: nans }) }),
});

async function oneLine(type: string, files: readonly DataFile[]): Promise<string> {
  const [column] = await columnsOf([[1, 'c', type]], files);
  assert.ok(column);
  return `${line(column)} | nan ${column.nanCount ?? '-'} | files ${column.filesWithCounts}`;
}

test('files without values are passed over: empty, all null, all NaN', async () => {
  const with5 = { ...bound(5), ...counts(10n, 0n) };
  const head = '1 | c | int';
  assert.equal(
    await oneLine('int', [with5, { record_count: 0n }]),
    `${head} | 10 | 0 | - | 5 | 5 | nan - | files 1`,
  );
  assert.equal(
    await oneLine('int', [with5, counts(10n, 10n)]),
    `${head} | 20 | 10 | - | 5 | 5 | nan - | files 2`,
  );
  assert.equal(
    await oneLine('int', [with5, counts(10n, 4n, 6n)]),
    `${head} | 20 | 4 | - | 5 | 5 | nan 6 | files 2`,
  );
  assert.equal(await oneLine('int', [counts(10n, 10n)]), `${head} | 10 | 10 | - | - | - | nan - | files 1`);
  // What a file says of a column in which it has nothing does not count.
  assert.equal(
    await oneLine('int', [with5, { ...counts(3n, 3n), ...bound(-99) }]),
    `${head} | 13 | 3 | - | 5 | 5 | nan - | files 2`,
  );
});

test('where it is not known that a file has no values, it may have some', async () => {
  const with5 = { ...bound(5), ...counts(10n, 0n) };
  for (const [file, rest] of [
    [counts(10n, 9n), '20 | 9 | - | - | - | nan - | files 2'],
    [counts(10n), '20 | 0 | - | - | - | nan - | files 2'],
    [counts(undefined, 10n), '10 | 10 | - | - | - | nan - | files 1'],
    [{}, '10 | 0 | - | - | - | nan - | files 1'],
  ] as const)
    assert.equal(await oneLine('int', [with5, file]), `1 | c | int | ${rest}`);
});

test('sums are over the files that state a figure; none stated is absent, not 0', async () => {
  const files = [
    { column_sizes: byField({ 1: 7n, 99: 5n }), ...counts(2n ** 53n) },
    { column_sizes: byField({ 1: 2n ** 53n }) },
    counts(3n),
  ];
  assert.equal(
    await oneLine('int', files),
    `1 | c | int | 9007199254740995 | - | 9007199254740999 | - | - | nan - | files 2`,
  );
  assert.equal(await oneLine('int', [{}]), '1 | c | int | - | - | - | - | - | nan - | files 0');
  assert.equal(
    await oneLine('int', [counts(0n, 0n, 0n)]),
    '1 | c | int | 0 | 0 | - | - | - | nan 0 | files 1',
  );
});

test('a negative count means "not known"; a sum beyond 64 bits stays at the end', async () => {
  assert.equal(
    await oneLine('int', [counts(-1n, -1n, -1n)]),
    '1 | c | int | - | - | - | - | - | nan - | files 0',
  );
  const max = 2n ** 63n - 1n;
  assert.equal(
    await oneLine('int', [counts(max), counts(max)]),
    `1 | c | int | ${max} | - | - | - | - | nan - | files 2`,
  );
  await columnsOf(
    [[1, 'c', 'int']],
    [
      { record_count: max, file_size_in_bytes: max },
      { record_count: max, file_size_in_bytes: max },
    ],
  );
});

test('a column that is not in the schema any more is left out; a nested one only shows what is stated of it', async () => {
  const struct = { type: 'struct', fields: [{ id: 3, name: 'x', required: false, type: 'int' }] };
  const columns: (readonly [number, string, unknown])[] = [
    [1, 'a', 'int'],
    [2, 's', struct],
  ];
  const names = async (file: DataFile): Promise<string[]> =>
    (await columnsOf(columns, [file])).map(({ name }) => name);
  assert.deepEqual(await names({ value_counts: byField({ 77: 1n }) }), ['a', 's.x']);
  assert.deepEqual(await names({ value_counts: byField({ 2: 1n }) }), ['a', 's', 's.x']);
  const [, stated] = await columnsOf(columns, [{ value_counts: byField({ 2: 1n }) }]);
  assert.equal(stated && line(stated), '2 | s | struct | 1 | - | - | - | -');
});
