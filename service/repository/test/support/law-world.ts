import type * as repository from '@floecat/repository';
import type { Clock, RandomSource, Storage } from '@floecat/storage-spi';
import { RetryBudget, systemClock, systemRandom } from '@floecat/storage-spi';
import type { FakeClock, StorageFixture } from '@floecat/storage-testkit';

import type { Interception } from './store-calls.ts';
import { interceptCalls } from './store-calls.ts';

/** The package under test: the real one, or one with a bug planted in its source. */
export type Repository = typeof repository;
type Repositories = ReturnType<Repository['openRepositories']>;

/**
 * A fresh store with an account `acme`, a catalog `lake` and a namespace `sales`; waiting takes no time there, unless it
 * `waits`.
 */
export interface LawWorld {
  readonly repo: Repository;
  readonly storage: Storage;
  readonly clock: FakeClock;
  readonly random: RandomSource;
  readonly repositories: Repositories;
  /** Another client, on whose every store call `intercept` decides. Nothing is cached. */
  client(intercept?: Interception): Repositories;
  /** Another client with the default caches. */
  cachingClient(intercept?: Interception): Repositories;
}

/** Something that must hold of the repositories, whatever the store. */
export interface RepositoryLaw {
  readonly name: string;
  readonly holds: (world: LawWorld) => Promise<void>;
}

/** A store that fails on purpose is not one that is down. */
const AMPLE = { capacity: 1_000_000, costPerRetry: 1, refundPerSuccess: 1 };

export async function openLawWorld(
  repo: Repository,
  fixture: StorageFixture,
  { waits = false }: { readonly waits?: boolean } = {},
): Promise<LawWorld> {
  const { storage, clock } = fixture;
  const random = systemRandom;
  const impatient: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: async (milliseconds, signal) => (waits ? systemClock.sleep(milliseconds, signal) : undefined),
  };
  const open = (intercept: Interception | undefined, cache: { blobBytes?: number }): Repositories => {
    const stores = intercept ? interceptCalls(storage, intercept) : storage;
    return repo.openRepositories(
      repo.repositoryContext(stores, 'acme', {
        clock: impatient,
        random,
        cache,
        budget: new RetryBudget(AMPLE),
      }),
    );
  };
  const repositories = open(undefined, { blobBytes: 0 });
  await repositories.accounts.ensure('acme');
  await repositories.catalogs.create('lake');
  await repositories.namespaces.create('lake', ['sales']);
  return {
    repo,
    storage,
    clock,
    random,
    repositories,
    client: (intercept) => open(intercept, { blobBytes: 0 }),
    cachingClient: (intercept) => open(intercept, {}),
  };
}
