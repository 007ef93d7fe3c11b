import assert from 'node:assert/strict';
import { test } from 'node:test';

import { boundsOf } from '../../src/demo-lake/column-bounds.ts';
import { micros } from '../../src/demo-lake/moments.ts';
import { partitionOf } from '../../src/demo-lake/partition-spec.ts';
import { serializeValue } from '../../src/demo-lake/single-value.ts';
import type { Primitive, PrimitiveType } from '../../src/demo-lake/table-schema.ts';
import { thetaSketch } from '../../src/demo-lake/theta-sketch.ts';

test('single values are written as the specification says', () => {
  const cases: [PrimitiveType, Primitive, string][] = [
    ['boolean', true, '01'],
    ['int', -2, 'feffffff'],
    ['date', 1, '01000000'],
    ['long', -(2n ** 63n), '0000000000000080'],
    ['timestamptz', 1n, '0100000000000000'],
    ['float', 1.5, '0000c03f'],
    ['double', -0, '0000000000000080'],
    ['string', 'ã', 'c3a3'],
    ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09677c4bbda4793f349cb785e7'],
    ['fixed[2]', Uint8Array.of(1, 255), '01ff'],
    ['binary', new Uint8Array(0), ''],
    ['decimal(9, 2)', 1420n, '058c'],
    ['decimal(9, 2)', 0n, '00'],
    ['decimal(9, 2)', 127n, '7f'],
    ['decimal(9, 2)', 128n, '0080'],
    ['decimal(9, 2)', -128n, '80'],
    ['decimal(9, 2)', -129n, 'ff7f'],
  ];
  for (const [type, value, hex] of cases)
    assert.equal(serializeValue(type, value).toString('hex'), hex, type);
});

function text(...values: string[]): (string | undefined)[] {
  const { lower, upper } = boundsOf('string', values);
  return [lower?.toString('utf8'), upper?.toString('utf8')];
}

test('a cut bound still holds, and is left out where there is none', () => {
  assert.deepEqual(text('b', 'a'), ['a', 'b']);
  assert.deepEqual(text('0123456789abcdefgh'), ['0123456789abcdef', '0123456789abcdeg']);
  const cat = '🐈';
  assert.deepEqual(text(cat.repeat(17)), [cat.repeat(16), cat.repeat(15) + '🐉']);
  // U+D7FF is the last before the surrogates, U+10FFFF the last of all.
  assert.deepEqual(text('\ud7ff'.repeat(17))[1], '\ud7ff'.repeat(15) + '\ue000');
  assert.deepEqual(text('a' + '\u{10ffff}'.repeat(16))[1], 'b');
  assert.deepEqual(text('\u{10ffff}'.repeat(17))[1], undefined);
  // In UTF-8, unlike in UTF-16, U+FFFD is before U+1F408.
  assert.deepEqual(text(cat, '\ufffd'), ['\ufffd', cat]);
  const bytes = new Uint8Array(17).fill(0xff);
  assert.equal(boundsOf('binary', [bytes]).upper, undefined);
  bytes[0] = 1;
  assert.equal(boundsOf('binary', [bytes]).upper?.toString('hex'), '02');
  assert.equal(boundsOf('binary', [bytes]).lower?.length, 16);
});

test('NaN is no bound, and -0 is below 0', () => {
  assert.deepEqual(boundsOf('double', [NaN, NaN]), {});
  const { lower, upper } = boundsOf('double', [0, NaN, -0]);
  assert.ok(Object.is(lower?.readDoubleLE(), -0) && Object.is(upper?.readDoubleLE(), 0));
  assert.deepEqual(boundsOf('double', []), {});
});

test('a moment before 1970 belongs to its own day', () => {
  const spec = {
    'spec-id': 0,
    fields: [{ 'source-id': 1, 'field-id': 1000, name: 'd', transform: 'day' as const }],
  };
  const schema = {
    'schema-id': 0,
    type: 'struct' as const,
    fields: [{ id: 1, name: 't', required: false, type: 'timestamptz' as const }],
  };
  const dayOf = (t: bigint | null): unknown => partitionOf(spec, schema, { t })['d'];
  assert.equal(dayOf(micros('1969-12-31T23:59:59.999999Z')), -1);
  assert.equal(dayOf(micros('1969-12-31T00:00:00Z')), -1);
  assert.equal(dayOf(0n), 0);
  assert.equal(dayOf(micros('1970-01-02T00:00:00Z')), 1);
  assert.equal(dayOf(null), null);
});

test('a Theta sketch is, byte for byte, what the DataSketches library 5.2 writes', () => {
  // Made with that library's Python package: an update sketch, fed these strings, as an ordered compact one.
  const cases: [string[], string][] = [
    [[], '01030300001ecc93'],
    [['Lua'], '01030300001acc93f05214d56478cd18'],
    [
      ['Lua', 'Kiwi', 'a name longer than a block of sixteen', 'sixteen bytes ok'],
      '02030300001acc930400000000000000f05214d56478cd182b55a92a686c5b1ce91f40ea2b86a16e969a990493c6887e',
    ],
  ];
  for (const [values, hex] of cases) {
    const sketch = thetaSketch([...values, ...values].map((value) => Buffer.from(value)));
    assert.equal(sketch.distinct, values.length);
    assert.equal(sketch.bytes.toString('hex'), hex);
  }
});
