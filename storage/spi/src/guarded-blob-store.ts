import { hash } from 'node:crypto';

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
import { CallGate } from './call-gate.ts';
import * as check from './checks.ts';
import { MAX_BLOB_BYTES, MAX_KEY_BYTES } from './limits.ts';
import type { CallOptions } from './pointer-store.ts';

/** As `guardPointerStore`, for blobs. `put` also compares the bytes with the digest that the URI carries. */
export function guardBlobStore(inner: BlobStore): BlobStore {
  return new GuardedBlobStore(inner);
}

class GuardedBlobStore implements BlobStore {
  readonly #inner: BlobStore;
  readonly #gate = new CallGate();

  constructor(inner: BlobStore) {
    this.#inner = inner;
  }

  async get(uri: string, options?: CallOptions & { readonly versionId?: string }): Promise<Blob> {
    check.checkBlobUri('get', uri);
    if (options?.versionId !== undefined) check.checkVersionId('get', uri, options.versionId);
    return this.#run('get', uri, false, options, () => this.#inner.get(uri, options));
  }

  async getBatch(uris: readonly string[], options?: CallOptions): Promise<readonly (Blob | undefined)[]> {
    for (const uri of uris) check.checkBlobUri('getBatch', uri);
    return this.#run('getBatch', uris[0] ?? '', false, options, () => this.#inner.getBatch(uris, options));
  }

  async head(uri: string, options?: CallOptions & { readonly versionId?: string }): Promise<BlobHeader> {
    check.checkBlobUri('head', uri);
    if (options?.versionId !== undefined) check.checkVersionId('head', uri, options.versionId);
    return this.#run('head', uri, false, options, () => this.#inner.head(uri, options));
  }

  async put(uri: string, bytes: Uint8Array, options?: PutOptions): Promise<BlobHeader> {
    check.checkBlobUri('put', uri);
    const refuse = check.refuser('put', uri);
    if (!(bytes instanceof Uint8Array)) refuse('the bytes must be a Uint8Array');
    if (bytes.length > MAX_BLOB_BYTES)
      refuse(`the blob is ${bytes.length} bytes; the limit is ${MAX_BLOB_BYTES}: split it into chunks`);
    const declared = check.digestInUri(uri);
    if (declared !== undefined) {
      const actual = hash('sha256', bytes, 'hex');
      if (actual !== declared) refuse(`the bytes have SHA-256 ${actual}, not the one in the URI`);
    }
    return this.#run('put', uri, true, options, () => this.#inner.put(uri, bytes, options));
  }

  async markLost(uri: string, versionId: string, options?: CallOptions): Promise<void> {
    check.checkBlobUri('markLost', uri);
    check.checkVersionId('markLost', uri, versionId);
    return this.#run('markLost', uri, true, options, () => this.#inner.markLost(uri, versionId, options));
  }

  async delete(uri: string, options?: CallOptions): Promise<void> {
    check.checkBlobUri('delete', uri);
    return this.#run('delete', uri, true, options, () => this.#inner.delete(uri, options));
  }

  async deleteVersion(uri: string, versionId: string, options?: CallOptions): Promise<void> {
    check.checkBlobUri('deleteVersion', uri);
    check.checkVersionId('deleteVersion', uri, versionId);
    return this.#run('deleteVersion', uri, true, options, () =>
      this.#inner.deleteVersion(uri, versionId, options),
    );
  }

  async deletePrefix(
    prefix: string,
    options?: CallOptions & { readonly everything?: boolean },
  ): Promise<BulkDeleteReport> {
    const refuse = check.refuser('deletePrefix', prefix);
    check.checkText(prefix, 'prefix', 0, MAX_KEY_BYTES, refuse);
    if ((prefix === '' || prefix === '/') && options?.everything !== true)
      refuse('this prefix deletes everything; say so with { everything: true }');
    if (prefix !== '' && !prefix.endsWith('/'))
      refuse('the prefix must end in /, or it would take siblings too');
    if (check.isStoresOwn(prefix)) refuse("/.floecat/ is the store's own");
    return this.#run('deletePrefix', prefix, true, options, () => this.#inner.deletePrefix(prefix, options));
  }

  async list(prefix: string, options?: BlobListOptions): Promise<BlobPage> {
    check.checkPrefix('list', prefix);
    const limit = check.checkLimit(options?.limit, 'list');
    return this.#run('list', prefix, false, options, () => this.#inner.list(prefix, { ...options, limit }));
  }

  async listVersions(prefix: string, options?: BlobListOptions): Promise<BlobVersionPage> {
    check.checkPrefix('listVersions', prefix);
    const limit = check.checkLimit(options?.limit, 'listVersions');
    return this.#run('listVersions', prefix, false, options, () =>
      this.#inner.listVersions(prefix, { ...options, limit }),
    );
  }

  async supportsVersionedDeletes(options?: CallOptions): Promise<boolean> {
    return this.#run('supportsVersionedDeletes', '', false, options, () =>
      this.#inner.supportsVersionedDeletes(options),
    );
  }

  close(): Promise<void> {
    return this.#gate.close(() => this.#inner.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #run<T>(
    operation: string,
    key: string,
    write: boolean,
    options: CallOptions | undefined,
    body: () => Promise<T>,
  ): Promise<T> {
    return this.#gate.run({ operation, key, write, signal: options?.signal }, body);
  }
}
