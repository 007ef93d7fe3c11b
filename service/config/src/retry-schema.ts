import type { CheckedValues } from './check-values.ts';
import type { ConfigProblem } from './errors.ts';
import { duration, wholeNumber } from './number-types.ts';
import type { ValuesOf } from './property.ts';
import { property, section } from './property.ts';

const MAX_TTL_SECONDS = 30 * 24 * 3_600;

/** The properties of how changes are repeated, and of the records that make a repetition harmless. */
export const RETRY_SCHEMA = {
  retry: section('Retries of changes', {
    maxAttempts: property(
      'floecat.retry.max-attempts',
      wholeNumber(1, 100),
      '6',
      'Attempts of one change, or of one read that a change needs, at most, the first one included. Requests to AWS have retries of their own below, under `floecat.aws.*`; both take from `floecat.aws.retry-budget`.',
    ),
    deadlineMs: property(
      'floecat.retry.deadline',
      duration('100ms', '10m'),
      '60s',
      'All attempts of one change together, pauses included. Then what is under way is aborted.',
    ),
    baseDelayMs: property(
      'floecat.retry.base-delay',
      duration('0ms', '1m'),
      '50ms',
      'The first pause is random up to this; each later one may be twice as long.',
    ),
    maxDelayMs: property('floecat.retry.max-delay', duration('0ms', '5m'), '5s', 'No pause is longer.'),
  }),
  idempotency: section('Idempotency keys', {
    ttlSeconds: property(
      'floecat.idempotency.ttl-seconds',
      wholeNumber(60, MAX_TTL_SECONDS, 'seconds'),
      '900',
      'How long the result of a request with an `Idempotency-Key` is remembered. Clients are told, and use a key no longer. The same in every process of a store.',
    ),
    leaseMs: property(
      'floecat.idempotency.lease',
      duration('1s', '1h'),
      '30s',
      'After so long without a sign of life, a request counts as dead, and the next one with its key takes over. At most half of `floecat.idempotency.ttl-seconds`.',
    ),
  }),
};

/** What no property alone can refuse. */
export function retryProblems({ draft, effective }: CheckedValues<typeof RETRY_SCHEMA>): ConfigProblem[] {
  const { baseDelayMs, maxDelayMs } = draft.retry;
  const { ttlSeconds, leaseMs } = draft.idempotency;
  const problems: ConfigProblem[] = [];
  const refuse = (name: string, message: string): void => {
    const { shown, origin } = effective.get(name) ?? {};
    problems.push({ name, ...(shown !== undefined && { value: shown }), ...(origin && { origin }), message });
  };
  if (baseDelayMs !== undefined && maxDelayMs !== undefined && baseDelayMs > maxDelayMs)
    refuse('floecat.retry.base-delay', 'it is longer than floecat.retry.max-delay; set it to that at most');
  if (ttlSeconds !== undefined && leaseMs !== undefined && leaseMs > ttlSeconds * 500)
    refuse(
      'floecat.idempotency.lease',
      `it is longer than half of floecat.idempotency.ttl-seconds (${ttlSeconds}); a request that died would be forgotten before it is taken over`,
    );
  return problems;
}

/** How changes are repeated, and how long their keys are remembered. */
export function retrySettings({ retry, idempotency }: ValuesOf<typeof RETRY_SCHEMA>) {
  const { ttlSeconds, leaseMs } = idempotency;
  return { retry, idempotency: Object.freeze({ ttlMs: ttlSeconds * 1_000, leaseMs }) };
}

export type RetryProperties = ReturnType<typeof retrySettings>;
