import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';

import type { GatedCall } from '../src/call-gate.ts';
import { CallGate } from '../src/call-gate.ts';

/** What waits for ever is a failure. */
const HANGS = { timeout: 30_000 };

function call(write: boolean, signal?: AbortSignal): GatedCall {
  return { operation: 'op', key: '/k', write, signal };
}

function mustNotRun(): Promise<never> {
  assert.fail('the body ran');
}

function throwAtOnce(): Promise<never> {
  throw new TypeError('at once');
}

/** Lets everything that is ready run. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

void test('a call runs at once, and its answer or error passes through', HANGS, async () => {
  const gate = new CallGate();
  assert.equal(await gate.run(call(true), async () => 7), 7);
  assert.equal(await gate.run(call(true, new AbortController().signal), async () => 7), 7);
  const error = new Error('inner');
  for (const signal of [undefined, new AbortController().signal])
    await assert.rejects(
      gate.run(call(true, signal), () => Promise.reject(error)),
      (thrown) => thrown === error,
    );
});

for (const signal of [undefined, new AbortController().signal])
  void test(
    `close waits for every call under way, ${signal ? 'with' : 'without'} a signal, then releases once`,
    HANGS,
    async () => {
      const gate = new CallGate();
      const first = Promise.withResolvers<string>();
      const second = Promise.withResolvers<string>();
      const answers = [
        gate.run(call(true, signal), () => first.promise),
        gate.run(call(false, signal), () => second.promise),
      ];
      let released = 0;
      const release = async (): Promise<void> => void released++;
      const closes = [gate.close(release), gate.close(release)];
      await settle();
      assert.equal(released, 0, 'two calls are under way');
      first.resolve('first');
      await settle();
      assert.equal(released, 0, 'one call is under way');
      second.reject(new Error('second'));
      const [one, two] = await Promise.allSettled(answers);
      assert.deepEqual([one?.status, two?.status], ['fulfilled', 'rejected']);
      await Promise.all(closes);
      await gate.close(release);
      assert.equal(released, 1);
    },
  );

void test('from close on, calls are refused and their bodies do not run', HANGS, async () => {
  const gate = new CallGate();
  const pending = Promise.withResolvers<void>();
  const running = gate.run(call(true), () => pending.promise);
  const closing = gate.close(async () => {});
  const refused = { code: 'STORAGE_CLOSED', operation: 'op', key: '/k' };
  await assert.rejects(gate.run(call(true), mustNotRun), refused);
  pending.resolve();
  await Promise.all([running, closing]);
  await assert.rejects(gate.run(call(false), mustNotRun), refused);
  await assert.rejects(gate.run(call(false, AbortSignal.abort()), mustNotRun), refused);
});

void test('a release that fails fails every close, and is not tried again', HANGS, async () => {
  const gate = new CallGate();
  let tries = 0;
  const release = (): Promise<void> => {
    tries++;
    return Promise.reject(new Error('no flush'));
  };
  await assert.rejects(gate.close(release), /no flush/);
  await assert.rejects(gate.close(release), /no flush/);
  assert.equal(tries, 1);
});

void test('a body that throws instead of rejecting does not keep close waiting', HANGS, async () => {
  const gate = new CallGate();
  await assert.rejects(gate.run(call(true), throwAtOnce), TypeError);
  await assert.rejects(gate.run(call(true, new AbortController().signal), throwAtOnce), TypeError);
  await gate.close(async () => {});
});

void test(
  'aborted before it is sent: the body does not run, the error is retryable and carries the reason',
  HANGS,
  async () => {
    const reason = new Error('enough');
    for (const write of [true, false])
      await assert.rejects(new CallGate().run(call(write, AbortSignal.abort(reason)), mustNotRun), {
        code: 'STORAGE_ABORT_RETRYABLE',
        operation: 'op',
        key: '/k',
        cause: reason,
      });
  },
);

for (const [write, code] of [
  [true, 'STORAGE_UNKNOWN_OUTCOME'],
  [false, 'STORAGE_ABORT_RETRYABLE'],
] as const)
  void test(
    `aborted in flight: a ${write ? 'write' : 'read'} ends at once in ${code}, and close still waits for it`,
    HANGS,
    async () => {
      const gate = new CallGate();
      const controller = new AbortController();
      const reason = new Error('enough');
      const work = Promise.withResolvers<string>();
      const answer = gate.run(call(write, controller.signal), () => work.promise);
      controller.abort(reason);
      await assert.rejects(answer, { code, operation: 'op', key: '/k', cause: reason });
      let closed = false;
      const closing = gate.close(async () => void (closed = true));
      await settle();
      assert.equal(closed, false, 'the work itself is still under way');
      // Its late failure has nobody to tell, and must not become an unhandled rejection.
      work.reject(new Error('late'));
      await closing;
      await settle();
      assert.equal(closed, true);
    },
  );

void test('an abort after the answer changes nothing, and the signal is let go of', HANGS, async () => {
  const controller = new AbortController();
  const gate = new CallGate();
  assert.equal(await gate.run(call(true, controller.signal), async () => 'done'), 'done');
  await assert.rejects(
    gate.run(call(true, controller.signal), () => Promise.reject(new Error('no'))),
    /no/,
  );
  await settle();
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  controller.abort();
  await settle();
});
