import type { CallOptions } from './pointer-store.ts';

export interface BlobHeader {
  readonly uri: string;
  /** Sorts after the version ids of this URI that existed when it was made, on stores that order them. */
  readonly versionId: string;
  /** Base64 SHA-256 of the bytes. */
  readonly etag: string;
  /** Bytes. */
  readonly size: number;
  readonly contentType: string;
  /** Full name of the protobuf message, where the writer gave one. */
  readonly message?: string;
  /** Epoch ms, by the writer's clock. */
  readonly createdAt: number;
  /** Epoch ms, by the store's clock. */
  readonly lastModified: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Blob {
  readonly header: BlobHeader;
  readonly bytes: Uint8Array;
}

export interface PutOptions extends CallOptions {
  /** Default `application/x-protobuf`. */
  readonly contentType?: string;
  readonly message?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface BlobListOptions extends CallOptions {
  /** 1 to 1,000, default 1,000; more is clamped, less refused. */
  readonly limit?: number;
  readonly pageToken?: string;
}

export interface BlobListing {
  readonly uri: string;
  readonly size: number;
  /** Epoch ms, by the store's clock. */
  readonly lastModified: number;
}

export interface BlobVersionListing extends BlobListing {
  readonly versionId: string;
  readonly latest: boolean;
}

export interface BlobPage {
  readonly blobs: readonly BlobListing[];
  readonly nextPageToken?: string;
}

export interface BlobVersionPage {
  readonly versions: readonly BlobVersionListing[];
  readonly nextPageToken?: string;
}

export interface BulkDeleteReport {
  readonly deleted: number;
  /** What could not be deleted after retries; not counted in `deleted`. */
  readonly failed: readonly { readonly uri: string; readonly cause: unknown }[];
}

/** Tag that {@link BlobStore.markLost} sets to `true`. */
export const LOST_TAG = 'floecat-lost';

/**
 * Immutable blobs by URI: `/` and 1 to 1,023 more UTF-8 bytes, compared byte for byte. What lies below `/.floecat/`
 * is the store's own: refused, in no listing, and left alone by every delete. Every put makes a version. Bytes are
 * verified against their SHA-256 on every read. A missing bucket or folder is `STORAGE_MISCONFIGURED`, never a
 * missing blob.
 */
export interface BlobStore extends AsyncDisposable {
  /** The blob, or one version of it. `STORAGE_NOT_FOUND` where absent, `STORAGE_CORRUPTION` where damaged. */
  get(uri: string, options?: CallOptions & { readonly versionId?: string }): Promise<Blob>;

  /** Blobs in the order asked, `undefined` where absent. Duplicates are allowed. */
  getBatch(uris: readonly string[], options?: CallOptions): Promise<readonly (Blob | undefined)[]>;

  /** As {@link get}, without the bytes. */
  head(uri: string, options?: CallOptions & { readonly versionId?: string }): Promise<BlobHeader>;

  /**
   * Stores at most 64 MiB and answers once they are durable; a reader sees all or none. Where the URI carries a
   * digest (`…/{64 hex}.pb`) other bytes are refused with `INVALID_ARGUMENT`; elsewhere a put overwrites.
   */
  put(uri: string, bytes: Uint8Array, options?: PutOptions): Promise<BlobHeader>;

  /** Tags one version as lost to a rival write, so that a rebuild passes over it. Best effort; absent is fine. */
  markLost(uri: string, versionId: string, options?: CallOptions): Promise<void>;

  /** Makes the blob absent. Deleting nothing succeeds. */
  delete(uri: string, options?: CallOptions): Promise<void>;

  /** Removes exactly one version; the one before it, if any, is the latest again. Deleting nothing succeeds. */
  deleteVersion(uri: string, versionId: string, options?: CallOptions): Promise<void>;

  /**
   * Deletes what lies below `prefix`, which must end in `/` so that it never takes a sibling. `/` itself needs
   * `everything`. Per-key failures are retried, then reported.
   */
  deletePrefix(
    prefix: string,
    options?: CallOptions & { readonly everything?: boolean },
  ): Promise<BulkDeleteReport>;

  /** Blobs whose URI starts with `prefix`, in UTF-8 order of the URI. */
  list(prefix: string, options?: BlobListOptions): Promise<BlobPage>;

  /** Every version of them: by URI, then newest first. Age, version and latest flag come from one answer. */
  listVersions(prefix: string, options?: BlobListOptions): Promise<BlobVersionPage>;

  /** Whether {@link deleteVersion} is exact here. Where it is not, a collector must delete nothing. */
  supportsVersionedDeletes(options?: CallOptions): Promise<boolean>;

  close(): Promise<void>;
}
