import assert from 'node:assert/strict';
import { test } from 'node:test';

import { seededRandom } from '@floecat/storage-testkit';

import {
  continuedPiece,
  decodeSegment,
  encodeSegment,
  folderOfUri,
  segmentNames,
} from '../src/file-names.ts';
import { isVersionId, nextVersionId } from '../src/version-id.ts';

const ODD = [
  '',
  '.',
  '..',
  '...',
  'a.',
  '.a',
  '.floecat',
  'CON',
  'con',
  'con.txt',
  'nul',
  'com1',
  'com10',
  'lpt9.x',
];
const STRANGE = [
  'A',
  'a',
  'É',
  'é',
  'e\u0301',
  '%',
  '%2F',
  '%41',
  '~',
  '+',
  'a+',
  'a~b',
  ' ',
  'a ',
  '\0',
  '😀',
  '\u{10ffff}',
  'x'.repeat(1023),
  'Ü'.repeat(511),
];

test('every segment comes back from its name, and no two share one, on any file system', () => {
  const names = new Map<string, string>();
  for (const segment of [...ODD, ...STRANGE]) {
    const name = encodeSegment(segment);
    assert.equal(decodeSegment(name), segment);
    assert.match(name, /^(?:%|(?:[a-z0-9._-]|%[0-9a-f]{2})+)$/);
    assert.doesNotMatch(name, /^\.|\.$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/);
    assert.equal(names.get(name.toLowerCase()), undefined, `${name} names two segments`);
    names.set(name.toLowerCase(), segment);
  }
});

test('random segments come back too', () => {
  const random = seededRandom(7);
  for (let round = 0; round < 2_000; round++) {
    const units = Array.from({ length: Math.floor(random.next() * 6) }, () => {
      const point = Math.floor(random.next() * (random.next() < 0.5 ? 0x80 : 0x11_0000));
      return point >= 0xd800 && point <= 0xdfff ? 'x' : String.fromCodePoint(point);
    });
    const segment = units.join('').replaceAll('/', '');
    assert.equal(decodeSegment(encodeSegment(segment)), segment);
  }
});

test('names that the store never wrote are no segments', () => {
  for (const name of [
    'A',
    'a b',
    '%4',
    '%4G',
    '%41%',
    '%61',
    '%2E',
    'con',
    '.hidden',
    'a.',
    'a+',
    'lost+found',
    '%ff',
    '',
  ])
    assert.equal(decodeSegment(name), undefined, JSON.stringify(name));
});

test('a segment too long for one name is cut into nested folders, none of which is taken for a segment', () => {
  for (const segment of ['x'.repeat(201), 'Ü'.repeat(511), 'x'.repeat(1023)]) {
    const names = segmentNames(segment);
    assert.ok(names.length > 1);
    for (const name of names) assert.ok(Buffer.byteLength(name) <= 255);
    for (const name of names.slice(0, -1)) {
      assert.equal(decodeSegment(name), undefined);
      assert.notEqual(continuedPiece(name), undefined);
    }
    assert.equal(continuedPiece(names.at(-1) ?? ''), undefined);
  }
  assert.equal(segmentNames('x'.repeat(200)).length, 1);
});

test('the folder of a URI never leaves the folder of all blobs', () => {
  for (const uri of ['/..', '/../..', '/a/../../b', '//', '/.', '/a/', '/.floecat', '/%2e%2e/x']) {
    const names = folderOfUri(uri).split('/');
    for (const name of names) assert.ok(name !== '' && !name.startsWith('.'), uri);
  }
});

test('version ids only grow, even when the clock stands still or runs backwards', () => {
  const random = seededRandom(1);
  let newest: string | undefined;
  for (const now of [5_000, 5_000, 5_000, 4_000, 1, 6_000]) {
    const next = nextVersionId(newest, now, random.uuid(), 12);
    assert.ok(isVersionId(next));
    if (newest !== undefined) assert.ok(next > newest, `${next} after ${newest}`);
    newest = next;
  }
});
