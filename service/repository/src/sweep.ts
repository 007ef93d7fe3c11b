import type { CallOptions, Pointer } from '@floecat/storage-spi';
import { lastSegment } from '@floecat/storage-spi';

import { dropOwner, reopen } from './drop.ts';
import { ResourceConflictError } from './errors.ts';
import { accountKind, catalogKind, namespaceKind, tableKind, viewKind } from './kinds.ts';
import { loadRoot } from './load.ts';
import { accountOwner, ownersPrefix } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { ResourceKind } from './resource-kind.ts';
import { withRetriedReads } from './retry/retried-reads.ts';
import { isDropped } from './root-blob.ts';
import type { LoadedTable } from './table-repository.ts';

export interface SweepReport {
  /** Owners that were left unfinished, and are settled now. */
  readonly swept: number;
  /** Rows that hung on them. */
  readonly children: number;
  /** Owners that could not be settled, with the reason; the others were. */
  readonly failed: readonly { readonly key: string; readonly cause: unknown }[];
}

/**
 * Settles what somebody began in this account and did not finish within the pointer collector's grace:
 * a registration that was staged and never published ends, a drop that was decided goes on to its end, and what was
 * closed for a drop or a rename that never came is opened again. Each compares the row that its rival compares, so
 * a table that was just published is never taken. Blobs are left to the collector. Safe to run in many processes and
 * to interrupt.
 */
export async function sweepUnfinished(
  context: RepositoryContext,
  options: CallOptions = {},
): Promise<SweepReport> {
  const report = { swept: 0, children: 0, failed: [] as SweepReport['failed'][number][] };
  for await (const [kind, row] of owners(context, options)) {
    if (!isUnfinished(context, row)) continue;
    try {
      const children = await settleOwner(context, kind, row, options);
      if (children === undefined) continue;
      report.swept++;
      report.children += children;
    } catch (cause) {
      options.signal?.throwIfAborted();
      report.failed.push({ key: row.key, cause });
    }
  }
  return report;
}

/** Whether an owner's row is of something that was begun, and has stood for longer than the grace. */
export function isUnfinished({ clock, storage }: RepositoryContext, row: Pointer): boolean {
  if (row.state !== 'STAGED' && row.state !== 'DELETING') return false;
  return clock.now() - row.updatedAt > storage.layout.pointerGraceMs;
}

/**
 * Finishes what `row`, in state STAGED or DELETING, was begun with. Answers how many rows hung on it, or `undefined` where somebody
 * else moved it first.
 */
export async function settleOwner(
  given: RepositoryContext,
  kind: ResourceKind,
  row: Pointer,
  options: CallOptions = {},
): Promise<number | undefined> {
  const context = withRetriedReads(given);
  const root = await loadRoot(context, kind, kind.owner(context.account, lastSegment(row.key)), options);
  if (!root || root.pointer.writeId !== row.writeId) return undefined;
  try {
    if (isDropped(root) || row.state === 'STAGED')
      return (await dropOwner(context, kind, root, options)).dependents;
    await reopen(context, kind, root, options);
    return 0;
  } catch (error) {
    if (error instanceof ResourceConflictError) return undefined;
    throw error;
  }
}

/** Ends one registration at once, as a sweep would after the grace: for a registration that failed. */
export async function discardStagedTable(
  context: RepositoryContext,
  table: LoadedTable,
  options: CallOptions = {},
): Promise<void> {
  const row = await context.storage.pointers.get(table.owner.key, options);
  if (row?.state === 'STAGED' && row.incarnation === table.pointer.incarnation)
    await settleOwner(context, tableKind, row, options);
}

/** Every owner of the account that has a state of its own, page by page. */
async function* owners(
  { account, storage }: RepositoryContext,
  options: CallOptions,
): AsyncGenerator<[ResourceKind, Pointer]> {
  for (const [kind, collection] of [
    [tableKind, 'tables'],
    [viewKind, 'views'],
    [namespaceKind, 'namespaces'],
    [catalogKind, 'catalogs'],
  ] as const) {
    const prefix = ownersPrefix(account, collection);
    let pageToken: string | undefined;
    do {
      const page = await storage.pointers.listPointersByPrefix(prefix, {
        ...options,
        ...(pageToken && { pageToken }),
      });
      for (const row of page.pointers) yield [kind, row];
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }
  const own = await storage.pointers.get(accountOwner(account).key, options);
  if (own) yield [accountKind, own];
}
