import type { CallOptions } from '@floecat/storage-spi';
import { StorageCorruptionError, StorageNotFoundError } from '@floecat/storage-spi';

import { ChangeTooSlowError } from './errors.ts';
import type { OwnerRef } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import { sha256Hex } from './root-blob.ts';

/** A blob to store. */
export interface Payload {
  readonly uri: string;
  readonly bytes: Uint8Array;
  /** Full name of its message. */
  readonly message: string;
}

/** The URI of a root blob: content-addressed in its owner's own folder. */
export function rootUri(owner: OwnerRef, bytes: Uint8Array): string {
  return `${owner.blobPrefix}${sha256Hex(bytes)}.pb`;
}

/** The URI of a payload blob: content-addressed, one folder below its owner's. */
export function payloadUri(owner: OwnerRef, part: string, bytes: Uint8Array): string {
  return `${owner.blobPrefix}${part}/${sha256Hex(bytes)}.pb`;
}

/**
 * Puts the blobs of one change as they come, and watches the time: a collector may take a blob that no pointer
 * reaches once the grace has passed, so the commit must follow within half of it.
 */
export class BlobWriter {
  readonly #context: RepositoryContext;
  readonly #written = new Map<string, Payload | undefined>();
  #started: { readonly wall: number; readonly monotonic: number } | undefined;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  /** Whether this change put the blob. */
  has(uri: string): boolean {
    return this.#written.has(uri);
  }

  /** Stores a blob. With `keep` its bytes are held until the commit, so that it could be put again after it. */
  async put(payload: Payload, options: CallOptions & { readonly keep?: boolean } = {}): Promise<BlobReceipt> {
    const { clock, storage } = this.#context;
    this.#started ??= { wall: clock.now(), monotonic: clock.monotonic() };
    const { uri, bytes, message } = payload;
    const { keep = false, ...call } = options;
    const { versionId, etag } = await storage.blobs.put(uri, bytes, { message, ...call });
    this.#written.set(uri, keep ? payload : undefined);
    return { uri, versionId, etag };
  }

  /** Whether more than half of the grace has passed since the first put. */
  isPastHalfGrace(): boolean {
    if (!this.#started) return false;
    const { clock, storage } = this.#context;
    const elapsed = Math.max(clock.now() - this.#started.wall, clock.monotonic() - this.#started.monotonic);
    return elapsed > storage.layout.casGraceMs / 2;
  }

  /** The error to give up with before the commit. */
  tooSlow(): ChangeTooSlowError {
    const { casGraceMs } = this.#context.storage.layout;
    return new ChangeTooSlowError(
      `storing the blobs of this change took longer than half of floecat.gc.cas.min-age-ms (${casGraceMs} ms); ` +
        'nothing was committed: repeat it',
    );
  }

  /** After a commit that turned out slow: makes sure that each blob is still there. */
  async putMissing(options: CallOptions): Promise<void> {
    for (const [uri, payload] of this.#written) {
      try {
        await this.#context.storage.blobs.head(uri, options);
      } catch (error) {
        if (!(error instanceof StorageNotFoundError)) throw error;
        if (!payload)
          throw new StorageCorruptionError(
            `the change was committed, but ${uri} was collected before it, because the commit took longer than the grace: drop what it made and repeat it`,
            { operation: 'commit', key: uri, cause: error },
          );
        await this.put(payload, options);
      }
    }
  }
}

/** Which version of a blob a put made. */
export interface BlobReceipt {
  readonly uri: string;
  readonly versionId: string;
  readonly etag: string;
}
