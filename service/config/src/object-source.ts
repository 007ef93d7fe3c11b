import type { CallOptions } from '@floecat/storage-spi';

/**
 * Objects of upstream tables in an object store, read where they are. A bucket and a key name one; keys are taken
 * letter by letter.
 *
 * Errors: `STORAGE_NOT_FOUND` (no such object), `INVALID_ARGUMENT` (no bucket or key can be called so, or the object
 * is too large), `STORAGE_MISCONFIGURED` (no such bucket, wrong region, wrong key in a secret), `STORAGE_ACCESS_DENIED`
 * (naming action and bucket), `STORAGE_UNAVAILABLE` (failed however often it was tried), `STORAGE_ABORT_RETRYABLE`.
 */
export interface ObjectSource extends AsyncDisposable {
  /** The whole object. One larger than `maxBytes` is refused. */
  read(
    bucket: string,
    key: string,
    options: CallOptions & { readonly maxBytes: number },
  ): Promise<Uint8Array>;

  /**
   * What follows `prefix`, which is empty or ends in `/`, in the keys of the objects directly there; nothing where
   * there are none. Fails rather than answer a part of them as all.
   */
  list(bucket: string, prefix: string, options?: CallOptions): AsyncIterable<string>;
}
