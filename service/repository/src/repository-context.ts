import type { Clock, RandomSource, RetryBudget, Storage } from '@floecat/storage-spi';
import {
  cacheBlobStore,
  cachePointerStore,
  processRetryBudget,
  systemClock,
  systemRandom,
} from '@floecat/storage-spi';

import type { IdempotencySettings } from './idempotency/idempotency-settings.ts';
import { idempotencySettings } from './idempotency/idempotency-settings.ts';
import { NameIndex } from './name-index.ts';
import type { RetryPolicy } from './retry/retry-policy.ts';
import { retryPolicy } from './retry/retry-policy.ts';

export const DEFAULT_BLOB_CACHE_BYTES = 64 * 1024 * 1024;

/** What every repository stands on. */
export interface RepositoryContext {
  /** Readers' view of the stores: what cannot change may come from memory. */
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Account that everything is read and written under. */
  readonly account: string;
  readonly names: NameIndex;
  /** How mutations are repeated. */
  readonly retry: RetryPolicy;
  readonly budget: RetryBudget;
  readonly idempotency: IdempotencySettings;
}

export interface CacheSettings {
  /** Bytes of immutable blobs held in memory; 0 holds none. Default 64 MiB. */
  readonly blobBytes?: number;
  /** How old a pointer may be that a read with `consistency: 'eventual'` gets from memory, ms. Default 0: none is. */
  readonly pointerStalenessMs?: number;
}

export interface ContextOptions {
  readonly clock?: Clock;
  readonly random?: RandomSource;
  readonly cache?: CacheSettings;
  /** `floecat.retry.*`; what is left out is its default. */
  readonly retry?: Partial<RetryPolicy>;
  /** What retries are paid from; default: the budget of the process, which the backends share. */
  readonly budget?: RetryBudget;
  /** `floecat.idempotency.*`; what is left out is its default. */
  readonly idempotency?: Partial<IdempotencySettings>;
}

export function repositoryContext(
  storage: Storage,
  account: string,
  options: ContextOptions = {},
): RepositoryContext {
  const { clock = systemClock, random = systemRandom, cache = {} } = options;
  const { retry, budget = processRetryBudget } = options;
  return Object.freeze({
    storage: withCaches(storage, cache, clock),
    account,
    clock,
    random,
    names: new NameIndex(),
    retry: retryPolicy(retry),
    budget,
    idempotency: idempotencySettings(options.idempotency),
  });
}

/** The same stores, caches and names, for another account. */
export function contextFor(context: RepositoryContext, account: string): RepositoryContext {
  return Object.freeze({ ...context, account });
}

function withCaches(storage: Storage, cache: CacheSettings, clock: Clock): Storage {
  const { blobBytes = DEFAULT_BLOB_CACHE_BYTES, pointerStalenessMs: stalenessMs = 0 } = cache;
  if (blobBytes === 0 && stalenessMs === 0) return storage;
  const { system, secrets, layout } = storage;
  return {
    pointers:
      stalenessMs === 0 ? storage.pointers : cachePointerStore(storage.pointers, { stalenessMs, clock }),
    system,
    blobs: blobBytes === 0 ? storage.blobs : cacheBlobStore(storage.blobs, { maxBytes: blobBytes }),
    secrets,
    layout,
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}
