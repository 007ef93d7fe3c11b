import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { Attempt, WireCall, WireSettings } from '@floecat/storage-aws';
import { backoff, classify, RetryBudget, Wire } from '@floecat/storage-aws';
import type { StorageErrorCode } from '@floecat/storage-spi';
import { StorageCorruptionError, StorageError } from '@floecat/storage-spi';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

const SETTINGS: WireSettings = {
  attemptTimeoutMs: 1_000,
  deadlineMs: 10_000,
  maxAttempts: 6,
  baseDelayMs: 100,
  throttleDelayMs: 400,
  maxDelayMs: 2_000,
};
const CALL: WireCall = {
  operation: 'get',
  key: '/k',
  action: 'dynamodb:GetItem',
  resource: 'table t',
  write: false,
};
const WRITE: WireCall = { ...CALL, operation: 'compareAndSet', action: 'dynamodb:PutItem', write: true };

function sdkError(name: string, status?: number, fields: object = {}): Error {
  const metadata = status === undefined ? {} : { httpStatusCode: status };
  return Object.assign(new Error(`a planted ${name}`), { name, $metadata: metadata, ...fields });
}

function wireOf(
  extra: Partial<WireSettings> = {},
  more: Partial<ConstructorParameters<typeof Wire>[0]> = {},
) {
  const clock = new FakeClock({ autoAdvance: false });
  const budget = new RetryBudget();
  const random = seededRandom(1);
  const wire = new Wire({ clock, random, budget, settings: { ...SETTINGS, ...extra }, ...more });
  return { clock, budget, wire };
}

/** Lets everything run that waits for nothing but the event loop. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Runs `call` to its end, moving time on by `step` ms whenever it waits. */
async function drive<T>(clock: FakeClock, call: Promise<T>, step = 50): Promise<T> {
  const done = new AbortController();
  const watched = call.finally(() => done.abort());
  watched.catch(() => {});
  while (!done.signal.aborted) {
    await settled();
    if (!done.signal.aborted) clock.advance(step);
  }
  return watched;
}

