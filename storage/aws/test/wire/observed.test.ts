import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Attempt, WireCall } from '@floecat/storage-aws';
import { DYNAMODB_WIRE, RetryBudget, Wire } from '@floecat/storage-aws';
import type { AttemptFacts, RequestFacts, RequestObservation, StorageObserver } from '@floecat/storage-spi';
import { StorageCorruptionError } from '@floecat/storage-spi';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

const CALL: WireCall = {
  operation: 'compareAndSet',
  key: '/k',
  action: 'dynamodb:PutItem',
  resource: 'table t',
  write: true,
};

/** Everything that is told, in its order. */
class Notes implements StorageObserver {
  readonly begun: string[] = [];
  readonly attempts: AttemptFacts[] = [];
  readonly ended: RequestFacts[] = [];

  operation(): never {
    throw new Error('the wire knows no operations');
  }

  request(store: string, operation: string, action: string): RequestObservation {
    this.begun.push(`${store} ${operation} ${action}`);
    return {
      within: (body) => body(),
      attempt: (facts) => void this.attempts.push(facts),
      end: (facts) => void this.ended.push(facts),
    };
  }
}

function wireOf(observer: StorageObserver) {
  const clock = new FakeClock();
  // Without pauses, so that all the time is that of attempts.
  const settings = { ...DYNAMODB_WIRE, baseDelayMs: 0, throttleDelayMs: 0, maxAttempts: 3 };
  const wire = new Wire({ clock, random: seededRandom(1), settings, budget: new RetryBudget(), observer });
  return { clock, wire };
}

function sdkError(name: string, status: number): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });
}

/** Attempts that fail with these, 10 ms each, and then one that answers. */
function failing(clock: FakeClock, errors: readonly Error[]): (attempt: Attempt) => Promise<string> {
  return async ({ number, tally }) => {
    clock.advance(10);
    tally?.sent(5);
    const error = errors[number - 1];
    if (error) throw error;
    tally?.received(7);
    tally?.charged(1, 2);
    return 'answer';
  };
}

test('a request is told with its attempts, what failed in each, and what all came to', async () => {
  const notes = new Notes();
  const { clock, wire } = wireOf(notes);
  const errors = [sdkError('ThrottlingException', 400), sdkError('TransactionConflictException', 400)];
  assert.equal(await wire.send(CALL, failing(clock, errors)), 'answer');
  assert.deepEqual(notes.begun, ['pointers compareAndSet dynamodb:PutItem']);
  assert.deepEqual(notes.attempts, [
    { number: 1, outcome: 'throttled', durationMs: 10 },
    { number: 2, outcome: 'contended', durationMs: 10 },
    { number: 3, outcome: 'ok', durationMs: 10 },
  ]);
  assert.deepEqual(notes.ended, [
    {
      outcome: 'ok',
      durationMs: 30,
      attempts: 3,
      throttles: 1,
      contended: 1,
      bytesSent: 15,
      bytesReceived: 7,
      readUnits: 1,
      writeUnits: 2,
    },
  ]);
});

test('a request that fails is told with the code that its caller gets', async () => {
  const notes = new Notes();
  const { clock, wire } = wireOf(notes);
  const down = sdkError('InternalServerError', 500);
  const throttled = sdkError('ThrottlingException', 400);
  await assert.rejects(wire.send(CALL, failing(clock, [down, down, down])), {
    code: 'STORAGE_UNKNOWN_OUTCOME',
  });
  await assert.rejects(wire.send(CALL, failing(clock, [throttled, throttled, throttled])), {
    code: 'STORAGE_UNAVAILABLE',
  });
  await assert.rejects(wire.send(CALL, failing(clock, [new StorageCorruptionError('damaged')])), {
    code: 'STORAGE_CORRUPTION',
  });
  await assert.rejects(wire.send({ ...CALL, signal: AbortSignal.abort() }, failing(clock, [])), {
    code: 'STORAGE_ABORT_RETRYABLE',
  });
  assert.deepEqual(
    notes.ended.map(({ outcome, attempts, throttles, error }) => [
      outcome,
      attempts,
      throttles,
      (error as { code?: string }).code,
    ]),
    [
      ['STORAGE_UNKNOWN_OUTCOME', 3, 0, 'STORAGE_UNKNOWN_OUTCOME'],
      ['STORAGE_UNAVAILABLE', 3, 3, 'STORAGE_UNAVAILABLE'],
      ['STORAGE_CORRUPTION', 1, 0, 'STORAGE_CORRUPTION'],
      ['STORAGE_ABORT_RETRYABLE', 0, 0, 'STORAGE_ABORT_RETRYABLE'],
    ],
  );
});

test('an attempt that ran out of time is told with the time it was given', async () => {
  const notes = new Notes();
  const clock = new FakeClock({ autoAdvance: true });
  const settings = { ...DYNAMODB_WIRE, maxAttempts: 1 };
  const wire = new Wire({
    clock,
    random: seededRandom(1),
    settings,
    budget: new RetryBudget(),
    observer: notes,
  });
  await assert.rejects(
    wire.send({ ...CALL, write: false }, () => new Promise(() => {})),
    {
      code: 'STORAGE_UNAVAILABLE',
    },
  );
  assert.deepEqual(notes.attempts, [
    { number: 1, outcome: 'ambiguous', durationMs: DYNAMODB_WIRE.attemptTimeoutMs },
  ]);
});

test('stores are told apart by the service, and an observer that fails changes nothing', async () => {
  const notes = new Notes();
  const { clock, wire } = wireOf(notes);
  for (const action of ['dynamodb:Query', 's3:GetObject', 'secretsmanager:GetSecretValue', 'sts:AssumeRole'])
    await wire.send({ ...CALL, action }, failing(clock, []));
  assert.deepEqual(
    notes.begun.map((line) => line.split(' ')[0]),
    ['pointers', 'blobs', 'secrets', 'secrets'],
  );

  for (const request of [
    broken,
    (): RequestObservation => ({ within: broken, attempt: broken, end: broken }),
  ]) {
    const other = wireOf({ operation: broken, request });
    let calls = 0;
    const counted = async (attempt: Attempt): Promise<string> => {
      calls++;
      return failing(other.clock, [sdkError('ThrottlingException', 400)])(attempt);
    };
    assert.equal(await other.wire.send(CALL, counted), 'answer');
    assert.equal(calls, 2);
  }
});

function broken(): never {
  throw new Error('the observer is broken');
}
