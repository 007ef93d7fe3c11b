import type { CallOptions, Pointer } from '@floecat/storage-spi';
import { StorageAbortRetryableError, StorageUnknownOutcomeError } from '@floecat/storage-spi';

import { IdempotencyInProgressError, IdempotencyKeyReusedError } from '../errors.ts';
import type { RepositoryContext } from '../repository-context.ts';
import type { Holder } from './hold.ts';
import type { IdempotencyRecord, Json } from './idempotency-record.ts';
import { decodeRecord } from './idempotency-record.ts';
import { writeRecord } from './record-row.ts';

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;
/** Others that change the record each time before this call can: they come on with it, so it is told to wait. */
const MAX_ROUNDS = 32;

/** The time from which on a call reckons. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

export interface ClaimOptions extends CallOptions {
  /** When the call began. */
  readonly began: Moment;
  /** How long to wait for another call with this key, ms. */
  readonly waitMs: number;
  /** The record as this call held it, if it tries again: what it sent on this condition cannot be applied any more. */
  readonly held?: Pointer | undefined;
}

export type Claim =
  /** It is this call's to run the operation. */
  | { readonly row: Pointer }
  /** The operation was applied, by the call with this id. */
  | { readonly result: Json; readonly holder: string };

/**
 * Makes the record of a key this call's, or answers what it tells. A holder whose lease is over is taken over; one that
 * is alive is waited for.
 */
export async function claim(context: RepositoryContext, of: Holder, options: ClaimOptions): Promise<Claim> {
  const { clock, random, idempotency, storage } = context;
  const { held, waitMs, signal } = options;
  const { fingerprint, holder } = of;
  const call = signal ? { signal } : {};
  const own: IdempotencyRecord = { fingerprint, holder, state: 'held', leaseMs: idempotency.leaseMs };
  let expected: Pointer | 0 = held ?? 0;
  let waited = 0;

  for (let round = 0, look = 0; round < MAX_ROUNDS; round++) {
    const write = await writeRecord(context, of.key, expected, own, call).catch((error: unknown) => {
      throw !held && error instanceof StorageUnknownOutcomeError ? notBegun(error) : error;
    });
    if (write.applied) return { row: write.row };
    for (let row = write.current; ; look++) {
      if (!row) {
        refuseLate(context, of, options.began);
        expected = 0;
        break;
      }
      const record = decodeRecord(row);
      if (record.fingerprint !== fingerprint) throw reused(of.key);
      if (record.state === 'done') return { result: record.result, holder: record.holder };
      if (record.holder === holder || clock.now() - row.updatedAt > record.leaseMs) {
        expected = row;
        break;
      }
      const longest = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(look, 10));
      const pause = longest * (0.5 + random.next() / 2);
      if (waited + pause > waitMs) throw inProgress(of.key);
      await clock.sleep(pause, signal);
      waited += pause;
      row = await storage.pointers.get(row.key, call);
    }
  }
  throw inProgress(of.key);
}

/**
 * A record that this call saw, and that is gone, was let go by one that failed. Unless so much time has passed that it may
 * have expired, and its result with it.
 */
function refuseLate({ clock, idempotency }: RepositoryContext, { key }: Holder, began: Moment): void {
  const elapsed = Math.max(clock.now() - began.wall, clock.monotonic() - began.monotonic);
  if (elapsed < idempotency.ttlMs / 2) return;
  throw new StorageUnknownOutcomeError(
    `the record of the idempotency key ${JSON.stringify(key)} has expired while this call was under way; ` +
      'it applied nothing, but another call with the same key may have: read before you repeat it, under a new key',
    { operation: 'runOnce', key },
  );
}

/** What is unknown about a record leaves no doubt about an operation that was not begun. */
function notBegun(cause: StorageUnknownOutcomeError): StorageAbortRetryableError {
  const { operation = 'runOnce', key = '' } = cause;
  const message = `${cause.message}; the operation was not begun, so it is safe to repeat`;
  return new StorageAbortRetryableError(message, { operation, key, cause });
}

function reused(key: string): IdempotencyKeyReusedError {
  return new IdempotencyKeyReusedError(
    `the idempotency key ${JSON.stringify(key)} was used for another request: give each operation a key of its own`,
  );
}

export function inProgress(key: string): IdempotencyInProgressError {
  return new IdempotencyInProgressError(
    `another call with the idempotency key ${JSON.stringify(key)} is under way: call again later, with the same key`,
  );
}
