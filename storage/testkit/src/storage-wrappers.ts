import type { Storage } from '@floecat/storage-spi';
import { guardBlobStore, guardPointerStore, guardSecretsManager, observeStorage } from '@floecat/storage-spi';

import type { StorageFixture } from './fixture.ts';
import { FailingObserver } from './failing-observer.ts';

/** A layer over the three stores that must not change any law. */
export interface StorageWrapper {
  /** Follows the title of the suite, e.g. `guarded twice`. */
  readonly name: string;
  wrap(storage: Storage): WrappedStorage;
}

export interface WrappedStorage extends Pick<Storage, 'pointers' | 'blobs' | 'secrets'> {
  /** Called once the stores are closed; throws where the layer itself did not do its work. */
  readonly check?: () => void;
}

/** The wrappers of the SPI. Every contract runs again through each. */
export const spiWrappers: readonly StorageWrapper[] = [
  {
    name: 'guarded twice',
    wrap: ({ pointers, blobs, secrets }) => ({
      pointers: guardPointerStore(pointers),
      blobs: guardBlobStore(blobs),
      secrets: guardSecretsManager(secrets),
    }),
  },
  {
    name: 'observed',
    wrap: (storage) => {
      const observer = new FailingObserver();
      const { pointers, blobs, secrets } = observeStorage(storage, observer);
      return { pointers, blobs, secrets, check: () => observer.check() };
    },
  },
];

/**
 * The store's own rows in the place of its pointers, so that the pointer contract runs over them: see
 * `systemContract`.
 */
export const systemRows: StorageWrapper = {
  name: 'system rows',
  wrap: ({ system, blobs, secrets }) => ({ pointers: system, blobs, secrets }),
};

/** The same fixture with every client it hands out wrapped; closing a client closes the wrapped stores first. */
export function wrapFixture(fixture: StorageFixture, wrapper: StorageWrapper): StorageFixture {
  const wrap = (storage: Storage): Storage => {
    const { pointers, blobs, secrets, check } = wrapper.wrap(storage);
    const { layout, system } = storage;
    const close = async (): Promise<void> => {
      await Promise.all([pointers.close(), blobs.close(), secrets.close()]);
      await storage.close();
      check?.();
    };
    return { pointers, system, blobs, secrets, layout, close, [Symbol.asyncDispose]: close };
  };
  const { clock, prefix, capabilities } = fixture;
  let storage = wrap(fixture.storage);
  return {
    get storage() {
      return storage;
    },
    clock,
    prefix,
    capabilities,
    openSecond: async () => wrap(await fixture.openSecond()),
    restart: async () => {
      storage = wrap(await fixture.restart());
      return storage;
    },
    damageBlob: (uri, versionId) => fixture.damageBlob(uri, versionId),
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
}
