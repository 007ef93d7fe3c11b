import type { Repositories } from '@floecat/repository';
import { openRepositories, repositoryContext } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';
import { openMemoryStorage } from '@floecat/storage-memory';
import { FakeClock, seededRandom } from '@floecat/storage-testkit';

export interface World extends AsyncDisposable {
  readonly storage: Storage;
  readonly clock: FakeClock;
  readonly repositories: Repositories;
}

/** Repositories on a fresh memory store with an account `acme`, a catalog `lake` and a namespace `sales`. */
export async function openWorld(wrap: (storage: Storage) => Storage = (storage) => storage): Promise<World> {
  const clock = new FakeClock();
  const random = seededRandom(7);
  const storage = wrap(openMemoryStorage({ clock, random }));
  const repositories = openRepositories(repositoryContext(storage, 'acme', { clock, random }));
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
