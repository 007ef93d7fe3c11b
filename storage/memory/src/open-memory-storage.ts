import type { Clock, LayoutSettings, RandomSource, Storage } from '@floecat/storage-spi';
import {
  DEFAULT_LAYOUT,
  guardBlobStore,
  guardPointerStore,
  guardSecretsManager,
  MAX_SYSTEM_KEY_BYTES,
  STORAGE_FORMAT,
  systemClock,
  systemRandom,
} from '@floecat/storage-spi';

import { MemoryBlobStore } from './memory-blob-store.ts';
import { MemoryPointerStore } from './memory-pointer-store.ts';
import { MemorySecretsManager } from './memory-secrets-manager.ts';

export interface MemoryStorageConfig {
  readonly clock?: Clock;
  readonly random?: RandomSource;
  readonly layout?: Partial<LayoutSettings>;
}

/** An empty store that lives as long as the process. */
export function openMemoryStorage(config: MemoryStorageConfig = {}): Storage {
  const { clock = systemClock, random = systemRandom } = config;
  const layout = {
    ...DEFAULT_LAYOUT,
    ...config.layout,
    format: STORAGE_FORMAT,
    storeId: random.uuid(),
    tableId: random.uuid(),
    epoch: 1,
  };
  const { storeId } = layout;
  const pointers = guardPointerStore(new MemoryPointerStore({ storeId, clock, random }));
  const system = guardPointerStore(
    new MemoryPointerStore({ storeId, clock, random, tokenFamily: 'system' }),
    {
      maxKeyBytes: MAX_SYSTEM_KEY_BYTES,
    },
  );
  const blobs = guardBlobStore(new MemoryBlobStore({ storeId, clock }));
  const secrets = guardSecretsManager(new MemorySecretsManager({ storeId }));
  const close = async (): Promise<void> => {
    await Promise.all([pointers.close(), system.close(), blobs.close(), secrets.close()]);
  };
  return { pointers, system, blobs, secrets, layout, close, [Symbol.asyncDispose]: close };
}
