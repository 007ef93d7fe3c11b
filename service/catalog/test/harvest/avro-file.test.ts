import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { constants, createZstdCompress, deflateRawSync } from 'node:zlib';

import { StorageAbortRetryableError, StorageCorruptionError } from '@floecat/storage-spi';
import snappy from 'snappyjs';

import { AvroFile } from '../../src/harvest/avro-file.ts';
import type { AvroRecord } from '../../src/harvest/avro-schema.ts';
import { UpstreamUnsupportedError } from '../../src/harvest/index.ts';
import { unsnapBlock } from '../../src/harvest/snappy.ts';
import type { Codec } from './avro-writer.ts';
import { avroBlock, avroFile } from './avro-writer.ts';

const AT = 'mem://file.avro';

async function records(bytes: Uint8Array, signal?: AbortSignal): Promise<AvroRecord[]> {
  const found: AvroRecord[] = [];
  await new AvroFile(bytes, AT).forEach((record) => found.push(record), signal);
  return found;
}

const field = (id: number, type: unknown, name = `f${id}`): object => ({ name, type, 'field-id': id });
const record = (fields: readonly unknown[], name = 'r'): object => ({ type: 'record', name, fields });
const SIMPLE = record([field(1, 'long'), field(2, 'string')]);
const rows = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({
    f1: BigInt(i) * 1_000_003n,
    f2: `row ${i} ${'x'.repeat(i % 50)}`,
  }));

const damaged = (error: StorageCorruptionError): boolean =>
  error instanceof StorageCorruptionError && error.key === AT && error.message.includes(AT);

for (const codec of ['null', 'deflate', 'snappy', 'zstandard'] as Codec[])
  test(`${codec}: every record of every block`, async () => {
    const bytes = avroFile(SIMPLE, rows(1_000), { codec, recordsPerBlock: 137 });
    const found = await records(bytes);
    assert.deepEqual(
      found.map((values) => ({ f1: values.get(1), f2: values.get(2) })),
      rows(1_000),
    );
  });

test('a codec that Avro has and we do not is unsupported; another name is damage', async () => {
  await assert.rejects(records(avroFile(SIMPLE, rows(1), { codec: 'bzip2' })), UpstreamUnsupportedError);
  await assert.rejects(records(avroFile(SIMPLE, rows(1), { codec: 'lz4' })), damaged);
});

