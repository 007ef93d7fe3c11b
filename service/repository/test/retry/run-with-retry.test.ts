import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { RetryAttempt, RetryOptions, Settled } from '@floecat/repository';
import { runWithRetry } from '@floecat/repository';
import {
  RetryBudget,
  StorageAbortRetryableError,
  StorageConflictError,
  StorageUnavailableError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

const FULL = { capacity: 1_000_000, costPerRetry: 1, refundPerSuccess: 1 };

/** A clock whose sleeps pass at once, but for the deadline's, and are remembered. */
class QuickClock extends FakeClock {
  readonly pauses: number[] = [];

  override async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (milliseconds >= 10_000) return super.sleep(milliseconds, signal);
    signal?.throwIfAborted();
    this.pauses.push(milliseconds);
    this.advance(milliseconds);
  }
}

interface Run {
  readonly clock: QuickClock;
  readonly attempts: RetryAttempt[];
  readonly ended: Promise<string>;
}

/** Runs what fails with each of `errors` in turn, and then succeeds. */
function run(
  errors: readonly Error[],
  options: RetryOptions = {},
  settle?: () => Promise<Settled<string>>,
): Run {
  const clock = new QuickClock();
  const attempts: RetryAttempt[] = [];
  const ended = runWithRetry(
    { clock, random: seededRandom(7) },
    {
      attempt: async (attempt) => {
        attempts.push(attempt);
        const error = errors[attempt.number - 1];
        if (error) throw error;
        return 'done';
      },
      ...(settle && { settle }),
    },
    { budget: new RetryBudget(FULL), ...options },
  );
  return { clock, attempts, ended };
}

const ABORTED = new StorageAbortRetryableError('aborted');
const DOWN = new StorageUnavailableError('down');
const UNKNOWN = new StorageUnknownOutcomeError('lost answer');

void suite('runWithRetry', () => {
  void test('answers at once what succeeds, and repeats what may be repeated', async () => {
    const { attempts, ended } = run([ABORTED, DOWN]);
    assert.equal(await ended, 'done');
    assert.deepEqual(
      attempts.map(({ number }) => number),
      [1, 2, 3],
    );
    assert.equal(new Set(attempts.map(({ writeId }) => writeId)).size, 3);
    assert.deepEqual(attempts[2]?.uncertain, []);
  });

  void test('does not repeat a conflict, a defect, or an outcome that nobody can settle', async () => {
    for (const error of [new StorageConflictError('taken'), new TypeError('defect'), UNKNOWN]) {
      const { attempts, ended } = run([error]);
      await assert.rejects(ended, (thrown) => thrown === error);
      assert.equal(attempts.length, 1);
    }
  });

  void test('after an unknown outcome it reads: applied ends it, repeat goes on beside the uncertain one', async () => {
    const applied = run([UNKNOWN], {}, async () => ({ outcome: 'settled', result: 'found' }));
    assert.equal(await applied.ended, 'found');
    assert.equal(applied.attempts.length, 1);
    const repeated = run([UNKNOWN, UNKNOWN], {}, async () => ({ outcome: 'repeat' }));
    assert.equal(await repeated.ended, 'done');
    assert.deepEqual(
      repeated.attempts.map(({ uncertain }) => uncertain.length),
      [0, 1, 2],
    );
    assert.equal(repeated.attempts[2]?.uncertain[0], repeated.attempts[0]?.writeId);
    const open = run([UNKNOWN], {}, async () => ({ outcome: 'unknown' }));
    await assert.rejects(open.ended, (thrown) => thrown === UNKNOWN);
  });

  void test('what cannot be read settles nothing: the unknown outcome is told, not the failed read', async () => {
    const { ended } = run([UNKNOWN], {}, async () => {
      throw DOWN;
    });
    await assert.rejects(ended, (thrown) => thrown === UNKNOWN);
  });

  void test('pauses are random up to a limit that doubles and ends at the longest', async () => {
    const policy = { maxAttempts: 12, baseDelayMs: 100, maxDelayMs: 1_000 };
    const { clock, ended } = run(
      Array.from({ length: 11 }, () => ABORTED),
      { policy },
    );
    await ended;
    assert.equal(clock.pauses.length, 11);
    for (const [i, pause] of clock.pauses.entries())
      assert.ok(pause >= 0 && pause < Math.min(1_000, 100 * 2 ** i), `pause ${i} is ${pause}`);
    // Not all at their limit, nor all at nothing: that would not be jitter.
    assert.ok(new Set(clock.pauses.map((pause) => Math.round(pause))).size > 5);
  });

  void test('ends with the last error when the attempts, the time or the budget are used up', async () => {
    const few = run([ABORTED, ABORTED, DOWN, ABORTED], { policy: { maxAttempts: 3 } });
    await assert.rejects(few.ended, (thrown) => thrown === DOWN);
    assert.equal(few.attempts.length, 3);
    const short = run(
      Array.from({ length: 50 }, () => ABORTED),
      {
        policy: { maxAttempts: 50, deadlineMs: 10_000, baseDelayMs: 4_000, maxDelayMs: 4_000 },
      },
    );
    await assert.rejects(short.ended, (thrown) => thrown === ABORTED);
    assert.ok(short.clock.pauses.reduce((sum, each) => sum + each, 0) < 10_000);
    const budget = new RetryBudget({ capacity: 2, costPerRetry: 1, refundPerSuccess: 0 });
    const poor = run([ABORTED, ABORTED, ABORTED], { budget });
    await assert.rejects(poor.ended, (thrown) => thrown === ABORTED);
    assert.equal(poor.attempts.length, 3);
    assert.equal(budget.tokens, 0);
  });

  void test('a success gives back to the budget', async () => {
    const budget = new RetryBudget({ capacity: 10, costPerRetry: 4, refundPerSuccess: 1 });
    await run([ABORTED], { budget }).ended;
    assert.equal(budget.tokens, 7);
  });

  void test('at the deadline what is under way is aborted, and its error told', async () => {
    const clock = new FakeClock();
    let seen: AbortSignal | undefined;
    const ended = runWithRetry(
      { clock, random: seededRandom(1) },
      {
        attempt: ({ signal }) => {
          seen = signal;
          return new Promise<never>((_, reject) => {
            signal.addEventListener('abort', () => reject(new StorageUnknownOutcomeError('in flight')));
          });
        },
      },
      { policy: { deadlineMs: 20_000 } },
    );
    clock.advance(19_999);
    await Promise.resolve();
    assert.equal(seen?.aborted, false);
    clock.advance(1);
    await assert.rejects(ended, { code: 'STORAGE_UNKNOWN_OUTCOME' });
  });

  void test('the caller stops it: in a pause too, with the error that it was waiting after', async () => {
    const stop = new AbortController();
    const clock = new FakeClock();
    const ended = runWithRetry(
      { clock, random: { uuid: () => 'id', next: () => 0.9 } },
      {
        attempt: async () => {
          // It gives up in the pause that follows.
          queueMicrotask(() => queueMicrotask(() => stop.abort()));
          throw ABORTED;
        },
      },
      { signal: stop.signal, policy: { baseDelayMs: 1_000 } },
    );
    await assert.rejects(ended, (thrown) => thrown === ABORTED);
  });

  void test('a policy that never tries or never ends is refused', async () => {
    for (const policy of [
      { maxAttempts: 0 },
      { maxAttempts: NaN },
      { deadlineMs: 0 },
      { deadlineMs: Infinity },
      { baseDelayMs: -1 },
      { maxDelayMs: NaN },
    ])
      await assert.rejects(run([], { policy }).ended, { code: 'INVALID_ARGUMENT' });
  });
});
