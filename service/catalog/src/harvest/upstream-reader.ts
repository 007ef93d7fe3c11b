import type { CallOptions } from '@floecat/storage-spi';

export interface UpstreamReadOptions extends CallOptions {
  /** Refuse a larger file, bytes. Default 256 MiB. */
  readonly maxBytes?: number;
}

/**
 * Reads tables where an engine left them. Locations are those that table metadata and manifests state. Read-only;
 * holds nothing between calls.
 *
 * Errors: `STORAGE_NOT_FOUND` (no such file), `STORAGE_ACCESS_DENIED`, `INVALID_ARGUMENT` (outside the configured
 * locations, not a file, too large), `STORAGE_MISCONFIGURED` (the mapped folder or the bucket itself is gone, or
 * elsewhere), `STORAGE_UNAVAILABLE` (other I/O errors), `STORAGE_ABORT_RETRYABLE` (aborted).
 */
export interface UpstreamReader {
  /** The whole file. */
  read(location: string, options?: UpstreamReadOptions): Promise<Uint8Array>;

  /** Names (not locations) of the files directly in a folder, in no particular order. */
  list(folder: string, options?: CallOptions): AsyncIterable<string>;
}
