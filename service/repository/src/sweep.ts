import type { CallOptions, Pointer } from '@floecat/storage-spi';
import { lastSegment } from '@floecat/storage-spi';

import { changeOf, commit } from './commit.ts';
import { load } from './load.ts';
import { ownerById, ownersPrefix, tableChildrenPrefix } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import { tableKind } from './resource-kind.ts';
import type { LoadedTable } from './table-repository.ts';

export interface SweepReport {
  /** Tables that were staged, never published, and are gone now. */
  readonly swept: number;
  /** Rows that hung on them. */
  readonly children: number;
  /** Tables that could not be swept, with the reason; the others were. */
  readonly failed: readonly { readonly key: string; readonly cause: unknown }[];
}

/**
 * Ends registrations that were never finished: a table that has stood STAGED for longer than the pointer
 * collector's grace, or that an interrupted sweep left DELETING, goes to DELETING, its
 * children are deleted, then its row. Publishing and sweeping compare the same row, so a table that was just
 * published is never taken. Blobs are left to the collector. Safe to run in many processes and to interrupt.
 */
export async function sweepStagedTables(
  context: RepositoryContext,
  options: CallOptions = {},
): Promise<SweepReport> {
  const { account, clock, storage } = context;
  const prefix = ownersPrefix(account, 'tables');
  let swept = 0;
  let children = 0;
  const failed: SweepReport['failed'][number][] = [];
  let pageToken: string | undefined;
  do {
    const page = await storage.pointers.listPointersByPrefix(prefix, {
      ...options,
      ...(pageToken && { pageToken }),
    });
    for (const row of page.pointers) {
      if (row.state !== 'STAGED' && row.state !== 'DELETING') continue;
      if (clock.now() - row.updatedAt <= storage.layout.pointerGraceMs) continue;
      try {
        const gone = await sweepOne(context, row, options);
        if (gone === undefined) continue;
        swept++;
        children += gone;
      } catch (cause) {
        options.signal?.throwIfAborted();
        failed.push({ key: row.key, cause });
      }
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return { swept, children, failed };
}

/** Ends one registration at once, as a sweep would after the grace: for a registration that failed. */
export async function discardStagedTable(
  context: RepositoryContext,
  table: LoadedTable,
  options: CallOptions = {},
): Promise<void> {
  const row = await context.storage.pointers.get(table.owner.key, options);
  if (row?.state === 'STAGED' && row.incarnation === table.pointer.incarnation)
    await sweepOne(context, row, options);
}

/** The number of children deleted, or `undefined` where somebody else moved the row first. */
async function sweepOne(
  context: RepositoryContext,
  row: Pointer,
  options: CallOptions,
): Promise<number | undefined> {
  const { account, storage } = context;
  const id = lastSegment(row.key);
  const owner = ownerById(account, 'tables', id);
  const staged = await load(context, tableKind, owner, options);
  if (!staged || staged.pointer.writeId !== row.writeId) return undefined;
  let deleting = staged.pointer;
  if (deleting.state === 'STAGED') {
    const change = changeOf(tableKind, {
      owner,
      previous: staged,
      resource: staged.resource,
      state: 'DELETING',
    });
    const result = await commit(context, [change], options);
    if (!result.applied) return undefined;
    deleting = result.loaded[0].pointer;
  }
  let children = 0;
  let left = 0;
  do {
    const { deleted, skipped } = await storage.pointers.deleteByPrefix(
      tableChildrenPrefix(account, id),
      options,
    );
    children += deleted;
    left = skipped;
  } while (left > 0);
  const result = await storage.pointers.compareAndDelete(owner.key, deleting, options);
  return result.applied ? children : undefined;
}
