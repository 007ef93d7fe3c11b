import assert from 'node:assert/strict';
import { test } from 'node:test';

import { seededRandom, withSeed } from '@floecat/storage-testkit';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function drawn(seed: number): unknown[] {
  const random = seededRandom(seed);
  return Array.from({ length: 50 }, () => [random.next(), random.uuid(), random.below(10)]);
}

void test('the same seed gives the same sequence, another seed another', () => {
  assert.deepEqual(drawn(42), drawn(42));
  const first = [0, 1, 2, 3, 2 ** 31, 2 ** 32 - 1].map((seed) => JSON.stringify(drawn(seed)));
  assert.equal(new Set(first).size, first.length);
});

void test('numbers are in [0, 1), evenly spread, and different', () => {
  const random = seededRandom(7);
  const numbers = Array.from({ length: 100_000 }, () => random.next());
  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  assert.equal(new Set(numbers).size, numbers.length);
  const buckets = Array.from({ length: 10 }, () => 0);
  for (const number of numbers) {
    const bucket = Math.floor(number * 10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  for (const count of buckets) assert.ok(Math.abs(count - 10_000) < 500, `${count} of 10,000 expected`);
});

void test('UUIDs are of version 4 and do not repeat', () => {
  const random = seededRandom(7);
  const ids = Array.from({ length: 10_000 }, () => random.uuid());
  for (const id of ids) assert.match(id, UUID);
  assert.equal(new Set(ids).size, ids.length);
});

void test('below and pick reach every value, and nothing else', () => {
  const random = seededRandom(7);
  const drawnBelow = new Set(Array.from({ length: 1_000 }, () => random.below(5)));
  assert.deepEqual(drawnBelow, new Set([0, 1, 2, 3, 4]));
  const picked = new Set(Array.from({ length: 1_000 }, () => random.pick(['a', 'b', 'c'])));
  assert.deepEqual(picked, new Set(['a', 'b', 'c']));
  assert.throws(() => random.pick([]), RangeError);
});

void test('a failure under a seed names the seed, which gives the same failure again', async () => {
  const fails = withSeed(async (random) => assert.fail(`drew ${random.next()}`));
  const error = await fails.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown as Error,
  );
  const [, seed = ''] = /^seed (\d+): drew /.exec(error.message) ?? [];
  assert.ok(error.cause instanceof assert.AssertionError);
  await assert.rejects(
    withSeed(async (random) => assert.fail(`drew ${random.next()}`), Number(seed)),
    { message: error.message },
  );
  assert.equal(await withSeed(async (random) => random.seed, 5), 5);
});
