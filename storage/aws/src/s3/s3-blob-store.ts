import type {
  Blob,
  BlobHeader,
  BlobListOptions,
  BlobPage,
  BlobStore,
  BlobVersionPage,
  BulkDeleteReport,
  CallOptions,
  Clock,
  PutOptions,
} from '@floecat/storage-spi';
import { guardBlobStore, PageTokens, mapBounded } from '@floecat/storage-spi';

import type { Wire } from '../wire/index.ts';
import { isSdkError } from '../wire/index.ts';
import { Bucket } from './bucket.ts';
import { ObjectDeleter } from './object-deleter.ts';
import { ObjectLister } from './object-lister.ts';
import { notFound, ObjectReader } from './object-reader.ts';
import { ObjectWriter } from './object-writer.ts';
import type { S3Service } from './s3-service.ts';
import type { S3BlobSettings } from './s3-settings.ts';
import { checkSettings } from './s3-settings.ts';
import type { StoreMarker } from './store-marker.ts';
import { StoreMarkerObject } from './store-marker.ts';

/** Blobs that `getBatch` fetches at the same time. */
const BATCH_CONCURRENCY = 16;

export interface S3BlobStoreConfig {
  readonly s3: S3Service;
  readonly wire: Wire;
  /** Writes `created-at`. */
  readonly clock: Clock;
  readonly settings: S3BlobSettings;
  /** The store, table and epoch that the bucket's marker must name. */
  readonly identity: StoreMarker;
}

/**
 * Blobs as objects of one bucket, one put each. Version ids are S3's own: opaque, and in no order. `lastModified` is
 * in whole seconds; that of a put is the time of S3's answer, which may be a little later than what reads tell.
 *
 * Hand it out through {@link openS3BlobStore}, which guards it.
 */
export class S3BlobStore implements BlobStore {
  readonly #bucket: Bucket;
  readonly #marker: StoreMarkerObject;
  readonly #identity: StoreMarker;
  readonly #reader: ObjectReader;
  readonly #writer: ObjectWriter;
  readonly #lister: ObjectLister;
  readonly #deleter: ObjectDeleter;

  /** Throws `InvalidArgumentError` for settings that cannot work. Makes no request. */
  constructor({ s3, wire, clock, settings, identity }: S3BlobStoreConfig) {
    checkSettings(settings);
    this.#identity = identity;
    this.#bucket = new Bucket({ s3, wire, bucket: settings.bucket, keyPrefix: settings.keyPrefix ?? '' });
    this.#marker = new StoreMarkerObject(this.#bucket);
    this.#reader = new ObjectReader(this.#bucket);
    this.#writer = new ObjectWriter(this.#bucket, this.#reader, settings, clock);
    this.#lister = new ObjectLister(this.#bucket, new PageTokens(identity.storeId));
    this.#deleter = new ObjectDeleter(this.#bucket, this.#lister, (options) => this.checkIdentity(options));
  }

  /** Throws `StorageMisconfiguredError` where the bucket's marker names another store, table or epoch, or is absent. */
  checkIdentity(options?: CallOptions): Promise<void> {
    return this.#marker.check(this.#identity, options);
  }

  async get(uri: string, options: CallOptions & { readonly versionId?: string } = {}): Promise<Blob> {
    const ref = { ...options, operation: 'get', uri };
    const blob = await this.#reader.get(ref);
    if (!blob) throw notFound(ref);
    return blob;
  }

  getBatch(uris: readonly string[], options: CallOptions = {}): Promise<readonly (Blob | undefined)[]> {
    const { signal } = options;
    return mapBounded(uris, BATCH_CONCURRENCY, (uri) =>
      this.#reader.get({ operation: 'getBatch', uri, signal }),
    );
  }

  async head(uri: string, options: CallOptions & { readonly versionId?: string } = {}): Promise<BlobHeader> {
    const ref = { ...options, operation: 'head', uri };
    const header = await this.#reader.head(ref);
    if (!header) throw notFound(ref);
    return header;
  }

  put(uri: string, bytes: Uint8Array, options: PutOptions = {}): Promise<BlobHeader> {
    return this.#writer.put({ operation: 'put', uri, bytes, options });
  }

  markLost(uri: string, versionId: string, options: CallOptions = {}): Promise<void> {
    return this.#writer.markLost(uri, versionId, options.signal);
  }

  /** Puts a delete marker where the bucket is versioned; the versions below it stay, for a collector to delete. */
  delete(uri: string, options: CallOptions = {}): Promise<void> {
    return this.#deleter.delete('delete', uri, { signal: options.signal });
  }

  deleteVersion(uri: string, versionId: string, options: CallOptions = {}): Promise<void> {
    return this.#deleter.delete('deleteVersion', uri, { versionId, signal: options.signal });
  }

  /**
   * Checks the bucket's marker before each batch. Takes all versions, not atomically: until it has ended, or after it
   * failed, an older version of a URI may be the latest one; then repeat it.
   */
  deletePrefix(prefix: string, options: CallOptions = {}): Promise<BulkDeleteReport> {
    return this.#deleter.deletePrefix(prefix, options);
  }

  list(prefix: string, options: BlobListOptions = {}): Promise<BlobPage> {
    return this.#lister.list(prefix, options);
  }

  listVersions(prefix: string, options: BlobListOptions = {}): Promise<BlobVersionPage> {
    return this.#lister.listVersions(prefix, options);
  }

  /**
   * True only if the bucket says that versioning is enabled, without the second factor that deletes would need, and
   * its marker names this store. An answer that is not understood is a no; an error is thrown.
   */
  async supportsVersionedDeletes(options: CallOptions = {}): Promise<boolean> {
    await this.checkIdentity(options);
    const operation = 'supportsVersionedDeletes';
    const { signal } = options;
    const call = { operation, key: '', action: 'GetBucketVersioning', write: false, signal };
    return this.#bucket.send(call, async (s3, attempt) => {
      try {
        const answer = await s3.getBucketVersioning(
          { Bucket: this.#bucket.name },
          { abortSignal: attempt.signal },
        );
        return answer.Status === 'Enabled' && answer.MFADelete !== 'Enabled';
      } catch (error) {
        if (isSdkError(error, 'NotImplemented')) return false;
        throw error;
      }
    });
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Opens the store on a bucket whose marker names it, guarded as every store is. */
export async function openS3BlobStore(config: S3BlobStoreConfig): Promise<BlobStore> {
  const store = new S3BlobStore(config);
  await store.checkIdentity();
  return guardBlobStore(store);
}

/** The marker of a bucket, to read or to make, before there is a store to open. */
export function storeMarkerOf(
  config: Pick<S3BlobStoreConfig, 's3' | 'wire' | 'settings'>,
): StoreMarkerObject {
  const { s3, wire, settings } = config;
  checkSettings(settings);
  return new StoreMarkerObject(
    new Bucket({ s3, wire, bucket: settings.bucket, keyPrefix: settings.keyPrefix ?? '' }),
  );
}
