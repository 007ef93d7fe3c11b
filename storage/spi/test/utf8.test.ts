import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compareUtf8, lowerBound, utf8Length } from '@floecat/storage-spi';
import * as fc from 'fast-check';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      'a',
      'b',
      '\0',
      '\ud7ff',
      '\ue000',
      '\uffff',
      '\u{10000}',
      '\u{1ffff}',
      '\u{10ffff}',
    ),
  }),
);

function identity(item: string): string {
  return item;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}

void test('compareUtf8 orders as the UTF-8 bytes do, surrogate pairs included', () => {
  fc.assert(
    fc.property(text, text, text, (prefix, a, b) => {
      assert.equal(Math.sign(compareUtf8(a, b)), byBytes(a, b));
      assert.equal(Math.sign(compareUtf8(prefix + a, prefix + b)), byBytes(prefix + a, prefix + b));
    }),
    { numRuns: 2_000 },
  );
});

void test('compareUtf8 differs from the order of UTF-16 where that is wrong', () => {
  assert.deepEqual(['\u{10000}', '\uff61'].toSorted(), ['\u{10000}', '\uff61'], 'as JavaScript sorts');
  assert.deepEqual(['\u{10000}', '\uff61'].toSorted(compareUtf8), ['\uff61', '\u{10000}']);
});

void test('compareUtf8 puts a prefix before what it starts, and equals first with themselves', () => {
  assert.equal(compareUtf8('', ''), 0);
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(compareUtf8(a, a), 0);
      if (b !== '') assert.ok(compareUtf8(a, a + b) < 0 && compareUtf8(a + b, a) > 0);
    }),
  );
});

void test('utf8Length counts the bytes of the encoded string', () => {
  fc.assert(fc.property(text, (one) => utf8Length(one) === new TextEncoder().encode(one).length));
});

void test('lowerBound finds the first item not below a key, or above it', () => {
  fc.assert(
    fc.property(fc.uniqueArray(text), text, (items, key) => {
      const sorted = items.toSorted(byBytes);
      const index = (after: boolean): number => {
        const found = sorted.findIndex((item) => byBytes(item, key) > (after ? 0 : -1));
        return found < 0 ? sorted.length : found;
      };
      assert.equal(lowerBound(sorted, key, identity), index(false));
      assert.equal(lowerBound(sorted, key, identity, true), index(true));
    }),
  );
});
