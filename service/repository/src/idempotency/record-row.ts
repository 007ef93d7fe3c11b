import type { BatchOperation, CallOptions, Pointer } from '@floecat/storage-spi';

import { idempotencyRecordKey } from '../pointer-keys.ts';
import type { RepositoryContext } from '../repository-context.ts';
import { applyBatch } from '../retry/apply-batch.ts';
import { retryOptions } from '../retry/retry-policy.ts';
import { runWithRetry } from '../retry/run-with-retry.ts';
import type { IdempotencyRecord } from './idempotency-record.ts';
import { encodeRecord } from './idempotency-record.ts';

/** Whoever waits for this has failed already. */
const RELEASE_DEADLINE_MS = 10_000;

/** A write of a record: the row that it made, or the one that refused it. */
export type RowWrite =
  | { readonly applied: true; readonly row: Pointer }
  | { readonly applied: false; readonly current: Pointer | undefined };

/** What is written for a record now: it stands for its time from here on. */
export function recordWrite(
  { clock, idempotency }: RepositoryContext,
  record: IdempotencyRecord,
): { readonly kind: 'value'; readonly value: string; readonly expiresAt: number } {
  const expiresAt = Math.ceil((clock.now() + idempotency.ttlMs) / 1_000);
  return { kind: 'value', value: encodeRecord(record), expiresAt };
}

/** Writes a record by itself, however many attempts that takes. */
export async function writeRecord(
  context: RepositoryContext,
  key: string,
  expected: 0 | Pointer,
  record: IdempotencyRecord,
  call: CallOptions,
): Promise<RowWrite> {
  const prepare = async (): Promise<BatchOperation[]> => [
    {
      op: 'upsert',
      key: idempotencyRecordKey(context.account, key),
      expected,
      next: recordWrite(context, record),
    },
  ];
  const end = await applyBatch(context, { prepare }, call);
  if (end.applied) return { applied: true, row: end.pointers[0] as Pointer };
  return { applied: false, current: end.conflicts[0]?.current };
}

/**
 * Deletes a record as it was seen, for a caller that may have given up already. Where that is not certain, `current` is
 * what is there now.
 */
export function deleteRecord(
  context: RepositoryContext,
  row: Pointer,
): Promise<{ readonly applied: boolean; readonly current: Pointer | undefined }> {
  const { pointers } = context.storage;
  const { policy, ...rest } = retryOptions(context);
  const deadlineMs = Math.min(policy.deadlineMs, RELEASE_DEADLINE_MS);
  return runWithRetry(
    context,
    {
      attempt: async ({ signal, writeId }) => {
        const result = await pointers.compareAndDelete(row.key, row, { signal, writeId });
        return result.applied
          ? { applied: true, current: undefined }
          : { applied: false, current: result.current };
      },
      settle: async ({ signal }) => {
        const now = await pointers.get(row.key, { signal });
        return now?.writeId === row.writeId
          ? { outcome: 'repeat' }
          : { outcome: 'settled', result: { applied: false, current: now } };
      },
    },
    { ...rest, policy: { ...policy, deadlineMs } },
  );
}
