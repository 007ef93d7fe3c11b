import type { CallOptions } from '@floecat/storage-spi';

import type { RepositoryContext } from '../repository-context.ts';
import { withRetriedReads } from './retried-reads.ts';
import { withDeadline } from './with-deadline.ts';

/**
 * Runs a change of bounded length: all of it, reads, conflicts and retries together, within `floecat.retry.deadline`.
 * Hand context and call to everything that it does.
 */
export function mutation<T>(
  context: RepositoryContext,
  { signal }: CallOptions,
  work: (context: RepositoryContext, call: { readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const { clock, retry } = context;
  return withDeadline(clock, retry.deadlineMs, signal, (bounded) =>
    work(withRetriedReads(context), { signal: bounded }),
  );
}
