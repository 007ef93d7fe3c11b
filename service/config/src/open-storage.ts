import type { Clock, RandomSource, Storage } from '@floecat/storage-spi';
import { guardSecretsManager } from '@floecat/storage-spi';

import type { StorageSettings } from './storage-settings.ts';

export interface OpenStorageOptions {
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

/**
 * Opens the backend that the settings name, and no other is loaded. Close it when done. Throws the backend's
 * errors: `STORAGE_MISCONFIGURED` where the store was made with another layout, for one.
 */
export async function openStorage(
  settings: StorageSettings,
  options: OpenStorageOptions = {},
): Promise<Storage> {
  const { kv, layout } = settings;
  switch (kv.backend) {
    case 'memory': {
      const { openMemoryStorage } = await import('@floecat/storage-memory');
      return openMemoryStorage({ ...options, layout });
    }
    case 'local': {
      const { openLocalStorage } = await import('@floecat/storage-local');
      const { dataDir, flush } = kv;
      const storage = await openLocalStorage({ ...options, dataDir, flush, layout });
      return settings.secrets.backend === 'memory' ? withMemorySecrets(storage) : storage;
    }
  }
}

/** The store with secrets that live as long as the process. */
async function withMemorySecrets(storage: Storage): Promise<Storage> {
  const { MemorySecretsManager } = await import('@floecat/storage-memory');
  const { pointers, blobs, layout } = storage;
  const secrets = guardSecretsManager(new MemorySecretsManager({ storeId: layout.storeId }));
  const close = async (): Promise<void> => {
    await Promise.all([storage.close(), secrets.close()]);
  };
  return { pointers, blobs, secrets, layout, close, [Symbol.asyncDispose]: close };
}
