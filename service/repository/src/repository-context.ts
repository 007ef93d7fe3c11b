import type { Clock, RandomSource, Storage } from '@floecat/storage-spi';
import { systemClock, systemRandom } from '@floecat/storage-spi';

/** What every repository stands on. */
export interface RepositoryContext {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Account that everything is read and written under. */
  readonly account: string;
}

export function repositoryContext(
  storage: Storage,
  account: string,
  {
    clock = systemClock,
    random = systemRandom,
  }: { readonly clock?: Clock; readonly random?: RandomSource } = {},
): RepositoryContext {
  return Object.freeze({ storage, account, clock, random });
}
