import type { Storage } from '@floecat/storage-spi';

import type { FakeClock } from './fake-clock.ts';

/** What a backend, or the place it is tested in, may lack. A case that needs a missing one is skipped, by name. */
export interface Capabilities {
  /** {@link StorageFixture.openSecond} gives a client of its own. Without it there is one client in the process. */
  readonly secondClient: boolean;
  /** The store outlives its clients, so {@link StorageFixture.restart} finds everything again. */
  readonly restart: boolean;
  /** Nobody else is in this store: an empty prefix is this test's own, and so is deleting everything. */
  readonly ownStore: boolean;
  /** Moving {@link StorageFixture.clock} moves the time by which the store decides what has expired. */
  readonly movableClock: boolean;
  /** Expired rows stay, for `includeExpired`, until a collector reaps them. */
  readonly keepsExpired: boolean;
  /** `supportsVersionedDeletes` answers true. */
  readonly versionedDeletes: boolean;
  /** A blob's new version id sorts after those that it had, also across clients and restarts. */
  readonly orderedVersionIds: boolean;
  /** {@link StorageFixture.damageBlob} can reach behind the store. */
  readonly damagesBlobs: boolean;
}

export type Capability = keyof Capabilities;

/** One store to run one case on. */
export interface StorageFixture extends AsyncDisposable {
  /** The first client. After {@link restart}, the new one. */
  readonly storage: Storage;
  /** The clock that the store was opened with. */
  readonly clock: FakeClock;
  /**
   * Where this case keeps its keys, blobs and, without the slashes, accounts: at most 128 ASCII characters that
   * start and end in `/`. `/` in a store of its own, else random, so that cases never meet.
   */
  readonly prefix: string;
  readonly capabilities: Capabilities;
  /** Another client of the same store. Needs the capability `secondClient`. */
  openSecond(): Promise<Storage>;
  /** Closes every client and opens the store anew. Needs the capability `restart`. */
  restart(): Promise<Storage>;
  /** Changes a stored byte of one version, which has some, as a failing disk would. Needs `damagesBlobs`. */
  damageBlob(uri: string, versionId: string): Promise<void>;
}

export interface FixtureConfig {
  /** Opens a client; called once for the first, and again by `openSecond` and `restart`. */
  readonly open: () => Promise<Storage>;
  readonly clock: FakeClock;
  readonly capabilities: Capabilities;
  /** Default `/`. */
  readonly prefix?: string;
  /** Removes the store, after every client was closed. */
  readonly remove?: () => Promise<void>;
  /** Given where the capability `damagesBlobs` is declared. */
  readonly damageBlob?: (uri: string, versionId: string) => Promise<void>;
}

/** A {@link StorageFixture} that keeps track of its clients and closes them all. */
export async function createFixture(config: FixtureConfig): Promise<StorageFixture> {
  const { open, clock, capabilities, prefix = '/', remove } = config;
  let clients: Storage[] = [];
  const openOne = async (): Promise<Storage> => {
    const client = await open();
    clients.push(client);
    return client;
  };
  const closeAll = async (): Promise<void> => {
    const closing = clients;
    clients = [];
    await Promise.all(closing.map((client) => client.close()));
  };
  let storage = await openOne();
  return {
    get storage() {
      return storage;
    },
    clock,
    prefix,
    capabilities,
    openSecond: openOne,
    restart: async () => {
      await closeAll();
      storage = await openOne();
      return storage;
    },
    damageBlob: async (uri, versionId) => {
      if (!config.damageBlob) throw new Error('this fixture cannot damage blobs: declare damagesBlobs false');
      await config.damageBlob(uri, versionId);
    },
    [Symbol.asyncDispose]: async () => {
      await closeAll();
      await remove?.();
    },
  };
}
