import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FakeClock } from '@floecat/storage-testkit';

void test('time stands still until it is advanced, wall and monotonic alike', () => {
  const clock = new FakeClock({ start: 1_234_567 });
  assert.deepEqual([clock.now(), clock.monotonic(), clock.seconds()], [1_234_567, 0, 1_234]);
  clock.advance(433);
  assert.deepEqual([clock.now(), clock.monotonic(), clock.seconds()], [1_235_000, 433, 1_235]);
  assert.throws(() => clock.advance(-1), RangeError);
  assert.throws(() => clock.advance(Number.NaN), RangeError);
});

void test('the wall can be set apart from monotonic time, and wakes nobody', async () => {
  const clock = new FakeClock();
  const sleep = clock.sleep(10);
  clock.setWall(99);
  assert.deepEqual([clock.now(), clock.monotonic(), clock.sleeping], [99, 0, 1]);
  clock.advance(10);
  await sleep;
});

void test('a sleep ends when time has come, not before, and in order', async () => {
  const clock = new FakeClock();
  const woken: string[] = [];
  const sleeps = [
    clock.sleep(20).then(() => woken.push('b')),
    clock.sleep(10).then(() => woken.push('a')),
    clock.sleep(30).then(() => woken.push('c')),
  ];
  assert.equal(clock.sleeping, 3);
  clock.advance(9);
  await Promise.resolve();
  assert.deepEqual(woken, []);
  clock.advance(11);
  await Promise.all(sleeps.slice(0, 2));
  assert.deepEqual(woken, ['a', 'b']);
  assert.equal(clock.sleeping, 1);
  clock.advance(1_000);
  await Promise.all(sleeps);
  assert.deepEqual(woken, ['a', 'b', 'c']);
});

void test('a sleep of nothing ends at once', async () => {
  await new FakeClock().sleep(0);
});

void test('an aborted sleep fails with the reason and is forgotten', async () => {
  const clock = new FakeClock();
  const reason = new Error('enough');
  await assert.rejects(clock.sleep(5, AbortSignal.abort(reason)), (error) => error === reason);
  const controller = new AbortController();
  const sleep = clock.sleep(5, controller.signal);
  controller.abort(reason);
  await assert.rejects(sleep, (error) => error === reason);
  assert.equal(clock.sleeping, 0);
  const ended = clock.sleep(5, new AbortController().signal);
  clock.advance(5);
  await ended;
});

void test('a clock that advances by itself moves as far as each sleep', async () => {
  const clock = new FakeClock({ autoAdvance: true });
  const start = clock.now();
  await clock.sleep(1_000);
  await clock.sleep(234);
  assert.deepEqual([clock.now() - start, clock.monotonic(), clock.sleeping], [1_234, 1_234, 0]);
});
