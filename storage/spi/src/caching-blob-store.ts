import { BlobCache } from './blob-cache.ts';
import type {
  Blob,
  BlobHeader,
  BlobListOptions,
  BlobPage,
  BlobStore,
  BlobVersionPage,
  BulkDeleteReport,
  PutOptions,
} from './blob-store.ts';
import { digestInUri } from './checks.ts';
import { InvalidArgumentError, StorageAbortRetryableError } from './errors.ts';
import type { CallOptions } from './pointer-store.ts';
import { SharedCalls } from './shared-calls.ts';

/** What was just put is mostly read again soon, but a large payload seldom is. */
const KEEP_ON_PUT_BYTES = 64 * 1024;

/**
 * The same blobs, with those that cannot change held in memory: only where the URI carries their digest. Readers that ask
 * for one blob at the same time share one read. At most `maxBytes`, the least recently read go first.
 *
 * A blob that somebody else deleted may still be answered, as it was; `head` and listings always ask the store. For
 * readers, therefore, and not for who looks after the store itself.
 */
export function cacheBlobStore(inner: BlobStore, options: { readonly maxBytes: number }): BlobStore {
  if (!(options.maxBytes > 0))
    throw new InvalidArgumentError(`a cache of ${options.maxBytes} bytes holds nothing`);
  return new CachingBlobStore(inner, options.maxBytes);
}

class CachingBlobStore implements BlobStore {
  readonly #inner: BlobStore;
  readonly #cache: BlobCache;
  readonly #reads = new SharedCalls<Blob>();
  /** Grows with each delete: what was read before one is not kept after it. */
  #deletes = 0;

  constructor(inner: BlobStore, maxBytes: number) {
    this.#inner = inner;
    this.#cache = new BlobCache(maxBytes);
  }

  async get(uri: string, options?: CallOptions & { readonly versionId?: string }): Promise<Blob> {
    const aside = options?.versionId !== undefined || options?.signal?.aborted === true;
    if (aside || !isImmutable(uri)) return this.#inner.get(uri, options);
    const held = this.#cache.get(uri);
    if (held) return held;
    const read = async (signal: AbortSignal): Promise<Blob> => {
      const deletes = this.#deletes;
      const blob = await this.#inner.get(uri, { signal });
      this.#keep(uri, blob, deletes);
      return blob;
    };
    const leaving = (cause: unknown): Error =>
      new StorageAbortRetryableError('get: aborted in flight', { operation: 'get', key: uri, cause });
    const { header, bytes } = await this.#reads.run(uri, options?.signal, leaving, read);
    return { header, bytes: new Uint8Array(bytes) };
  }

  async getBatch(uris: readonly string[], options?: CallOptions): Promise<readonly (Blob | undefined)[]> {
    if (options?.signal?.aborted) return this.#inner.getBatch(uris, options);
    const found = new Map<string, Blob | undefined>();
    const missing: string[] = [];
    for (const uri of new Set(uris)) {
      const held = this.#cache.get(uri);
      if (held) found.set(uri, held);
      else missing.push(uri);
    }
    if (missing.length > 0 || uris.length === 0) {
      const deletes = this.#deletes;
      const blobs = await this.#inner.getBatch(missing, options);
      for (const [i, uri] of missing.entries()) {
        const blob = blobs[i];
        found.set(uri, blob);
        if (blob && isImmutable(uri)) this.#keep(uri, blob, deletes);
      }
    }
    return uris.map((uri) => found.get(uri));
  }

  head(uri: string, options?: CallOptions & { readonly versionId?: string }): Promise<BlobHeader> {
    return this.#inner.head(uri, options);
  }

  async put(uri: string, bytes: Uint8Array, options?: PutOptions): Promise<BlobHeader> {
    const header = await this.#inner.put(uri, bytes, options);
    // The store has compared the bytes with the digest, or it would have refused them.
    if (isImmutable(uri) && bytes.length <= KEEP_ON_PUT_BYTES) this.#cache.set(uri, { header, bytes });
    else this.#cache.delete(uri);
    return header;
  }

  async markLost(uri: string, versionId: string, options?: CallOptions): Promise<void> {
    await this.#forgetting(
      () => this.#cache.delete(uri),
      () => this.#inner.markLost(uri, versionId, options),
    );
  }

  async delete(uri: string, options?: CallOptions): Promise<void> {
    await this.#forgetting(
      () => this.#cache.delete(uri),
      () => this.#inner.delete(uri, options),
    );
  }

  async deleteVersion(uri: string, versionId: string, options?: CallOptions): Promise<void> {
    await this.#forgetting(
      () => this.#cache.delete(uri),
      () => this.#inner.deleteVersion(uri, versionId, options),
    );
  }

  async deletePrefix(
    prefix: string,
    options?: CallOptions & { readonly everything?: boolean },
  ): Promise<BulkDeleteReport> {
    return this.#forgetting(
      () => this.#cache.deletePrefix(prefix),
      () => this.#inner.deletePrefix(prefix, options),
    );
  }

  list(prefix: string, options?: BlobListOptions): Promise<BlobPage> {
    return this.#inner.list(prefix, options);
  }

  listVersions(prefix: string, options?: BlobListOptions): Promise<BlobVersionPage> {
    return this.#inner.listVersions(prefix, options);
  }

  supportsVersionedDeletes(options?: CallOptions): Promise<boolean> {
    return this.#inner.supportsVersionedDeletes(options);
  }

  async close(): Promise<void> {
    this.#cache.deletePrefix('');
    await this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #keep(uri: string, blob: Blob, deletes: number): void {
    if (deletes === this.#deletes) this.#cache.set(uri, blob);
  }

  /** Forgets before and after: a read under way in between must not bring it back. */
  async #forgetting<T>(forget: () => void, work: () => Promise<T>): Promise<T> {
    this.#deletes++;
    forget();
    try {
      return await work();
    } finally {
      this.#deletes++;
      forget();
    }
  }
}

function isImmutable(uri: string): boolean {
  return digestInUri(uri) !== undefined;
}
