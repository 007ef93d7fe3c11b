import type { MemoryPointerStoreConfig } from '@floecat/storage-memory';
import { MemoryPointerStore, MemorySecretsManager, openMemoryStorage } from '@floecat/storage-memory';
import type { BlobStore, PointerStore, SecretsManager, Storage } from '@floecat/storage-spi';
import {
  guardBlobStore,
  guardPointerStore,
  guardSecretsManager,
  MAX_SYSTEM_KEY_BYTES,
} from '@floecat/storage-spi';
import type { Capabilities, FixtureConfig, StorageFixture } from '@floecat/storage-testkit';
import { createFixture, FakeClock, seededRandom } from '@floecat/storage-testkit';

import { DamageableBlobStore } from './damageable-blob-store.ts';

const CAPABILITIES: Capabilities = {
  // It lives in one client, so there is no second one and nothing to restart.
  secondClient: false,
  restart: false,
  ownStore: true,
  movableClock: true,
  keepsExpired: true,
  versionedDeletes: true,
  orderedVersionIds: true,
  damagesBlobs: false,
};

/** A memory store for each case. */
export function openMemoryFixture(): Promise<StorageFixture> {
  const clock = new FakeClock();
  return createFixture({
    clock,
    open: async () => openMemoryStorage({ clock, random: seededRandom(1) }),
    capabilities: CAPABILITIES,
  });
}

/** Stores to put in the place of the memory store's own. */
export interface MemoryParts {
  readonly pointers?: (config: MemoryPointerStoreConfig) => PointerStore;
  readonly blobs?: (config: MemoryPointerStoreConfig) => BlobStore;
  readonly secrets?: (config: MemoryPointerStoreConfig) => SecretsManager;
}

/**
 * Memory stores that outlive their clients, each of which has guards of its own, and whose bytes can be damaged: so
 * that the cases which need a second client, a restart or damage run here too.
 */
export function openFixtureOf(parts: MemoryParts = {}): Promise<StorageFixture> {
  return createFixture(lastingStores(parts));
}

/** One such store for all cases, each under a prefix of its own, as in a table that a test run has to share. */
export function sharedFixtures(): () => Promise<StorageFixture> {
  const config = lastingStores({});
  const capabilities = { ...config.capabilities, ownStore: false };
  let cases = 0;
  return () => createFixture({ ...config, capabilities, prefix: `/shared/case-${++cases}/` });
}

function lastingStores(parts: MemoryParts): FixtureConfig {
  const clock = new FakeClock();
  const random = seededRandom(1);
  const { layout } = openMemoryStorage({ clock, random });
  const config = { storeId: layout.storeId, clock, random };
  const system = new MemoryPointerStore({ ...config, tokenFamily: 'system' });
  const pointers = parts.pointers?.(config) ?? new MemoryPointerStore(config);
  const blobs = parts.blobs?.(config) ?? new DamageableBlobStore(config);
  const secrets = parts.secrets?.(config) ?? new MemorySecretsManager(config);
  const open = async (): Promise<Storage> => {
    const client = {
      pointers: guardPointerStore(pointers),
      system: guardPointerStore(system, { maxKeyBytes: MAX_SYSTEM_KEY_BYTES }),
      blobs: guardBlobStore(blobs),
      secrets: guardSecretsManager(secrets),
    };
    const close = async (): Promise<void> => {
      await Promise.all([
        client.pointers.close(),
        client.system.close(),
        client.blobs.close(),
        client.secrets.close(),
      ]);
    };
    return { ...client, layout, close, [Symbol.asyncDispose]: close };
  };
  const damagesBlobs = blobs instanceof DamageableBlobStore;
  return {
    clock,
    open,
    capabilities: { ...CAPABILITIES, secondClient: true, restart: true, damagesBlobs },
    ...(damagesBlobs && {
      damageBlob: async (uri: string, versionId: string) => blobs.damage(uri, versionId),
    }),
  };
}
