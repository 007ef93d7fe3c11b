import type { BatchOperation, BatchOutcome, CallOptions, Pointer } from '@floecat/storage-spi';
import {
  nextPointer,
  StorageAbortRetryableError,
  StorageError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

import type { Conflict } from '../errors.ts';
import type { RepositoryContext } from '../repository-context.ts';
import { retryOptions } from './retry-policy.ts';
import type { RetryAttempt, Settled } from './run-with-retry.ts';
import { runWithRetry } from './run-with-retry.ts';
import { isForGood, settleBatch } from './settle-batch.ts';

export interface BatchAttempts {
  /**
   * The operations of one attempt. Each attempt writes the same rows on the same conditions; only what it writes may
   * differ, as a root does that names its write id.
   */
  readonly prepare: (attempt: Pick<RetryAttempt, 'writeId' | 'signal'>) => Promise<readonly BatchOperation[]>;
  /** Told of each attempt that was not applied and never will be. It must not throw. */
  readonly onLost?: (writeId: string) => Promise<unknown>;
}

export type BatchEnd =
  | {
      readonly applied: true;
      /** Of the attempt that was applied. */
      readonly writeId: string;
      /** Each operation's row as that attempt wrote it. Where it was overwritten since, its time is ours. */
      readonly pointers: readonly (Pointer | undefined)[];
    }
  | { readonly applied: false; readonly conflicts: readonly Conflict[] };

/**
 * Applies one transaction, however many attempts that takes. After an unknown outcome its rows are read: one that bears
 * the write id of any attempt proves it applied, one that somebody else moved on proves it refused, and where all is as
 * before it is repeated on the same conditions, under another write id. The attempts before stay uncertain meanwhile, so
 * that one which lands late is known for our own. Throws `StorageUnknownOutcomeError` where nothing proves anything.
 */
export async function applyBatch(
  context: RepositoryContext,
  { prepare, onLost = async () => undefined }: BatchAttempts,
  options: CallOptions & { readonly writeId?: string } = {},
): Promise<BatchEnd> {
  const { clock } = context;
  const { pointers } = context.storage;
  const sent = new Map<string, readonly BatchOperation[]>();

  const attempt = async ({ writeId, signal, uncertain }: RetryAttempt): Promise<BatchEnd> => {
    let operations: readonly BatchOperation[];
    try {
      operations = await prepare({ writeId, signal });
    } catch (error) {
      await onLost(writeId);
      throw error instanceof StorageUnknownOutcomeError ? notSent(error) : error;
    }
    sent.set(writeId, operations);
    try {
      const result = await pointers.compareAndSetBatch(operations, { writeId, signal });
      if (result.applied) return { applied: true, writeId, pointers: result.pointers };
      await lose(writeId);
      return await refused(operations, result.outcomes, uncertain, signal);
    } catch (error) {
      const isCertain = error instanceof StorageError && !(error instanceof StorageUnknownOutcomeError);
      if (isCertain) await lose(writeId);
      throw error;
    }
  };

  /** A refusal, unless an earlier attempt landed late and is what refused this one. */
  const refused = async (
    operations: readonly BatchOperation[],
    outcomes: readonly BatchOutcome[],
    uncertain: readonly string[],
    signal: AbortSignal,
  ): Promise<BatchEnd> => {
    const conflicts = operations.flatMap(({ key }, i) => {
      const outcome = outcomes[i];
      return outcome?.ok === false ? [{ key, current: outcome.current }] : [];
    });
    const isRead = operations.every(({ op }) => op !== 'upsert' && op !== 'delete');
    if (uncertain.length === 0 || isRead) return { applied: false, conflicts };
    const found = await settleBatch(context, operations, uncertain, { signal });
    if (found.fate === 'applied') return appliedBy(found.writeId, found.rows);
    if (found.fate === 'lost') return { applied: false, conflicts };
    const forGood = operations.some((operation, i) => {
      const outcome = outcomes[i];
      return outcome?.ok === false && isForGood(operation, outcome.current);
    });
    // The rows were read after the refusal: they show that no attempt was applied before it.
    if (found.fate === 'pending' && forGood) return { applied: false, conflicts };
    const [first] = conflicts;
    throw new StorageUnknownOutcomeError(
      `the write is refused because of ${first?.key ?? 'another row'}, but an earlier attempt at it may still be applied: read before you repeat it`,
      { operation: 'compareAndSetBatch', key: operations[0]?.key ?? '' },
    );
  };

  const settle = async ({ writeId, uncertain, signal }: RetryAttempt): Promise<Settled<BatchEnd>> => {
    const operations = sent.get(writeId);
    if (!operations) return { outcome: 'repeat' };
    const found = await settleBatch(context, operations, uncertain, { signal });
    switch (found.fate) {
      case 'applied':
        return { outcome: 'settled', result: appliedBy(found.writeId, found.rows) };
      case 'lost':
        return { outcome: 'settled', result: { applied: false, conflicts: found.conflicts } };
      case 'pending':
        return { outcome: 'repeat' };
      case 'unknown':
        return { outcome: 'unknown' };
    }
  };

  const appliedBy = (writeId: string, rows: ReadonlyMap<string, Pointer>): BatchEnd => ({
    applied: true,
    writeId,
    pointers: (sent.get(writeId) ?? []).map((operation) => {
      if (operation.op !== 'upsert') return undefined;
      const { key, expected, next } = operation;
      const now = rows.get(key);
      if (now?.writeId === writeId) return now;
      const current = typeof expected === 'number' ? undefined : expected;
      return nextPointer(key, current, next, { writeId, now: clock.now() });
    }),
  });

  const lose = async (writeId: string): Promise<void> => {
    if (sent.delete(writeId)) await onLost(writeId);
  };

  const end = await runWithRetry(context, { attempt, settle }, retryOptions(context, options));
  // What the one that was applied built upon, or what refused them all, is gone for the others too.
  for (const writeId of sent.keys()) if (!end.applied || end.writeId !== writeId) await lose(writeId);
  return end;
}

/** What is unknown about a blob leaves no doubt about the transaction that was to name it. */
export function notSent(cause: StorageUnknownOutcomeError): StorageAbortRetryableError {
  const { operation = 'prepare', key = '' } = cause;
  return new StorageAbortRetryableError(`${cause.message}; nothing refers to it, so it is safe to repeat`, {
    operation,
    key,
    cause,
  });
}
