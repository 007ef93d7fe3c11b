import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isRawJsonNumber, parseJson, stringifyJson } from '../../src/harvest/index.ts';

test('every number is written again digit for digit', () => {
  const numbers = [
    '0',
    '-0',
    '1',
    '-1',
    '1.0',
    '1e3',
    '1E+3',
    '0.1',
    '1e400',
    '-1.50',
    '9007199254740991',
    '9007199254740992',
    '9007199254740993',
    '-9223372036854775808',
    '9223372036854775807',
    '18446744073709551615',
    '1e21',
    '0.30000000000000004',
    '123456789012345678901234567890',
    '3.141592653589793238462643383279',
  ];
  for (const number of numbers) {
    const text = `{"a":[${number}],"b":${number}}`;
    assert.equal(stringifyJson(parseJson(text)), text);
    assert.equal(stringifyJson(parseJson(number)), number);
  }
});

test('integers are numbers where safe and bigints where not, so that ids compare', () => {
  assert.deepEqual(parseJson('[7817332053627255703, 42, -1, 9007199254740993]'), [
    7817332053627255703n,
    42,
    -1,
    9007199254740993n,
  ]);
  // This one prints as it was written, but so would its neighbour.
  assert.equal(parseJson('9007199254740992'), 9007199254740992n);
  assert.equal(parseJson('0.5'), 0.5);
  assert.ok(isRawJsonNumber(parseJson('1.0')));
  assert.ok(!isRawJsonNumber(parseJson('{"rawJSON":"1.0"}')));
});

test('text survives: escapes, odd keys, key order, null', () => {
  const text = '{"__proto__":{"x":1},"constructor":null,"a\\"b":"\\u0000\\ud83d\\ude00","z":[],"y":{}}';
  const parsed = parseJson(text) as Record<string, unknown>;
  assert.ok(Object.hasOwn(parsed, '__proto__'));
  assert.deepEqual(JSON.parse(stringifyJson(parsed)), JSON.parse(text));
  assert.deepEqual(Object.keys(parsed), ['__proto__', 'constructor', 'a"b', 'z', 'y']);
});

test('bigints of our own are written as numbers, at any depth, also indented', () => {
  assert.equal(stringifyJson({ id: 2n ** 63n - 1n, list: [-1n] }), '{"id":9223372036854775807,"list":[-1]}');
  assert.equal(stringifyJson({ id: 2n ** 60n }, 2), '{\n  "id": 1152921504606846976\n}');
});

test('what is not JSON throws, and so does nesting beyond the stack', () => {
  assert.throws(() => parseJson('{'), SyntaxError);
  assert.throws(() => parseJson(''), SyntaxError);
  assert.throws(() => parseJson('['.repeat(2_000_000) + ']'.repeat(2_000_000)), RangeError);
  assert.throws(() => stringifyJson(undefined), TypeError);
  assert.throws(() => stringifyJson(() => 0), TypeError);
});
