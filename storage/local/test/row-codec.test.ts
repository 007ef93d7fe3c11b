import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Pointer } from '@floecat/storage-spi';
import { StorageCorruptionError } from '@floecat/storage-spi';
import { seededRandom } from '@floecat/storage-testkit';

import { encodeRow, RowDecoder } from '../src/row-codec.ts';
import { xxh32 } from '../src/xxh32.ts';

const random = seededRandom(3);
const [first, second, third] = [random.uuid(), random.uuid(), random.uuid()];

const ROWS: readonly Pointer[] = [
  { key: '/a', version: 1, kind: 'blob', blobUri: '/b', writeId: first, incarnation: first, updatedAt: 1 },
  {
    key: '/a',
    version: 2,
    kind: 'value',
    value: '',
    writeId: second,
    prevWriteId: first,
    incarnation: first,
    updatedAt: 0,
    expiresAt: 100_000_000_000,
  },
  {
    key: '\0',
    version: Number.MAX_SAFE_INTEGER,
    kind: 'value',
    value: 'ü😀\0'.repeat(999),
    writeId: third,
    prevWriteId: second,
    incarnation: first,
    updatedAt: -5,
    state: 'TOMBSTONE',
  },
  {
    key: 'ü😀',
    version: 3,
    kind: 'blob',
    blobUri: '/ü',
    writeId: third,
    incarnation: third,
    prevWriteId: second,
    updatedAt: 1_700_000_000_000,
    state: 'STAGED',
  },
];

test('a row comes back as it was, from wherever it lies in a buffer', () => {
  const decoder = new RowDecoder();
  for (const row of ROWS)
    for (const offset of [0, 1, 7]) {
      const encoded = encodeRow(row);
      const buffer = Buffer.concat([Buffer.alloc(offset, 0xaa), encoded, Buffer.alloc(9, 0xaa)]);
      const found = decoder.decode(row.key, buffer.subarray(offset), encoded.length);
      assert.deepEqual(found, row);
      assert.ok(Object.isFrozen(found));
      assert.equal(decoder.expiry(row.key, buffer.subarray(offset), encoded.length), row.expiresAt ?? 0);
    }
});

test('one flipped bit anywhere in a row, or another key, is a damaged row that names its key', () => {
  const decoder = new RowDecoder();
  const [, row] = ROWS;
  assert.ok(row);
  const encoded = encodeRow(row);
  const namesKey = (error: unknown): boolean =>
    error instanceof StorageCorruptionError && error.key === row.key;
  for (let bit = 0; bit < encoded.length * 8; bit++) {
    const flipped = Buffer.from(encoded);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.throws(() => decoder.decode(row.key, flipped, flipped.length), namesKey, `bit ${bit}`);
    assert.throws(() => decoder.expiry(row.key, flipped, flipped.length), namesKey, `bit ${bit}`);
  }
  for (let length = 0; length < encoded.length; length++)
    assert.throws(() => decoder.decode(row.key, encoded, length), namesKey, `length ${length}`);
  assert.throws(() => decoder.decode('/A', encoded, encoded.length), StorageCorruptionError);
});

test('XXH32 gives the published values', () => {
  // From the test vectors of the xxHash specification: its sanity buffer, lengths 0, 1, 14 and 222, two seeds.
  const PRIME = 2_654_435_761;
  const buffer = new DataView(new ArrayBuffer(222));
  let generator = 2_654_435_761n;
  for (let i = 0; i < 222; i++) {
    buffer.setUint8(i, Number((generator >> 56n) & 0xffn));
    generator = (generator * 11_400_714_785_074_694_797n) & 0xffff_ffff_ffff_ffffn;
  }
  const cases: readonly [number, number, number][] = [
    [0, 0, 0x02cc5d05],
    [0, PRIME, 0x36b78ae7],
    [1, 0, 0xcf65b03e],
    [1, PRIME, 0xb4545aa4],
    [14, 0, 0x1208e7e2],
    [14, PRIME, 0x6af1d1fe],
    [222, 0, 0x5bd11dbd],
    [222, PRIME, 0x58803c5f],
  ];
  for (const [length, seed, expected] of cases)
    assert.equal(xxh32(buffer, 0, length, seed | 0) >>> 0, expected, `${length} bytes, seed ${seed}`);
});
