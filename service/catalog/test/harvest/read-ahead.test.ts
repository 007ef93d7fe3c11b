import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { readAhead } from '../../src/harvest/read-ahead.ts';

interface Work {
  underWay: number;
  most: number;
  started: number;
  readonly run: (item: number) => Promise<number>;
}

/** Work that takes shorter for later items, and fails at one of them. */
function work(failAt = -1): Work {
  const state: Work = {
    underWay: 0,
    most: 0,
    started: 0,
    run: async (item) => {
      state.started++;
      state.most = Math.max(state.most, ++state.underWay);
      await delay(Math.max(0, 8 - item));
      state.underWay--;
      if (item === failAt) throw new Error(`item ${item}`);
      return item * 10;
    },
  };
  return state;
}

const items = Array.from({ length: 12 }, (_, i) => i);

test('results come in order, with no more than the depth under way', async () => {
  const state = work();
  assert.deepEqual(
    await Array.fromAsync(readAhead(items, 4, state.run)),
    items.map((item) => item * 10),
  );
  assert.equal(state.most, 4);
  assert.deepEqual(await Array.fromAsync(readAhead([], 4, state.run)), []);
});

test('a failure comes in its turn, and nothing is under way any more when it does', async () => {
  const state = work(2);
  const seen: number[] = [];
  const reading = (async () => {
    for await (const result of readAhead(items, 4, state.run)) seen.push(result);
  })();
  await assert.rejects(reading, /item 2/);
  assert.deepEqual([seen, state.underWay], [[0, 10], 0]);
  assert.ok(state.started <= 6);
});

test('who stops early leaves nothing under way', async () => {
  const state = work();
  for await (const result of readAhead(items, 4, state.run)) if (result === 10) break;
  assert.equal(state.underWay, 0);
  assert.ok(state.started <= 6);
});
