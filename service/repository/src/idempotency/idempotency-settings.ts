import { InvalidArgumentError } from '@floecat/storage-spi';

/** How long records of idempotent runs stand. */
export interface IdempotencySettings {
  /** From the last write of a record on: as long as a key must be repeated with the same result. Default 900,000. */
  readonly ttlMs: number;
  /** After so long without a sign of life a holder counts as dead, and the next call with its key takes over. Default 30,000. */
  readonly leaseMs: number;
}

export const DEFAULT_IDEMPOTENCY: IdempotencySettings = { ttlMs: 900_000, leaseMs: 30_000 };

/** The settings with their defaults. */
export function idempotencySettings(given: Partial<IdempotencySettings> = {}): IdempotencySettings {
  const settings = { ...DEFAULT_IDEMPOTENCY, ...given };
  const { ttlMs, leaseMs } = settings;
  if (!(Number.isFinite(ttlMs) && ttlMs >= 1_000))
    refuse(`a record that stands ${ttlMs} ms; give 1,000 or more`);
  // A record that is gone sooner than that was let go, and has not expired: see `claim`.
  if (!(Number.isFinite(leaseMs) && leaseMs > 0 && leaseMs <= ttlMs / 2))
    refuse(`a lease of ${leaseMs} ms; give more than 0 and at most half of the ${ttlMs} ms of a record`);
  return settings;
}

function refuse(why: string): never {
  throw new InvalidArgumentError(`idempotency: ${why}`, { operation: 'idempotency' });
}
