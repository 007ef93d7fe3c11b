import type { CallOptions } from '@floecat/storage-spi';
import {
  StorageCorruptionError,
  StorageNotFoundError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

import { ChangeTooSlowError, UnverifiedCommitError } from './errors.ts';
import type { OwnerRef } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import { withRetriedReads } from './retry/retried-reads.ts';
import { retryOptions } from './retry/retry-policy.ts';
import { notSent } from './retry/apply-batch.ts';
import type { RetryAttempt } from './retry/run-with-retry.ts';
import { runWithRetry } from './retry/run-with-retry.ts';
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

  /**
   * Stores a blob, however many attempts that takes. With `keep` its bytes are held until the commit, so that it could
   * be put again after it.
   */
  put(payload: Payload, { signal, ...options }: PutBlobOptions = {}): Promise<BlobReceipt> {
    return retriedPut(this.#context, signal, (call) => this.putOnce(payload, { ...options, ...call }));
  }

  /** As {@link put}, in one attempt. */
  async putOnce(payload: Payload, options: PutBlobOptions = {}): Promise<BlobReceipt> {
    const { clock, storage } = this.#context;
    this.#started ??= { wall: clock.now(), monotonic: clock.monotonic() };
    const { uri, bytes, message } = payload;
    const { keep = false, ...call } = options;
    const { versionId, etag } = await storage.blobs.put(uri, bytes, { message, ...call });
    this.#written.set(uri, keep ? payload : undefined);
    return { uri, versionId, etag };
  }

  /** The change will not name this blob after all. */
  forget(uri: string): void {
    this.#written.delete(uri);
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

  /**
   * After a commit that turned out slow: makes sure that each blob is still there. It is not stopped with the call: what
   * is committed has to be whole.
   */
  async putMissing(): Promise<void> {
    const { blobs } = withRetriedReads(this.#context).storage;
    for (const [uri, payload] of this.#written) {
      try {
        await blobs.head(uri);
      } catch (error) {
        if (!(error instanceof StorageNotFoundError)) throw unverified(uri, error);
        if (!payload)
          throw new StorageCorruptionError(
            `the change was committed, but ${uri} was collected before it, because the commit took longer than the grace: drop what it made and repeat it`,
            { operation: 'commit', key: uri, cause: error },
          );
        await this.put(payload).catch((cause: unknown) => {
          throw unverified(uri, cause);
        });
      }
    }
  }
}

function retriedPut<T>(
  context: RepositoryContext,
  signal: AbortSignal | undefined,
  put: (call: CallOptions) => Promise<T>,
): Promise<T> {
  // A blob that was put twice is there once: its URI says what it is.
  const attempt = ({ signal: bounded }: RetryAttempt): Promise<T> =>
    put({ signal: bounded }).catch((error: unknown) => {
      throw error instanceof StorageUnknownOutcomeError ? notSent(error) : error;
    });
  return runWithRetry(context, { attempt }, retryOptions(context, signal ? { signal } : {}));
}

function unverified(uri: string, cause: unknown): UnverifiedCommitError {
  return new UnverifiedCommitError(
    `the change was committed, but so late that ${uri} may have been collected, and that could not be found out: run floecat verify`,
    { operation: 'commit', key: uri, cause },
  );
}

export interface PutBlobOptions extends CallOptions {
  readonly keep?: boolean;
}

/** Which version of a blob a put made. */
export interface BlobReceipt {
  readonly uri: string;
  readonly versionId: string;
  readonly etag: string;
}
