import type { Clock, RandomSource, RetryBudget } from '@floecat/storage-spi';
import {
  processRetryBudget,
  StorageAbortRetryableError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

import type { RetryPolicy } from './retry-policy.ts';
import { pauseBefore, retryPolicy } from './retry-policy.ts';

export interface RetryOptions {
  readonly policy?: Partial<RetryPolicy>;
  readonly signal?: AbortSignal | undefined;
  /** Default: the one of the process, which the backends' own retries share. */
  readonly budget?: RetryBudget;
}

/** One attempt, as the function that makes it sees it. */
export interface RetryAttempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborted by the caller, or at the deadline. Hand it to every call. */
  readonly signal: AbortSignal;
  /** A fresh one for this attempt. */
  readonly writeId: string;
  /** Those of the earlier attempts that may have been applied. Empty: none can have been. */
  readonly uncertain: readonly string[];
}

/** What reading found out about attempts whose outcome was unknown. */
export type Settled<T> =
  | { readonly outcome: 'applied'; readonly result: T }
  /** Not applied, or not yet; the next attempt is safe beside those that may still be on their way. */
  | { readonly outcome: 'repeat' }
  | { readonly outcome: 'unknown' };

export interface Retried<T> {
  /** What is repeated. It must tell a conflict with an `uncertain` write of its own from one with somebody else's. */
  readonly attempt: (attempt: RetryAttempt) => Promise<T>;
  /** Reads after an unknown outcome. Without it, one ends the call: only the caller can know what to read. */
  readonly settle?: (attempt: RetryAttempt) => Promise<Settled<T>>;
}

/**
 * Repeats an operation while the error contract allows it: what was certainly not applied, or is safe to repeat
 * (`StorageAbortRetryableError`), and an unknown outcome once `settle` has read. Backoff with full jitter, bounded by
 * attempts, a deadline and the retry budget; the last error is thrown as it was. Everything else is thrown at once: a
 * conflict is for its caller to decide again.
 */
export async function runWithRetry<T>(
  { clock, random }: { readonly clock: Clock; readonly random: RandomSource },
  { attempt, settle }: Retried<T>,
  options: RetryOptions = {},
): Promise<T> {
  const policy = retryPolicy(options.policy);
  const { budget = processRetryBudget } = options;
  const started = clock.monotonic();
  const over = new AbortController();
  const done = new AbortController();
  const signal = AbortSignal.any([over.signal, ...(options.signal ? [options.signal] : [])]);
  void clock.sleep(policy.deadlineMs, done.signal).then(
    () => over.abort(new DeadlineError(policy.deadlineMs)),
    () => undefined,
  );
  const uncertain: string[] = [];
  try {
    for (let number = 1; ; number++) {
      const writeId = random.uuid();
      const current: RetryAttempt = { number, signal, writeId, uncertain: [...uncertain] };
      try {
        const result = await attempt(current);
        budget.succeeded();
        return result;
      } catch (error) {
        const repeatable = await settled(error, current);
        if ('result' in repeatable) return repeatable.result;
        const pause = pauseBefore(number - 1, policy, random.next());
        const late = clock.monotonic() + pause - started >= policy.deadlineMs;
        if (signal.aborted || late || number >= policy.maxAttempts || !budget.tryTake()) throw error;
        await clock.sleep(pause, signal).catch(() => {
          throw error;
        });
      }
    }
  } finally {
    done.abort(ENDED);
  }

  /** Whether `error` may be followed by another attempt; throws it where not, and answers a result where it is one. */
  async function settled(error: unknown, current: RetryAttempt): Promise<{ result: T } | object> {
    if (error instanceof StorageAbortRetryableError) return {};
    if (!(error instanceof StorageUnknownOutcomeError) || !settle) throw error;
    uncertain.push(current.writeId);
    let found: Settled<T>;
    try {
      found = await settle({ ...current, uncertain: [...uncertain] });
    } catch {
      // What cannot be read now settles nothing; the first error says what is at stake.
      throw error;
    }
    if (found.outcome === 'unknown') throw error;
    return found.outcome === 'applied' ? { result: found.result } : {};
  }
}

const ENDED = new Error('the operation has ended');

class DeadlineError extends Error {
  constructor(milliseconds: number) {
    super(`the operation was not done within ${milliseconds} ms`);
    this.name = 'TimeoutError';
  }
}
