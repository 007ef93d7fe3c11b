import assert from 'node:assert/strict';
import { test } from 'node:test';

import { NameIndex } from '../src/name-index.ts';

void test('remembered names are bounded; the least recently used are forgotten first', () => {
  const names = new NameIndex(3);
  for (const key of ['a', 'b', 'c']) names.set(key, `id of ${key}`);
  assert.equal(names.get('a'), 'id of a');
  names.set('d', 'id of d');
  names.set('c', 'another');
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => names.get(key)),
    ['id of a', undefined, 'another', 'id of d'],
  );
  assert.equal(names.size, 3);
  names.delete('a');
  assert.equal(names.get('a'), undefined);
});
