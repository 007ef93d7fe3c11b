import type { Pointer, PointerStore, RandomSource, Storage } from '@floecat/storage-spi';
import { compareUtf8 } from '@floecat/storage-spi';
import { openMemoryStorage } from '@floecat/storage-memory';
import type { FakeClock } from '@floecat/storage-testkit';

import type { RestoredBackup } from '@floecat/recovery';

/** Every row of a store, by key. */
export async function rowsOf(store: PointerStore, prefix = ''): Promise<Map<string, Pointer>> {
  const rows = new Map<string, Pointer>();
  let pageToken: string | undefined;
  do {
    const page = await store.listPointersByPrefix(prefix, pageToken ? { pageToken } : {});
    for (const row of page.pointers) rows.set(row.key, row);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return rows;
}

/** The same blobs under a new and empty table, as after a loss of the table. */
export function withoutTable(storage: Storage, given: { clock: FakeClock; random: RandomSource }): Storage {
  const { pointers, system, layout } = openMemoryStorage({ ...given, layout: storage.layout });
  return {
    pointers,
    system,
    blobs: storage.blobs,
    secrets: storage.secrets,
    layout: { ...layout, storeId: storage.layout.storeId, epoch: storage.layout.epoch + 1 },
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}

/** A backup of these rows, in memory. */
export function backupOf(rows: Iterable<Pointer>, startedAt: number): RestoredBackup {
  const sorted = [...rows].toSorted((a, b) => compareUtf8(a.key, b.key));
  const byKey = new Map(sorted.map((row) => [row.key, row]));
  return {
    startedAt,
    pointer: async (key) => byKey.get(key),
    async *pointers(prefix, after) {
      for (const row of sorted)
        if (row.key.startsWith(prefix) && (after === undefined || compareUtf8(row.key, after) > 0)) yield row;
    },
  };
}
