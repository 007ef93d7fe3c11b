import type { CallOptions, RetryBudget } from '@floecat/storage-spi';
import { InvalidArgumentError } from '@floecat/storage-spi';

/** How a whole operation is repeated. */
export interface RetryPolicy {
  /** Attempts at most, the first one included. Default 6. */
  readonly maxAttempts: number;
  /** All attempts together, pauses included, ms. Then what is under way is aborted. Default 60,000. */
  readonly deadlineMs: number;
  /** The first pause is random from 0 to this, ms; each later one may be twice as long. Default 50. */
  readonly baseDelayMs: number;
  /** No pause is longer, ms. Default 5,000. */
  readonly maxDelayMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 6,
  deadlineMs: 60_000,
  baseDelayMs: 50,
  maxDelayMs: 5_000,
};

/** The policy with its defaults. Refuses what would never try, or never end. */
export function retryPolicy(given: Partial<RetryPolicy> = {}): RetryPolicy {
  const policy = { ...DEFAULT_RETRY, ...given };
  const { maxAttempts, deadlineMs, baseDelayMs, maxDelayMs } = policy;
  if (!(Number.isInteger(maxAttempts) && maxAttempts >= 1)) refuse(`${maxAttempts} attempts; give 1 or more`);
  if (!(Number.isFinite(deadlineMs) && deadlineMs > 0))
    refuse(`a deadline of ${deadlineMs} ms; give more than 0`);
  if (!(Number.isFinite(baseDelayMs) && baseDelayMs >= 0))
    refuse(`a pause of ${baseDelayMs} ms; give 0 or more`);
  if (!(Number.isFinite(maxDelayMs) && maxDelayMs >= 0))
    refuse(`a pause of ${maxDelayMs} ms; give 0 or more`);
  return policy;
}

/** What of a context and a call a retry needs. */
export function retryOptions(
  { retry, budget }: { readonly retry: RetryPolicy; readonly budget: RetryBudget },
  { signal, writeId }: CallOptions & { readonly writeId?: string } = {},
): {
  readonly policy: RetryPolicy;
  readonly budget: RetryBudget;
  readonly signal?: AbortSignal;
  readonly writeId?: string;
} {
  return { policy: retry, budget, ...(signal && { signal }), ...(writeId !== undefined && { writeId }) };
}

/** Exponential backoff with full jitter: random from 0 to a limit that doubles with each retry, ms. */
export function pauseBefore(retry: number, { baseDelayMs, maxDelayMs }: RetryPolicy, random: number): number {
  return random * Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(retry, 30));
}

function refuse(why: string): never {
  throw new InvalidArgumentError(`retry: ${why}`, { operation: 'retry' });
}
