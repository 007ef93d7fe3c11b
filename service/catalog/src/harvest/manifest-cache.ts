import type { CallOptions } from '@floecat/storage-spi';
import { StorageAbortRetryableError, StorageUnavailableError } from '@floecat/storage-spi';

import { throwIfAborted } from './errors.ts';

/** Bytes that a cache holds where none are given. */
export const DEFAULT_CACHE_BYTES = 128 * 1024 * 1024;

export interface Sized {
  /** Memory, roughly. */
  readonly bytes: number;
}

/**
 * Parsed files that many snapshots share, the least recently used dropped first. Who asks for what is being loaded
 * waits for that load. Made for one registration of one table and shared by its snapshots, since a location is
 * taken to mean the same bytes as long as the cache lives.
 */
export class ManifestCache<T extends Sized> {
  readonly #maxBytes: number;
  readonly #loaded = new Map<string, T>();
  readonly #loading = new Map<string, Promise<T>>();
  #bytes = 0;

  /** @param maxBytes what is larger by itself is not kept. */
  constructor(maxBytes: number = DEFAULT_CACHE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Estimated bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The value of a key. `load` runs under the signal of the caller who started it; another starts it again if that one aborts. */
  async get(key: string, load: () => Promise<T>, { signal }: CallOptions = {}): Promise<T> {
    for (;;) {
      throwIfAborted(signal, 'read', key);
      const found = this.#loaded.get(key);
      if (found) {
        this.#loaded.delete(key);
        this.#loaded.set(key, found);
        return found;
      }
      const loading = this.#loading.get(key);
      if (!loading) return await this.#load(key, load);
      try {
        return await loading;
      } catch (error) {
        if (!isAbort(error)) throw error;
      }
    }
  }

  async #load(key: string, load: () => Promise<T>): Promise<T> {
    const loading = load();
    this.#loading.set(key, loading);
    try {
      const value = await loading;
      this.#keep(key, value);
      return value;
    } finally {
      this.#loading.delete(key);
    }
  }

  #keep(key: string, value: T): void {
    if (value.bytes > this.#maxBytes) return;
    this.#loaded.set(key, value);
    this.#bytes += value.bytes;
    for (const [oldest, { bytes }] of this.#loaded) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#loaded.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof StorageAbortRetryableError && !(error instanceof StorageUnavailableError);
}
