import type { Clock } from './clock.ts';
import { observeBlobStore } from './observed-blob-store.ts';
import { observePointerStore } from './observed-pointer-store.ts';
import { observeSecretsManager } from './observed-secrets-manager.ts';
import type { Storage } from './storage.ts';
import type { StorageObserver } from './storage-observer.ts';

/** The same stores, whose every operation is reported. Closing it closes them. `clock` measures; default `systemClock`. */
export function observeStorage(storage: Storage, observer: StorageObserver, clock?: Clock): Storage {
  const { pointers, system, blobs, secrets, layout } = storage;
  const close = (): Promise<void> => storage.close();
  return {
    pointers: observePointerStore(pointers, observer, clock),
    system: observePointerStore(system, observer, clock, 'system'),
    blobs: observeBlobStore(blobs, observer, clock),
    secrets: observeSecretsManager(secrets, observer, clock),
    layout,
    close,
    [Symbol.asyncDispose]: close,
  };
}
