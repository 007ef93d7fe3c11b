import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  escapeSegment,
  joinKey,
  lastSegment,
  prefixOf,
  splitKey,
  unescapeSegment,
} from '@floecat/storage-spi';
import * as fc from 'fast-check';

/** Strings of every kind, most of them made of what escaping is about. */
const segment = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('/', '%', '.', '2', 'F', '\0', '\u009f', 'é', '😀', 'a') }),
);

void test('a segment comes back from its escaped form', () => {
  fc.assert(fc.property(segment, (raw) => unescapeSegment(escapeSegment(raw)) === raw));
});

void test('an escaped segment has no slash and no control character, and is neither . nor ..', () => {
  // oxlint-disable-next-line no-control-regex -- control characters are what escaping removes
  const broken = /[/\u0000-\u001f\u007f-\u009f]|^\.\.?$/;
  fc.assert(fc.property(segment, (raw) => !broken.test(escapeSegment(raw))));
});

void test('different segments have different escaped forms', () => {
  fc.assert(fc.property(segment, segment, (a, b) => a === b || escapeSegment(a) !== escapeSegment(b)));
});

void test('what escaping need not touch stays as it is', () => {
  for (const plain of [
    '',
    'a',
    'A-b_c~',
    '...',
    'a.b',
    ' ',
    '+&?#',
    'é',
    'e\u0301',
    '😀',
    '\ufffe',
    '\\',
    'a..',
  ])
    assert.equal(escapeSegment(plain), plain);
});

void test('escapes are the percent-encoded UTF-8 bytes in upper case', () => {
  const escapes = {
    '/': '%2F',
    '%': '%25',
    '\0': '%00',
    '\x7f': '%7F',
    '\u009f': '%C2%9F',
    '.': '%2E',
    '..': '%2E%2E',
  };
  for (const [raw, escaped] of Object.entries(escapes)) assert.equal(escapeSegment(raw), escaped);
});

void test('unescaping refuses a percent sign that escaping never writes', () => {
  for (const foreign of [
    '%',
    '%2',
    '%2f',
    '%41',
    '%Q',
    '%FF',
    '%C2',
    '%2E%2E%2E',
    'a%2Eb',
    '%E2%82%AC',
    '%25%',
    '%2F%zz',
  ])
    assert.throws(() => unescapeSegment(foreign), URIError, foreign);
});

void test('a key comes apart into the segments that made it, empty ones too', () => {
  fc.assert(
    fc.property(fc.array(segment), (segments) => {
      assert.deepEqual(splitKey(joinKey(...segments)), segments);
    }),
  );
  assert.equal(joinKey('accounts', 'a/b', '..', ''), '/accounts/a%2Fb/%2E%2E/');
});

void test('the last segment of a key is the last that was joined', () => {
  fc.assert(
    fc.property(fc.array(segment), segment, (path, last) => lastSegment(joinKey(...path, last)) === last),
  );
});

void test('a prefix covers every key below its segments, and nothing beside them', () => {
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1 }), segment, segment, (path, below, beside) => {
      const prefix = prefixOf(...path);
      assert.ok(joinKey(...path, below).startsWith(prefix));
      assert.ok(!joinKey(...path).startsWith(prefix));
      const sibling = [...path.slice(0, -1), `${path.at(-1)}${beside}`];
      if (beside !== '') assert.ok(!joinKey(...sibling, below).startsWith(prefix));
    }),
  );
});
