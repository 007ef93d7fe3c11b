import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { PITFALL_ROWS } from './pitfall-rows.ts';

const FOLDER = join(import.meta.dirname, '..');
/** The names of tests, wherever one is declared: `test('…'`, `storeTest(\n  '…'`. */
const DECLARED = /\b(?:test|[a-z]\w*Test)\(\s*(['`"])((?:\\.|(?!\1).)*)\1/gs;

/** Test names by the tag in them, e.g. `P7`. */
function taggedTests(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const file of globSync('**/*.ts', { cwd: FOLDER }))
    for (const [, , name = ''] of readFileSync(join(FOLDER, file), 'utf8').matchAll(DECLARED))
      for (const [, tag = ''] of name.matchAll(/\[(P\d+)\]/g))
        found.set(tag, [...(found.get(tag) ?? []), `${name.replaceAll(/\[\w+\] /g, '')} (${file})`]);
  return found;
}

test('every pitfall has a test, or a sentence why it cannot occur', (t) => {
  const tests = taggedTests();
  const lacking: number[] = [];
  for (const { number, pitfall, cannotOccur } of PITFALL_ROWS) {
    const names = tests.get(`P${number}`) ?? [];
    const why = cannotOccur === undefined ? [] : [`cannot occur: ${cannotOccur}`];
    if (names.length + why.length === 0) lacking.push(number);
    t.diagnostic(`P${number} ${pitfall}: ${[...names, ...why].join('; ')}`);
  }
  assert.deepEqual(lacking, [], 'pitfalls without a test or a reason');
  assert.deepEqual(
    PITFALL_ROWS.map(({ number }) => number),
    Array.from({ length: 32 }, (_, i) => i + 1),
  );
  const numbers = new Set(PITFALL_ROWS.map(({ number }) => `P${number}`));
  assert.deepEqual(
    [...tests.keys()].filter((tag) => !numbers.has(tag)),
    [],
    'tests of pitfalls that are not in the list',
  );
});
