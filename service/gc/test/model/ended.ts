import assert from 'node:assert/strict';

import { RepositoryError } from '@floecat/repository';
import {
  StorageAbortRetryableError,
  StorageConflictError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

import type { Process } from './process.ts';

/** Whoever asked for it does not want it any more. */
export class GivenUp extends Error {}

/** How an operation ended, as its caller sees it. */
export type Ended<T> =
  | { readonly as: 'done'; readonly value: T }
  /** Certainly not done, the last write of it at least. */
  | { readonly as: 'refused' }
  | { readonly as: 'unknown' }
  /** The process died; its next operation begins in another life. */
  | { readonly as: 'dead' };

/** Runs one operation of a process. Throws where it ends in a way that no caller should ever see. */
export async function attempt<T>(
  process: Process,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Ended<T>> {
  const abort = new AbortController();
  process.begin(abort);
  const death = process.death.then((): Ended<T> => ({ as: 'dead' }));
  const life = work(abort.signal).then(
    (value): Ended<T> => ({ as: 'done', value }),
    (error: unknown): Ended<T> => judge(process, error),
  );
  const ended = await Promise.race([life, death]);
  process.abort = undefined;
  return ended;
}

function judge<T>(process: Process, error: unknown): Ended<T> {
  if (error instanceof RepositoryError || error instanceof StorageConflictError) return { as: 'refused' };
  const isOfFaults =
    error instanceof StorageAbortRetryableError ||
    error instanceof StorageUnknownOutcomeError ||
    error instanceof GivenUp;
  if (!isOfFaults) throw error;
  if (!process.isDisturbed) assert.fail(`nothing went wrong, and it failed: ${String(error)}`);
  return error instanceof StorageAbortRetryableError ? { as: 'refused' } : { as: 'unknown' };
}