test('every Avro type, with integers exact to the last bit', async () => {
  const longs = [
    0n,
    -1n,
    1n,
    2n ** 53n - 1n,
    2n ** 53n + 1n,
    -(2n ** 53n) - 1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    2n ** 48n,
    -(2n ** 49n),
    2n ** 55n,
    2n ** 56n,
  ];
  const schema = record([
    field(1, { type: 'array', items: 'long' }),
    field(2, ['null', 'boolean', 'string', 'int']),
    field(3, 'float'),
    field(4, 'double'),
    field(5, { type: 'fixed', name: 'f3', size: 3 }),
    field(6, { type: 'enum', name: 'e', symbols: ['A', 'B'] }),
    field(7, { type: 'map', values: 'long' }),
    field(8, 'bytes'),
    field(9, { type: 'int', logicalType: 'date' }),
    { name: 'without_id', type: 'long' },
    field(10, 'f3'),
    field(11, 'null'),
  ]);
  const value = {
    f1: longs,
    f2: null,
    f3: 1.5,
    f4: -0.1,
    f5: Buffer.from('abc'),
    f6: 'B',
    f7: { k: 5n },
    f8: Buffer.from([0, 255]),
    f9: -2_147_483_648,
    without_id: 9n,
    f10: Buffer.from('xyz'),
    f11: null,
  };
  const [values] = await records(avroFile(schema, [value]));
  assert.deepEqual(values?.get(1), longs);
  assert.equal(values?.get(2), null);
  assert.equal(values?.get(3), 1.5);
  assert.equal(values?.get(4), -0.1);
  assert.deepEqual(Buffer.from(values?.get(5) as Uint8Array), Buffer.from('abc'));
  assert.equal(values?.get(6), 'B');
  assert.deepEqual(values?.get(7), new Map([['k', 5n]]));
  assert.deepEqual(Buffer.from(values?.get(8) as Uint8Array), Buffer.from([0, 255]));
  assert.equal(values?.get(9), -2_147_483_648);
  assert.deepEqual(Buffer.from(values?.get(10) as Uint8Array), Buffer.from('xyz'));
  assert.deepEqual([...(values?.keys() ?? [])], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('fields are found by id, whatever their names; unions by branch', async () => {
  const schema = record([
    { name: 'zzz', type: ['int', 'null', 'string'], 'field-id': 7 },
    { name: 'id', type: 'long', 'field-id': 3 },
  ]);
  const found = await records(
    avroFile(schema, [
      { zzz: 4, id: 1n },
      { zzz: null, id: 2n },
      { zzz: 's', id: 3n },
    ]),
  );
  assert.deepEqual(
    found.map((values) => [values.get(7), values.get(3)]),
    [
      [4, 1n],
      [null, 2n],
      ['s', 3n],
    ],
  );
});

test('a map of integer keys is an array of key and value; damage repeats no key silently beyond the last', async () => {
  const items = record(
    [
      { name: 'key', type: 'int', 'field-id': 8 },
      { name: 'value', type: 'long', 'field-id': 9 },
    ],
    'k8_v9',
  );
  const schema = record([field(1, { type: 'array', logicalType: 'map', items })]);
  const [values] = await records(
    avroFile(schema, [
      {
        f1: [
          { key: 5, value: 50n },
          { key: -1, value: 2n ** 62n },
        ],
      },
    ]),
  );
  assert.deepEqual(values?.get(1), { 5: 50n, '-1': 2n ** 62n });
});

test('records named alike: a name means its latest definition', async () => {
  const a = record([field(10, 'int')], 'inner_a');
  const b = record([field(11, 'string')], 'inner_b');
  const written = record([field(1, a), field(2, b), field(3, 'inner_b')]);
  const alike = record([
    field(1, { ...a, name: 'inner' }),
    field(2, { ...b, name: 'inner' }),
    field(3, 'inner'),
  ]);
  const bytes = avroFile(written, [{ f1: { f10: 1 }, f2: { f11: 'x' }, f3: { f11: 'y' } }], {
    headerSchema: alike,
  });
  const [values] = await records(bytes);
  assert.deepEqual(values?.get(1), new Map([[10, 1]]));
  assert.deepEqual(values?.get(3), new Map([[11, 'y']]));
});

test('namespaces: full and short names find the same type', async () => {
  const inner = { ...record([field(10, 'int')], 'inner'), namespace: 'a.b' };
  const schema = { ...record([field(1, inner), field(2, 'a.b.inner')]), namespace: 'top' };
  const [values] = await records(avroFile(schema, [{ f1: { f10: 1 }, f2: { f10: 2 } }]));
  assert.deepEqual(values?.get(2), new Map([[10, 2]]));
});

test('an empty file of records is no damage', async () => {
  assert.deepEqual(await records(avroFile(SIMPLE, [])), []);
});

test('every truncation is damage, except at the end of a block', async () => {
  const whole = avroFile(SIMPLE, rows(30), { codec: 'deflate', recordsPerBlock: 10 });
  const counts = new Map<number, number>();
  for (let length = 0; length < whole.length; length++) {
    try {
      const found = await records(whole.subarray(0, length));
      counts.set(found.length, (counts.get(found.length) ?? 0) + 1);
    } catch (error) {
      assert.ok(damaged(error as StorageCorruptionError), `${length}: ${String(error)}`);
    }
  }
  // Avro does not say how many blocks there are: only a cut exactly between two blocks cannot be told.
  assert.deepEqual(
    [...counts],
    [
      [0, 1],
      [10, 1],
      [20, 1],
    ],
  );
});

test('not Avro, no bytes, another sync marker, bytes after the last block', async () => {
  const whole = avroFile(SIMPLE, rows(3));
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('{"json": true}'),
    Buffer.from('Obj\x02'),
    Buffer.from('PAR1'),
  ])
    await assert.rejects(records(bytes), damaged);
  const marker = Buffer.from(whole);
  marker.writeUInt8(marker.readUInt8(marker.length - 1) ^ 1, marker.length - 1);
  await assert.rejects(records(marker), /sync marker/);
  await assert.rejects(records(Buffer.concat([whole, Buffer.from([0])])), damaged);
});

/** A file with this schema and one block of these bytes. */
function withBlock(schema: unknown, count: number, data: Buffer, codec: Codec = 'null'): Buffer {
  const header = avroFile(SIMPLE, [], { codec, headerSchema: schema });
  return Buffer.concat([header, avroBlock(count, data, header.subarray(-16))]);
}

test('absurd lengths allocate nothing: strings, arrays, counts of records, block sizes', async () => {
  const huge = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]);
  const before = process.memoryUsage().rss;
  const cases: [unknown, number, Buffer][] = [
    [record([field(1, 'string')]), 1, huge],
    [record([field(1, 'bytes')]), 1, huge],
    [record([field(1, { type: 'array', items: 'long' })]), 1, huge],
    [record([field(1, { type: 'map', values: 'long' })]), 1, huge],
    [record([field(1, { type: 'array', items: 'null' })]), 1, huge],
    // Even a few: within another array they would multiply out of all proportion to their bytes.
    [record([field(1, { type: 'array', items: 'null' })]), 1, Buffer.from([10, 0])],
    [record([field(1, { type: 'array', items: record([], 'empty') })]), 1, huge],
    [record([field(1, 'long')]), 2 ** 40, Buffer.from([0])],
    [record([field(1, { type: 'fixed', name: 'x', size: 2 ** 40 })]), 1, huge],
    [record([field(1, 'long')]), 1, Buffer.alloc(12, 0xff)],
    [record([field(1, 'long')]), 1, Buffer.concat([Buffer.alloc(9, 0xff), Buffer.from([2])])],
    [record([field(1, 'int')]), 1, huge],
    [record([field(1, 'boolean')]), 1, Buffer.from([2])],
    [record([field(1, ['null', 'int'])]), 1, Buffer.from([4])],
    [record([field(1, ['null', 'int'])]), 1, Buffer.from([1])],
    [record([field(1, { type: 'enum', name: 'e', symbols: ['A'] })]), 1, Buffer.from([2])],
    [record([field(1, 'string')]), 1, Buffer.from([4, 0xc3, 0x28])],
    [record([field(1, 'long')]), 1, Buffer.from([2, 2])],
    [record([field(1, 'long')]), 0, Buffer.from([2])],
  ];
  for (const [schema, count, data] of cases)
    await assert.rejects(records(withBlock(schema, count, data)), damaged, JSON.stringify(schema));
  assert.ok(process.memoryUsage().rss - before < 200e6);
});

