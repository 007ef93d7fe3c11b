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
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { Observing, OperationEnd } from './observe-call.ts';
import { observeCall } from './observe-call.ts';
import type { CallOptions } from './pointer-store.ts';
import type { StorageObserver } from './storage-observer.ts';

/** As `observePointerStore`, for blobs. */
export function observeBlobStore(
  inner: BlobStore,
  observer: StorageObserver,
  clock: Clock = systemClock,
): BlobStore {
  return new ObservedBlobStore(inner, { observer, clock });
}

class ObservedBlobStore implements BlobStore {
  readonly #inner: BlobStore;
  readonly #observing: Observing;

  constructor(inner: BlobStore, observing: Observing) {
    this.#inner = inner;
    this.#observing = observing;
  }

  get(uri: string, options?: CallOptions & { readonly versionId?: string }): Promise<Blob> {
    return this.#observe(
      'get',
      () => this.#inner.get(uri, options),
      (blob) => read([blob]),
    );
  }

  getBatch(uris: readonly string[], options?: CallOptions): Promise<readonly (Blob | undefined)[]> {
    return this.#observe('getBatch', () => this.#inner.getBatch(uris, options), read);
  }

  head(uri: string, options?: CallOptions & { readonly versionId?: string }): Promise<BlobHeader> {
    return this.#observe('head', () => this.#inner.head(uri, options), one);
  }

  put(uri: string, bytes: Uint8Array, options?: PutOptions): Promise<BlobHeader> {
    return this.#observe(
      'put',
      () => this.#inner.put(uri, bytes, options),
      () => ({
        items: 1,
        bytesWritten: bytes.length,
      }),
    );
  }

  markLost(uri: string, versionId: string, options?: CallOptions): Promise<void> {
    return this.#observe('markLost', () => this.#inner.markLost(uri, versionId, options), one);
  }

  delete(uri: string, options?: CallOptions): Promise<void> {
    return this.#observe('delete', () => this.#inner.delete(uri, options), one);
  }

  deleteVersion(uri: string, versionId: string, options?: CallOptions): Promise<void> {
    return this.#observe('deleteVersion', () => this.#inner.deleteVersion(uri, versionId, options), one);
  }

  deletePrefix(
    prefix: string,
    options?: CallOptions & { readonly everything?: boolean },
  ): Promise<BulkDeleteReport> {
    return this.#observe(
      'deletePrefix',
      () => this.#inner.deletePrefix(prefix, options),
      ({ deleted }) => ({ items: deleted }),
    );
  }

  list(prefix: string, options?: BlobListOptions): Promise<BlobPage> {
    return this.#observe(
      'list',
      () => this.#inner.list(prefix, options),
      ({ blobs }) => ({ items: blobs.length }),
    );
  }

  listVersions(prefix: string, options?: BlobListOptions): Promise<BlobVersionPage> {
    return this.#observe(
      'listVersions',
      () => this.#inner.listVersions(prefix, options),
      ({ versions }) => ({ items: versions.length }),
    );
  }

  supportsVersionedDeletes(options?: CallOptions): Promise<boolean> {
    const operation = 'supportsVersionedDeletes';
    return this.#observe(
      operation,
      () => this.#inner.supportsVersionedDeletes(options),
      () => ({}),
    );
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #observe<T>(operation: string, body: () => Promise<T>, endOf: (result: T) => OperationEnd): Promise<T> {
    return observeCall(this.#observing, 'blobs', operation, body, endOf);
  }
}

function one(): OperationEnd {
  return { items: 1 };
}

function read(blobs: readonly (Blob | undefined)[]): OperationEnd {
  let [items, bytesRead] = [0, 0];
  for (const blob of blobs) {
    if (!blob) continue;
    items++;
    bytesRead += blob.bytes.length;
  }
  return { items, bytesRead };
}