async function codeOf(call: Promise<unknown>): Promise<StorageErrorCode> {
  const error = await call.then(
    () => assert.fail('it answered'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof StorageError, String(error));
  return error.code;
}

/** Fails that many attempts, then answers. */
function failing(times: number, name: string): (attempt: Attempt) => Promise<void> {
  return async ({ number }) => {
    if (number <= times) throw sdkError(name, 400);
  };
}

/** Answers the number of the attempt, after six conflicts and one throttle. */
async function contendedThenThrottled({ number }: Attempt): Promise<number> {
  if (number <= 6) throw sdkError('TransactionConflictException', 400);
  if (number === 7) throw sdkError('ThrottlingException', 400);
  return number;
}

suite('the wire', () => {
  test('an attempt over its time is aborted, and the next one may answer', async () => {
    const { clock, wire } = wireOf();
    const seen: Attempt[] = [];
    const answer = await drive(
      clock,
      wire.send(CALL, async (attempt) => {
        seen.push(attempt);
        return seen.length < 3 ? new Promise<string>(() => {}) : 'answer';
      }),
    );
    assert.equal(answer, 'answer');
    assert.deepEqual(
      seen.map(({ number, signal }) => [number, signal.aborted]),
      [
        [1, true],
        [2, true],
        [3, false],
      ],
    );
  });

  test('contention is bounded by the deadline alone, and takes no attempt from another failure', async () => {
    const { clock, wire } = wireOf({ maxAttempts: 2 });
    assert.equal(await drive(clock, wire.send(CALL, contendedThenThrottled), 5), 8);
  });

  test('the deadline ends a call, also within its last attempt', async () => {
    for (const call of [CALL, WRITE]) {
      const { clock, wire } = wireOf({ maxAttempts: 1_000 });
      const started = clock.monotonic();
      const ended = drive(
        clock,
        wire.send(call, () => new Promise(() => {})),
        10,
      );
      assert.equal(await codeOf(ended), call.write ? 'STORAGE_UNKNOWN_OUTCOME' : 'STORAGE_UNAVAILABLE');
      assert.ok(clock.monotonic() - started <= SETTINGS.deadlineMs + 10);
    }
  });

  test('only a write whose earlier attempt may have landed is told so', async () => {
    for (const [error, landed] of [
      [sdkError('InternalServerError', 500), true],
      [sdkError('Error', undefined, { code: 'ECONNRESET', syscall: 'read' }), true],
      [sdkError('Error', undefined, { code: 'ECONNREFUSED', syscall: 'connect' }), false],
      [sdkError('ThrottlingException', 400), false],
      [sdkError('TransactionConflictException', 400), false],
      [sdkError('RequestTimeout', 400), false],
    ] as const)
      for (const call of [CALL, WRITE]) {
        const { clock, wire } = wireOf();
        const told = wire.send(call, async ({ number, mayHaveLanded }) => {
          if (number === 1) throw error;
          return mayHaveLanded;
        });
        assert.equal(await drive(clock, told), landed && call.write, `${error.name} ${call.operation}`);
      }
  });

  test('an error of our own ends the call at once; a write that may have landed is unknown', async () => {
    const corrupt = new StorageCorruptionError('damaged');
    const { clock, wire } = wireOf();
    let attempts = 0;
    const first = wire.send(WRITE, async () => {
      attempts++;
      throw corrupt;
    });
    assert.equal(await codeOf(drive(clock, first)), 'STORAGE_CORRUPTION');
    assert.equal(attempts, 1);
    const second = wire.send(WRITE, async ({ number }) => {
      throw number === 1 ? sdkError('InternalServerError', 500) : corrupt;
    });
    assert.equal(await codeOf(drive(clock, second)), 'STORAGE_UNKNOWN_OUTCOME');
  });

  test('a failure that nobody knows ends the call at once: a write is unknown', async () => {
    for (const [call, code] of [
      [WRITE, 'STORAGE_UNKNOWN_OUTCOME'],
      [CALL, 'STORAGE_UNAVAILABLE'],
    ] as const) {
      const { clock, wire } = wireOf();
      let attempts = 0;
      const ended = wire.send(call, async () => {
        attempts++;
        throw new TypeError('a bug');
      });
      assert.equal(await codeOf(drive(clock, ended)), code);
      assert.equal(attempts, 1);
    }
  });

  test('aborted before it is sent, nothing is sent; in flight, a write is unknown and its request aborted', async () => {
    const { clock, wire } = wireOf();
    const send = (call: WireCall, signal: AbortSignal, attempt: (attempt: Attempt) => Promise<unknown>) =>
      codeOf(drive(clock, wire.send({ ...call, signal }, attempt)));
    assert.equal(
      await send(WRITE, AbortSignal.abort(), () => assert.fail('it was sent')),
      'STORAGE_ABORT_RETRYABLE',
    );
    for (const [call, code] of [
      [WRITE, 'STORAGE_UNKNOWN_OUTCOME'],
      [CALL, 'STORAGE_ABORT_RETRYABLE'],
    ] as const) {
      const abortion = new AbortController();
      const inFlight = async ({ signal }: Attempt): Promise<never> => {
        setImmediate(() => abortion.abort(new Error('enough')));
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(sdkError('AbortError')));
        });
      };
      assert.equal(await send(call, abortion.signal, inFlight), code);
    }
  });

  test('aborted in a pause, a write that was only throttled was not applied', async () => {
    const { clock, wire } = wireOf();
    const abortion = new AbortController();
    const ended = wire.send({ ...WRITE, signal: abortion.signal }, async () => {
      setImmediate(() => abortion.abort());
      throw sdkError('ThrottlingException', 400);
    });
    assert.equal(await codeOf(drive(clock, ended, 0)), 'STORAGE_ABORT_RETRYABLE');
  });

  test('the budget is shared, pays for retries, gets something back, and never pays for contention', async () => {
    const budget = new RetryBudget({ capacity: 12, costPerRetry: 5, refundPerSuccess: 1 });
    const [one, two] = [wireOf({}, { budget }), wireOf({}, { budget })];
    await drive(one.clock, one.wire.send(CALL, failing(1, 'ThrottlingException')));
    await drive(two.clock, two.wire.send(CALL, failing(1, 'ThrottlingException')));
    assert.equal(budget.tokens, 4);
    assert.equal(
      await codeOf(drive(one.clock, one.wire.send(CALL, failing(1, 'ThrottlingException')))),
      'STORAGE_UNAVAILABLE',
    );
    const { clock, wire } = wireOf({ maxDelayMs: 100 }, { budget });
    await drive(clock, wire.send(WRITE, failing(19, 'TransactionConflictException')));
    assert.equal(budget.tokens, 5);
  });

  test('a pause is random from 0 to a limit that doubles up to the longest', () => {
    const random = seededRandom(7);
    const longest = (retry: number, throttled: boolean): number =>
      Math.max(...Array.from({ length: 2_000 }, () => backoff(retry, throttled, SETTINGS, random)));
    for (const [retry, throttled, limit] of [
      [0, false, 100],
      [2, false, 400],
      [1, true, 800],
      [60, false, 2_000],
    ] as const) {
      const seen = longest(retry, throttled);
      assert.ok(seen <= limit && seen > 0.9 * limit, `${seen} of ${limit}`);
    }
    assert.ok(
      Array.from({ length: 200 }, () => backoff(3, false, SETTINGS, random)).some((pause) => pause < 100),
    );
  });

  test('errors that say what to do: names, bucket or table, region, certificate, credentials', () => {
    const s3 = { ...CALL, action: 's3:GetObject', resource: 'bucket b' };
    for (const [call, error, code, mention] of [
      [s3, sdkError('NoSuchBucket', 404), 'STORAGE_MISCONFIGURED', 'bucket b'],
      [s3, sdkError('PermanentRedirect', 301), 'STORAGE_MISCONFIGURED', 'region'],
      [s3, sdkError('Unknown', 403), 'STORAGE_ACCESS_DENIED', 's3:GetObject'],
      [CALL, sdkError('ResourceNotFoundException', 400), 'STORAGE_MISCONFIGURED', 'table t'],
      [CALL, sdkError('ValidationException', 400), 'STORAGE_MISCONFIGURED', 'ValidationException'],
      [CALL, sdkError('UnrecognizedClientException', 400), 'STORAGE_ACCESS_DENIED', 'dynamodb:GetItem'],
      [CALL, sdkError('CredentialsProviderError'), 'STORAGE_ACCESS_DENIED', 'credentials'],
      [
        CALL,
        sdkError('Error', undefined, { code: 'CERT_HAS_EXPIRED' }),
        'STORAGE_MISCONFIGURED',
        'certificate',
      ],
      [CALL, new Error('Region is missing'), 'STORAGE_MISCONFIGURED', 'region'],
    ] as const) {
      const failure = classify(error, call);
      assert.ok(failure.kind === 'fatal', failure.kind);
      assert.equal(failure.error.code, code);
      assert.equal(failure.error.cause, error);
      assert.ok(failure.error.message.includes(mention), failure.error.message);
    }
    const secret = { ...CALL, action: 'secretsmanager:GetSecretValue', resource: 'secret s' };
    const failure = classify(sdkError('ResourceNotFoundException', 400), secret);
    assert.ok(failure.kind === 'fatal' && !failure.error.message.includes('does not exist in this account'));
  });
});
