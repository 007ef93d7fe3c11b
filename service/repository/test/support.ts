import type { CacheSettings, Repositories } from '@floecat/repository';
import { openRepositories, repositoryContext } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

import { openTestStorage, testSeed } from '../../../tools/localstack/test-storage.ts';

export interface World extends AsyncDisposable {
  readonly storage: Storage;
  readonly clock: FakeClock;
  readonly repositories: Repositories;
}

/** Repositories on a fresh store with an account `acme`, a catalog `lake` and a namespace `sales`. Nothing is cached. */
export async function openWorld(
  wrap: (storage: Storage) => Storage = (storage) => storage,
  cache: CacheSettings = { blobBytes: 0 },
): Promise<World> {
  const clock = new FakeClock();
  const random = seededRandom(testSeed(7));
  const storage = wrap(await openTestStorage({ clock, random }));
  const repositories = openRepositories(repositoryContext(storage, 'acme', { clock, random, cache }));
  await repositories.accounts.ensure('acme');
  await repositories.catalogs.create('lake');
  await repositories.namespaces.create('lake', ['sales']);
  return { storage, clock, repositories, [Symbol.asyncDispose]: () => storage.close() };
}

export const METADATA = Buffer.from('{"format-version":2,"current-snapshot-id":7342794868382145167}');

export const NEW_TABLE = {
  tableUuid: 'cc2317c6-1937-45fc-b29f-935ff34bcf22',
  location: 's3://lake/orders',
  metadataLocation: 's3://lake/orders/metadata/v2.metadata.json',
  formatVersion: 2,
  snapshotCount: 0n,
  lastUpdatedMs: 1_700_000_000_000n,
  metadata: METADATA,
};
