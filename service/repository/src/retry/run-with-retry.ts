import type { Clock, RandomSource, RetryBudget } from '@floecat/storage-spi';
import {
  processRetryBudget,
  StorageAbortRetryableError,
  StorageConflictError,
  StoragePreconditionFailedError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

import type { RetryPolicy } from './retry-policy.ts';
import { pauseBefore, retryPolicy } from './retry-policy.ts';
import { withDeadline } from './with-deadline.ts';

export interface RetryOptions {
  readonly policy?: Partial<RetryPolicy>;
  readonly signal?: AbortSignal | undefined;
  /** Default: the one of the process, which the backends' own retries share. */
  readonly budget?: RetryBudget;
  /** Of the first attempt; default: a fresh one. Each later attempt has one of its own. */
  readonly writeId?: string;
}

/** One attempt, as the function that makes it sees it. */
export interface RetryAttempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborted by the caller, or at the deadline. Hand it to every call. */
  readonly signal: AbortSignal;
  /** Of this attempt alone. */
  readonly writeId: string;
  /** Those of the earlier attempts that may have been applied. Empty: none can have been. */
  readonly uncertain: readonly string[];
}

/** What reading found out about attempts whose outcome was unknown. */
export type Settled<T> =
  /** How the call ends: one of them was applied, or none ever will be. */
  | { readonly outcome: 'settled'; readonly result: T }
  /** Not applied, or not yet; the next attempt is safe beside those that may still be on their way. */
  | { readonly outcome: 'repeat' }
  | { readonly outcome: 'unknown' };

export interface Retried<T> {
  /**
   * What is repeated. It must tell a conflict with an `uncertain` write of its own from one with somebody else's:
   * a conflict that it throws, or answers, is told as it is.
   */
  readonly attempt: (attempt: RetryAttempt) => Promise<T>;
  /** Reads after an unknown outcome. Without it, one ends the call: only the caller can know what to read. */
  readonly settle?: (attempt: RetryAttempt) => Promise<Settled<T>>;
}

/**
 * Repeats an operation while the error contract allows it: what was certainly not applied, or is safe to repeat
 * (`StorageAbortRetryableError`), and an unknown outcome once `settle` has read. Backoff with full jitter, bounded by
 * attempts, a deadline and the retry budget; then the last error is thrown. Everything else is thrown at once: a
 * conflict is for its caller to decide again. Once an attempt may have been applied, whatever ends the call but a
 * conflict is `StorageUnknownOutcomeError`: that a later attempt was not applied says nothing about the earlier one.
 */
export function runWithRetry<T>(
  from: { readonly clock: Clock; readonly random: RandomSource },
  retried: Retried<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { policy: given, budget = processRetryBudget, writeId, signal } = options;
  // As a promise, what it refuses too.
  return (async () => {
    const policy = retryPolicy(given);
    const started = from.clock.monotonic();
    return withDeadline(from.clock, policy.deadlineMs, signal, (bounded) =>
      repeat(from, retried, { policy, budget, started, signal: bounded, writeId }),
    );
  })();
}

interface Bounds {
  readonly policy: RetryPolicy;
  readonly budget: RetryBudget;
  /** By the monotonic clock. */
  readonly started: number;
  readonly signal: AbortSignal;
  readonly writeId: string | undefined;
}

async function repeat<T>(
  { clock, random }: { readonly clock: Clock; readonly random: RandomSource },
  { attempt, settle }: Retried<T>,
  { policy, budget, started, signal, writeId: firstId }: Bounds,
): Promise<T> {
  const uncertain: string[] = [];
  let doubt: StorageUnknownOutcomeError | undefined;
  for (let number = 1; ; number++) {
    const writeId = (number === 1 ? firstId : undefined) ?? random.uuid();
    const current: RetryAttempt = { number, signal, writeId, uncertain: [...uncertain] };
    try {
      const result = await attempt(current);
      budget.succeeded();
      return result;
    } catch (error) {
      const found = await follow(error, current);
      if (found?.outcome === 'settled') return found.result;
      const pause = pauseBefore(number - 1, policy, random.next());
      const late = clock.monotonic() + pause - started >= policy.deadlineMs;
      if (signal.aborted || late || number >= policy.maxAttempts || !budget.tryTake()) throw ending(error);
      await clock.sleep(pause, signal).catch(() => {
        throw ending(error);
      });
    }
  }

  /** What follows from an error of an attempt: the end of the call, another attempt, or the error that is thrown. */
  async function follow(error: unknown, current: RetryAttempt): Promise<Settled<T> | undefined> {
    if (error instanceof StorageAbortRetryableError) return undefined;
    if (!(error instanceof StorageUnknownOutcomeError)) throw ending(error);
    doubt = error;
    if (!settle) throw error;
    uncertain.push(current.writeId);
    let found: Settled<T>;
    try {
      found = await settle({ ...current, uncertain: [...uncertain] });
    } catch {
      // What cannot be read now settles nothing; the first error says what is at stake.
      throw error;
    }
    if (found.outcome === 'unknown') throw error;
    return found;
  }

  function ending(error: unknown): unknown {
    const isTold = error instanceof StorageConflictError || error instanceof StoragePreconditionFailedError;
    if (!doubt || isTold || error instanceof StorageUnknownOutcomeError) return error;
    const { operation = 'retry', key = '' } = doubt;
    const why = error instanceof Error ? error.message : String(error);
    const message = `${operation}: an attempt may have been applied, and a later one was not (${why}): read before you repeat it`;
    return new StorageUnknownOutcomeError(message, { operation, key, cause: error });
  }
}
