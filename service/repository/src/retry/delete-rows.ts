import type { CallOptions, Pointer } from '@floecat/storage-spi';

import type { RepositoryContext } from '../repository-context.ts';
import { retryOptions } from './retry-policy.ts';
import { runWithRetry } from './run-with-retry.ts';

/** A subtree can be as large as it likes; the store's own requests have deadlines. */
const NO_DEADLINE_MS = 2 ** 31 - 1;

/**
 * Deletes a row as it was seen, however many attempts that takes. Answers false where another one is there by now. One
 * that was gone already counts as deleted.
 */
export function deleteRow(context: RepositoryContext, row: Pointer, options: CallOptions): Promise<boolean> {
  const { pointers } = context.storage;
  return runWithRetry(
    context,
    {
      attempt: async ({ signal, writeId }) => {
        const result = await pointers.compareAndDelete(row.key, row, { signal, writeId });
        return result.applied || result.current === undefined;
      },
      // A state that has passed never comes back: another row, or none, settles all attempts.
      settle: async ({ signal }) => {
        const now = await pointers.get(row.key, { signal });
        return now?.writeId === row.writeId
          ? { outcome: 'repeat' }
          : { outcome: 'settled', result: now === undefined };
      },
    },
    retryOptions(context, options),
  );
}

/** Deletes what starts with a prefix, on the conditions of `deleteByPrefix`, however many attempts that takes. */
export function deletePrefix(
  context: RepositoryContext,
  prefix: string,
  options: CallOptions,
): Promise<{ readonly deleted: number; readonly skipped: number }> {
  const { pointers } = context.storage;
  const { policy, ...rest } = retryOptions(context, options);
  return runWithRetry(
    context,
    {
      attempt: ({ signal }) => pointers.deleteByPrefix(prefix, { signal }),
      // Each row goes on condition that it is as it was listed, so a row is deleted once, however often this is done.
      settle: async () => ({ outcome: 'repeat' }),
    },
    { ...rest, policy: { ...policy, deadlineMs: NO_DEADLINE_MS } },
  );
}
