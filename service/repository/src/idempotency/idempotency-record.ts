import { createHash } from 'node:crypto';

import type { Pointer } from '@floecat/storage-spi';
import {
  InvalidArgumentError,
  StorageCorruptionError,
  StorageMisconfiguredError,
  utf8Length,
} from '@floecat/storage-spi';

/** What a run can record as its result: what JSON keeps as it is. Ids of 64 bits go as text. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const FORMAT = 1;
export const MAX_IDEMPOTENCY_KEY_BYTES = 255;
export const MAX_FINGERPRINT_BYTES = 255;
/** It is copied into the root of every owner that the transaction writes. */
export const MAX_RESULT_BYTES = 65_536;

interface RecordHead {
  readonly fingerprint: string;
  /** The call that wrote it. */
  readonly holder: string;
}

/** What the row of an idempotency key holds. */
export type IdempotencyRecord =
  | (RecordHead & {
      readonly state: 'held';
      /** As the holder was configured: from the row's time on. */
      readonly leaseMs: number;
    })
  | (RecordHead & { readonly state: 'done'; readonly result: Json });

/** Text that is the same for the same request: a SHA-256 over JSON, whatever the order of its properties. */
export function fingerprintOf(...parts: readonly (Json | undefined)[]): string {
  return createHash('sha256').update(canonical(parts)).digest('hex');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Refuses what cannot be a key or a fingerprint, before any I/O. */
export function checkRun({ key, fingerprint }: { readonly key: string; readonly fingerprint: string }): void {
  checkText('key', key, MAX_IDEMPOTENCY_KEY_BYTES);
  checkText('fingerprint', fingerprint, MAX_FINGERPRINT_BYTES);
}

function checkText(what: string, text: string, max: number): void {
  if (text === '' || !text.isWellFormed()) refuse(`the ${what} is empty or no well-formed text`);
  const bytes = utf8Length(text);
  if (bytes > max) refuse(`the ${what} is ${bytes} bytes in UTF-8; the limit is ${max}`);
}

function refuse(why: string): never {
  throw new InvalidArgumentError(`runOnce: ${why}`, { operation: 'runOnce' });
}

export function encodeRecord(record: IdempotencyRecord): string {
  return JSON.stringify({ format: FORMAT, ...record });
}

/** The result as it will be read back. Refuses one that is too large, or that JSON would change. */
export function checkResult<T extends Json>(result: T): T {
  const text = JSON.stringify(result) as string | undefined;
  if (text === undefined) refuse('the result is undefined; give null where there is nothing to tell');
  const bytes = utf8Length(text);
  if (bytes > MAX_RESULT_BYTES)
    refuse(
      `the result is ${bytes} bytes of JSON; the limit is ${MAX_RESULT_BYTES}: record where it can be found again`,
    );
  return JSON.parse(text) as T;
}

export function decodeRecord(row: Pointer): IdempotencyRecord {
  const broken = (cause?: unknown): StorageCorruptionError =>
    new StorageCorruptionError(`${row.key} holds no record of an idempotent run: run floecat verify`, {
      operation: 'runOnce',
      key: row.key,
      cause,
    });
  if (row.kind !== 'value') throw broken();
  let stored: unknown;
  try {
    stored = JSON.parse(row.value);
  } catch (error) {
    throw broken(error);
  }
  if (typeof stored !== 'object' || stored === null) throw broken();
  const { format, fingerprint, holder, state, leaseMs, result } = stored as Record<string, unknown>;
  if (typeof format === 'number' && format > FORMAT)
    throw new StorageMisconfiguredError(
      `${row.key} is of format ${format}, and this version knows ${FORMAT}: use a newer one`,
      { operation: 'runOnce', key: row.key },
    );
  if (format !== FORMAT || typeof fingerprint !== 'string' || typeof holder !== 'string') throw broken();
  if (state === 'held' && typeof leaseMs === 'number') return { state, fingerprint, holder, leaseMs };
  if (state === 'done' && result !== undefined) return { state, fingerprint, holder, result: result as Json };
  throw broken();
}
