import type { Pointer } from '@floecat/storage-spi';
import { compareUtf8, StorageCorruptionError } from '@floecat/storage-spi';

import { callOf } from '../recovery-context.ts';
import type { RecoveryContext } from '../recovery-context.ts';

/** A page of rows, or the key of one that cannot be read. */
export type RowsOrDamage =
  | { readonly rows: readonly Pointer[] }
  | { readonly damaged: string; readonly cause: StorageCorruptionError };

/**
 * The rows that start with `prefix`, after the key `after`, expired ones too, page by page in UTF-8 order. A damaged row
 * is told, and the walk goes on behind it.
 */
export async function* walkRows(
  context: RecoveryContext,
  prefix: string,
  pageSize: number,
  after?: string,
): AsyncGenerator<RowsOrDamage> {
  const { pointers } = context.storage;
  const tokenAfter = (key: string): Promise<string> => pointers.pageTokenAfterKey(prefix, key);
  let pageToken = after === undefined ? undefined : await tokenAfter(after);
  let limit = pageSize;
  let behind = after;
  for (;;) {
    try {
      const page = await pointers.listPointersByPrefix(prefix, {
        ...callOf(context),
        includeExpired: true,
        limit,
        ...(pageToken !== undefined && { pageToken }),
      });
      yield { rows: page.pointers };
      behind = page.pointers.at(-1)?.key ?? behind;
      pageToken = page.nextPageToken;
      if (pageToken === undefined) return;
    } catch (error) {
      const damaged = error instanceof StorageCorruptionError ? error.key : undefined;
      const isNext =
        damaged?.startsWith(prefix) && (behind === undefined || compareUtf8(damaged, behind) > 0);
      if (!(error instanceof StorageCorruptionError) || damaged === undefined || !isNext) throw error;
      // The rows before it are read first, in ever smaller pages.
      if (limit > 1) {
        limit = Math.ceil(limit / 4);
        continue;
      }
      yield { damaged, cause: error };
      limit = pageSize;
      behind = damaged;
      pageToken = await tokenAfter(damaged);
    }
  }
}