const header = (schema: unknown): Buffer => avroFile(SIMPLE, [], { headerSchema: schema });

test('a schema that reads endlessly out of nothing, nests without end or is none is damage', async () => {
  let nulls: unknown = 'null';
  for (let i = 0; i < 60; i++) nulls = record([field(1, nulls), field(2, `n${i - 1}`)], `n${i}`);
  let deep: unknown = 'long';
  for (let i = 0; i < 3_000; i++) deep = { type: 'array', items: deep };
  const schemas = [
    record([field(1, 'null')]),
    record([field(1, record([field(1, 'null')], 'n')), field(2, 'n')]),
    nulls,
    record([field(1, deep)]),
    record([field(1, 'unknown')]),
    record([field(1, 'r')]),
    record([]),
    { type: 'record', name: 'r' },
    { type: 'record', name: 'r', fields: [null] },
    { type: 'fixed', name: 'r', size: -1 },
    'long',
    [],
    null,
    7,
  ];
  for (const schema of schemas)
    await assert.rejects(records(header(schema)), damaged, JSON.stringify(schema)?.slice(0, 90));
});

test('a block that decompresses to more than the limit is damage, and is not held in memory', async () => {
  const zeros = Buffer.alloc(1024 * 1024);
  const deflated = deflateRawSync(zeros, { finishFlush: constants.Z_FULL_FLUSH });
  const zstd = Readable.from(Array.from({ length: 257 }, () => zeros)).pipe(createZstdCompress());
  const bombs: [Codec, Buffer][] = [
    ['deflate', Buffer.concat(Array.from({ length: 257 }, () => deflated))],
    ['zstandard', await buffer(zstd)],
    // Announces 4 GiB.
    ['snappy', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0])],
  ];
  for (const [codec, data] of bombs)
    await assert.rejects(records(withBlock(SIMPLE, 1, data, codec)), /larger than|too|announces/i, codec);
});

test('damaged snappy ends, also where a common decoder loops for ever', () => {
  // A literal whose length wraps round to before its own tag.
  const looping = Buffer.from([10, 0xfc, 0xfa, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0]);
  assert.throws(() => unsnapBlock(looping, 1e6), RangeError);
  const text = Buffer.from('abcabcabcabcabcabc, abcabc! '.repeat(400));
  const good = snappy.compress(text);
  for (let i = 0; i < good.length; i++)
    for (const bit of [1, 16, 128]) {
      const flipped = Buffer.concat([good, Buffer.alloc(4)]);
      flipped.writeUInt8(flipped.readUInt8(i) ^ bit, i);
      assert.throws(() => unsnapBlock(flipped, 1e6), RangeError);
    }
});

test('an abort ends the reading and is not taken for damage', async () => {
  const bytes = avroFile(SIMPLE, rows(2_000));
  await assert.rejects(records(bytes, AbortSignal.abort()), StorageAbortRetryableError);
  const controller = new AbortController();
  const seen: unknown[] = [];
  const reading = new AvroFile(bytes, AT).forEach((row) => {
    seen.push(row);
    if (seen.length === 200) controller.abort();
  }, controller.signal);
  await assert.rejects(reading, StorageAbortRetryableError);
  assert.ok(seen.length < 600, `${seen.length}`);
});
