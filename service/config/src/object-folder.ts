import type { CallOptions } from '@floecat/storage-spi';

/**
 * Named files, each of at most 64 MiB, below a prefix of a bucket. A file is there wholly and durably once `put` has
 * answered, or not at all; another put replaces it.
 *
 * Errors: `STORAGE_ACCESS_DENIED` (naming action and bucket), `STORAGE_MISCONFIGURED` (no such bucket, wrong region),
 * `STORAGE_UNAVAILABLE` (failed however often it was tried), `STORAGE_UNKNOWN_OUTCOME` (a put or delete that may have
 * been carried out, and can be done again).
 */
export interface ObjectFolder extends AsyncDisposable {
  /** `s3://bucket/prefix`, without a slash at the end. */
  readonly location: string;
  put(name: string, bytes: Uint8Array, options?: CallOptions): Promise<void>;
  /** `undefined` where there is no such file. */
  get(name: string, options?: CallOptions): Promise<Uint8Array | undefined>;
  /** Names that begin with `prefix`, in the order of their bytes. */
  list(prefix: string, options?: CallOptions): AsyncIterable<string>;
  /** Deleting nothing succeeds. */
  delete(name: string, options?: CallOptions): Promise<void>;
}
