import type { BatchOperation, CallOptions, Pointer } from '@floecat/storage-spi';
import { StorageAbortRetryableError, StorageUnknownOutcomeError } from '@floecat/storage-spi';

import { IdempotencySupersededError, RepositoryError, UnverifiedCommitError } from '../errors.ts';
import type { RepositoryContext } from '../repository-context.ts';
import { withRetriedReads } from '../retry/retried-reads.ts';
import { pauseBefore } from '../retry/retry-policy.ts';
import type { Claim } from './claim.ts';
import { claim, inProgress } from './claim.ts';
import type { Holder } from './hold.ts';
import { Hold } from './hold.ts';
import type { Json } from './idempotency-record.ts';
import { checkRun } from './idempotency-record.ts';

const DEFAULT_WAIT_MS = 5_000;

export interface OnceKey {
  /** 1 to 255 bytes, the caller's own; one for each operation in the account. */
  readonly key: string;
  /** What the operation is: a call with the same key and another fingerprint is refused. See `fingerprintOf`. */
  readonly fingerprint: string;
}

export interface OnceOptions extends CallOptions {
  /** How long to wait for another call with the same key that is under way, ms. Default 5,000. */
  readonly waitMs?: number;
}

/** A run, as its operation sees it. */
export interface Once<T extends Json> {
  /** The caller's, and aborted too where another call has taken over. Hand it to every call. */
  readonly signal: AbortSignal;
  /**
   * The write that records `result`: it belongs into the transaction that applies the operation, by `also`. Until that
   * commit has ended, the record is not renewed. Throws `InvalidArgumentError` for a result over 64 KB of JSON.
   */
  readonly completing: (result: T) => Promise<BatchOperation>;
}

export interface OnceResult<T extends Json> {
  readonly result: T;
  /** Whether another call with this key has applied the operation. */
  readonly replayed: boolean;
}

/**
 * Runs an operation once, however often it is called with the same key: the calls after the first get its result, also
 * where its process died in between, until the record expires (`floecat.idempotency.ttl-seconds` after it was written).
 *
 * The operation must apply all that it does in one transaction, in which `completing` rides along; that compares the
 * record as this call holds it, so that a call that was taken over applies nothing. One that commits nothing just
 * returns its result. It runs again where an outcome was unknown and turned out as not applied. Where it throws, the record
 * is let go, and the next call with the key starts anew.
 *
 * Throws `IdempotencyKeyReusedError`, `IdempotencyInProgressError`, and what the operation throws. An outcome that is
 * still unknown in the end is safe to repeat under the same key.
 */
export async function runOnce<T extends Json>(
  given: RepositoryContext,
  run: OnceKey,
  operation: (once: Once<T>) => Promise<T>,
  options: OnceOptions = {},
): Promise<OnceResult<T>> {
  checkRun(run);
  const context = withRetriedReads(given);
  const { clock, random } = context;
  const { signal, waitMs = DEFAULT_WAIT_MS } = options;
  const call = signal ? { signal } : {};
  const began = { wall: clock.now(), monotonic: clock.monotonic() };
  const of: Holder = { key: run.key, fingerprint: run.fingerprint, holder: random.uuid() };
  let held: Pointer | undefined;
  let doubt: unknown;

  for (let attempt = 1; ; attempt++) {
    let found: Claim;
    try {
      found = await claim(context, of, { ...call, waitMs, began, held });
    } catch (error) {
      throw isUnknown(doubt) && !(error instanceof RepositoryError) ? doubt : error;
    }
    if ('result' in found) return { result: found.result as T, replayed: found.holder !== of.holder };
    const hold = new Hold<T>(context, of, found.row);
    try {
      const result = await operation({
        signal: signal ? AbortSignal.any([signal, hold.lost]) : hold.lost,
        completing: (each) => hold.completing(each),
      });
      const end = await hold.finish(result);
      if (end.is === 'done') return { result: end.result as T, replayed: false };
      doubt = hold.superseded();
    } catch (error) {
      doubt = hold.lost.aborted && !isUnknown(error) ? hold.superseded() : error;
    }
    await hold.stop();
    held = hold.row;
    // Of one that was taken over, the record tells at once; whoever has it is waited for there.
    if (doubt instanceof IdempotencySupersededError && attempt < context.retry.maxAttempts) continue;
    if (isUnknown(doubt) && (await pauseToRepeat(context, attempt, signal))) continue;
    // Best effort: where it fails, the lease ends. What the record tells is worth more than the doubt.
    const left = await hold.release().catch(() => undefined);
    if (isUnknown(doubt) && left?.is === 'done') return { result: left.result as T, replayed: false };
    if (isUnknown(doubt) && left?.is === 'untouched') throw notApplied(doubt);
    throw doubt instanceof IdempotencySupersededError ? inProgress(of.key) : doubt;
  }
}

/** What the record can settle: not that blobs may be missing of what was committed. */
function isUnknown(error: unknown): error is StorageUnknownOutcomeError {
  return error instanceof StorageUnknownOutcomeError && !(error instanceof UnverifiedCommitError);
}

/** Waits before another attempt; false where there is to be none. */
async function pauseToRepeat(
  { clock, random, retry, budget }: RepositoryContext,
  attempt: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (signal?.aborted || attempt >= retry.maxAttempts || !budget.tryTake()) return false;
  const pause = pauseBefore(attempt - 1, retry, random.next());
  return clock.sleep(pause, signal).then(
    () => true,
    () => false,
  );
}

function notApplied(cause: StorageUnknownOutcomeError): StorageAbortRetryableError {
  const { operation = 'runOnce', key = '' } = cause;
  return new StorageAbortRetryableError(
    `${cause.message}; its record proves that it was not applied: repeat it`,
    {
      operation,
      key,
      cause,
    },
  );
}
