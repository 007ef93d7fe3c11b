import type { Clock, RandomSource, Storage, StorageObserver } from '@floecat/storage-spi';
import { guardSecretsManager, observeStorage } from '@floecat/storage-spi';

import { awsConfig, isOnAws } from './aws-backend.ts';
import type { AwsStorageSettings } from './aws-storage-config.ts';
import type { StorageSettings } from './storage-settings.ts';

export interface OpenStorageOptions {
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /** Told how table or bucket differ from their settings, one line each. */
  readonly onDrift?: (line: string) => void;
  /** Told of every operation, refused ones too, and of every request to AWS. */
  readonly observer?: StorageObserver;
  /**
   * Joins a new and empty table to blobs whose table is lost, and raises the epoch. Only for a restore or a rebuild, which
   * fill it. Default false: the start is refused.
   */
  readonly adopt?: boolean;
}

/**
 * Opens the backend that the settings name, and no other is loaded. Close it when done. Throws the backend's
 * errors: `STORAGE_MISCONFIGURED` where the store was made with another layout, for one.
 */
export async function openStorage(
  settings: StorageSettings,
  options: OpenStorageOptions = {},
): Promise<Storage> {
  const opened = isOnAws(settings) ? await openOnAws(settings, options) : await openHere(settings, options);
  const { kv, secrets } = settings;
  const storage =
    secrets.backend === 'memory' && kv.backend !== 'memory' ? await withMemorySecrets(opened) : opened;
  return options.observer ? observeStorage(storage, options.observer, options.clock) : storage;
}

async function openOnAws(settings: AwsStorageSettings, options: OpenStorageOptions): Promise<Storage> {
  const { AwsBootstrap, openAwsStorage } = await import('@floecat/storage-aws');
  const config = awsConfig(settings, options);
  if (options.adopt) await new AwsBootstrap(config).adopt({ onlyLost: true });
  const storage = await openAwsStorage(config);
  for (const { description } of storage.drift) options.onDrift?.(description);
  return storage;
}

async function openHere({ kv, layout }: StorageSettings, options: OpenStorageOptions): Promise<Storage> {
  switch (kv.backend) {
    case 'memory': {
      const { openMemoryStorage } = await import('@floecat/storage-memory');
      return openMemoryStorage({ ...options, layout });
    }
    case 'local': {
      const { openLocalStorage } = await import('@floecat/storage-local');
      return openLocalStorage({ ...options, dataDir: kv.dataDir, flush: kv.flush, layout });
    }
    case 'dynamodb':
      throw new TypeError('pointers in DynamoDB without blobs in S3, which the settings refuse');
  }
}

/** The store with secrets that live as long as the process. */
async function withMemorySecrets(storage: Storage): Promise<Storage> {
  const { MemorySecretsManager } = await import('@floecat/storage-memory');
  const { pointers, system, blobs, layout } = storage;
  const secrets = guardSecretsManager(new MemorySecretsManager({ storeId: layout.storeId }));
  const close = async (): Promise<void> => {
    await Promise.all([storage.close(), secrets.close()]);
  };
  return { pointers, system, blobs, secrets, layout, close, [Symbol.asyncDispose]: close };
}
