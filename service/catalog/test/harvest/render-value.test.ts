import assert from 'node:assert/strict';
import { test } from 'node:test';

import { renderValue } from '../../src/harvest/index.ts';

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
const float = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};
const double = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
};
const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');

function check(type: string, cases: readonly (readonly [Buffer, string])[]): void {
  for (const [bytes, expected] of cases)
    assert.equal(renderValue(type, bytes), expected, `${type} ${bytes.toString('hex')}`);
}

test('integers digit for digit, also before a promotion', () => {
  check('boolean', [
    [hex('00'), 'false'],
    [hex('01'), 'true'],
  ]);
  check('int', [
    [int(-2_147_483_648), '-2147483648'],
    [int(0), '0'],
  ]);
  check('long', [
    [long(2n ** 63n - 1n), '9223372036854775807'],
    [long(-(2n ** 63n)), '-9223372036854775808'],
    [int(-7), '-7'],
  ]);
});

test('floats as the shortest decimal that reads back', () => {
  check('float', [
    [float(0.1), '0.1'],
    [float(3.14), '3.14'],
    [float(16_777_216), '16777216'],
    [float(-0), '-0'],
    [float(3.4028234663852886e38), '3.4028235e+38'],
    [float(Infinity), 'Infinity'],
    [float(NaN), 'NaN'],
    [float(1.1754943508222875e-38), '1.1754944e-38'],
  ]);
  check('double', [
    [double(0.1), '0.1'],
    [double(-0), '-0'],
    [double(NaN), 'NaN'],
    [double(-Infinity), '-Infinity'],
    [float(0.5), '0.5'],
  ]);
});

test('decimals are exact', () => {
  check('decimal(9,2)', [
    [hex('058c'), '14.20'],
    [hex('ff'), '-0.01'],
    [hex('00'), '0.00'],
    [hex('fa74'), '-14.20'],
    [hex('64'), '1.00'],
  ]);
  check('decimal(38, 0)', [
    [hex('4b3b4ca85a86c47a098a223fffffffff'), '99999999999999999999999999999999999999'],
    [hex('b4c4b357a5793b85f675ddc000000001'), '-99999999999999999999999999999999999999'],
  ]);
  check('decimal(4,4)', [
    [hex('01'), '0.0001'],
    [hex('d8f1'), '-0.9999'],
  ]);
});

test('dates are of the proleptic Gregorian calendar, far beyond what Date prints', () => {
  check('date', [
    [int(0), '1970-01-01'],
    [int(-1), '1969-12-31'],
    [int(19_723), '2024-01-01'],
    [int(11_016), '2000-02-29'],
    [int(-719_528), '0000-01-01'],
    [int(-719_529), '-000001-12-31'],
    [int(2_932_896), '9999-12-31'],
    [int(2_932_897), '+010000-01-01'],
    [int(2_147_483_647), '+5881580-07-11'],
    [int(-2_147_483_648), '-5877641-06-23'],
  ]);
  // Against the platform's calendar, day by day through four centuries and two leap rules.
  for (let days = -150_000; days < 150_000; days += 37)
    assert.equal(renderValue('date', int(days)), new Date(days * 86_400_000).toISOString().slice(0, 10));
});

test('times and timestamps have a fraction only where there is one', () => {
  check('time', [
    [long(0n), '00:00:00'],
    [long(81_068_123_456n), '22:31:08.123456'],
    [long(86_399_999_999n), '23:59:59.999999'],
    [long(1n), '00:00:00.000001'],
  ]);
  check('timestamp', [
    [long(1_510_871_468_123_456n), '2017-11-16T22:31:08.123456'],
    [long(-1n), '1969-12-31T23:59:59.999999'],
    [int(19_723), '2024-01-01T00:00:00'],
    [long(2n ** 63n - 1n), '+294247-01-10T04:00:54.775807'],
    [long(-(2n ** 63n)), '-290308-12-21T19:59:05.224192'],
  ]);
  check('timestamptz', [[long(1_510_871_468_000_000n), '2017-11-16T22:31:08+00:00']]);
  check('timestamp_ns', [
    [long(1_510_871_468_123_456_789n), '2017-11-16T22:31:08.123456789'],
    [int(1), '1970-01-02T00:00:00'],
  ]);
  check('timestamptz_ns', [[long(-1n), '1969-12-31T23:59:59.999999999+00:00']]);
});

test('text, UUIDs and bytes', () => {
  check('string', [
    [Buffer.from('Ünïcode 数 😀'), 'Ünïcode 数 😀'],
    [Buffer.from('\ufeffx'), '\ufeffx'],
    [Buffer.alloc(0), ''],
  ]);
  check('uuid', [[hex('f79c3e09677c4bbda479f3f349cb785e'), 'f79c3e09-677c-4bbd-a479-f3f349cb785e']]);
  check('binary', [
    [hex('00ff10'), '00ff10'],
    [Buffer.alloc(0), ''],
  ]);
  check('fixed[3]', [[hex('000102'), '000102']]);
});

test('bytes that are no value of the type come as hex that says so', () => {
  check('int', [[hex('0102'), '0x0102']]);
  check('long', [[hex(''), '0x']]);
  check('boolean', [[hex('0101'), '0x0101']]);
  check('string', [[hex('c328'), '0xc328']]);
  check('uuid', [[hex('00'), '0x00']]);
  check('fixed[3]', [[hex('0001'), '0x0001']]);
  check('time', [[long(-1n), '0xffffffffffffffff']]);
  check('date', [[long(0n), '0x0000000000000000']]);
  check('decimal(9,2)', [[hex(''), '0x']]);
  check('decimal(9,999)', [[hex('01'), '0x01']]);
  check('geometry(srid:4326)', [[hex('0a0b'), '0x0a0b']]);
});
