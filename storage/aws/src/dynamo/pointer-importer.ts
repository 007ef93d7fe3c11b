import { isDeepStrictEqual } from 'node:util';

import type { ImportMode, ImportReport, Pointer } from '@floecat/storage-spi';
import { decideImport, isExpired, StorageAbortRetryableError, mapBounded } from '@floecat/storage-spi';

import * as where from './conditions.ts';
import { MAX_PINS, PARALLEL_REQUESTS } from './dynamo-constants.ts';
import type { Caller, DynamoTable } from './dynamo-table.ts';
import { fromItem, toItem } from './pointer-item.ts';
import type { Shards } from './shards.ts';

type Left = ImportReport['left'][number];

/** Writes rows as given, each on its condition. Safe to repeat: what an earlier attempt wrote is not written twice. */
export async function importPointers(
  table: DynamoTable,
  shards: Shards,
  caller: Caller,
  entries: readonly Pointer[],
  mode: ImportMode,
): Promise<ImportReport> {
  const outcomes = await mapBounded(entries, PARALLEL_REQUESTS, (entry) =>
    importOne(table, shards, { ...caller, key: entry.key }, entry, mode),
  );
  const left = outcomes.filter((outcome) => outcome !== undefined);
  return { imported: entries.length - left.length, left };
}

async function importOne(
  table: DynamoTable,
  shards: Shards,
  caller: Caller,
  entry: Pointer,
  mode: ImportMode,
): Promise<Left | undefined> {
  const item = toItem(shards.ofKey(entry.key), entry);
  const entryAsStored = fromItem(item, caller.operation);
  for (let tries = 0; tries < MAX_PINS; tries++) {
    const now = table.clock.now();
    const seconds = Math.floor(now / 1000);
    const condition = mode === 'if-absent' ? where.free(seconds) : where.freeOrLower(entry, seconds);
    const refused = await table.put(caller, item, condition);
    if (!refused) return undefined;
    const found = refused.item && fromItem(refused.item, caller.operation);
    // An earlier attempt of this import wrote exactly this, or somebody else did: either way it is imported.
    if (refused.mayHaveLanded && isDeepStrictEqual({ ...found }, { ...entryAsStored })) return undefined;
    const left = decideImport(entry, found && !isExpired(found, now) ? found : undefined, mode);
    if (left) return left;
  }
  throw new StorageAbortRetryableError(
    `${caller.operation} ${JSON.stringify(entry.key)}: the row changed ${MAX_PINS} times meanwhile; import it again`,
    { operation: caller.operation, key: entry.key },
  );
}
