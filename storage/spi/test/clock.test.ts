import assert from 'node:assert/strict';
import { test } from 'node:test';

import { systemClock, systemRandom } from '@floecat/storage-spi';

void test('the system clock tells epoch milliseconds, and a monotonic time that does not run backwards', () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 60_000);
  const first = systemClock.monotonic();
  assert.ok(systemClock.monotonic() >= first);
});

void test('a sleep ends, and an aborted one fails with an abort error at once', async () => {
  await systemClock.sleep(1);
  const reason = new Error('enough');
  await assert.rejects(systemClock.sleep(3_600_000, AbortSignal.abort(reason)), (error) => error === reason);
  const controller = new AbortController();
  const sleep = systemClock.sleep(3_600_000, controller.signal);
  controller.abort(reason);
  await assert.rejects(sleep, (error) => error === reason);
});

void test('the system randomness makes distinct version 4 UUIDs and numbers in [0, 1)', () => {
  const ids = Array.from({ length: 1_000 }, () => systemRandom.uuid());
  assert.equal(new Set(ids).size, 1_000);
  for (const id of ids)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  for (let i = 0; i < 1_000; i++) {
    const number = systemRandom.next();
    assert.ok(number >= 0 && number < 1);
  }
});
