import type { LayoutSettings, StoreLayout } from '@floecat/storage-spi';
import { STORAGE_FORMAT, StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

import { absent, fill, form } from './conditions.ts';
import { ATTRIBUTES, SYSTEM_SHARD } from './dynamo-constants.ts';
import type { Caller, DynamoTable } from './dynamo-table.ts';
import type { Item } from './pointer-item.ts';
import { keyItem } from './pointer-item.ts';

const PLACE = { shard: SYSTEM_SHARD, key: 'layout' };
const KIND = 'layout';

/** Attributes of the layout row, beside key, format and kind. Part of the format, as those of a pointer are. */
const NUMBERS = {
  shards: 'shards',
  epoch: 'epoch',
  pointerGraceMs: 'pointer_grace_ms',
  casGraceMs: 'cas_grace_ms',
  casRetentionMs: 'cas_retention_ms',
} as const;
const TEXTS = { storeId: 'store_id', tableId: 'table_id' } as const;

/** What each setting is called where it is set. */
const PROPERTIES: Readonly<Record<keyof LayoutSettings, string>> = {
  shards: 'floecat.kv.shards',
  pointerGraceMs: 'floecat.gc.pointer.min-age-ms',
  casGraceMs: 'floecat.gc.cas.min-age-ms',
  casRetentionMs: 'floecat.gc.cas.retention (in ms)',
};

const CALLER: Caller = { operation: 'open', key: 'layout', signal: undefined };

/** The layout row, or `undefined` in a table that has none. */
export async function readLayout(table: DynamoTable): Promise<StoreLayout | undefined> {
  const item = await table.get(CALLER, PLACE, true);
  return item && fromRow(item, table.name);
}

/** Writes the layout row of a new table, or answers the one that another process was quicker to write. */
export async function createLayout(table: DynamoTable, layout: StoreLayout): Promise<StoreLayout> {
  const refused = await table.put(CALLER, toRow(layout), absent);
  if (!refused) return layout;
  if (refused.item) return fromRow(refused.item, table.name);
  const found = await readLayout(table);
  if (found) return found;
  throw new StorageMisconfiguredError(
    `open: the layout row of table ${table.name} vanished while it was opened; is another process deleting it?`,
    { operation: 'open' },
  );
}

/** Puts `next` in the place of the row `current`. Refused where another process has changed it since. */
export async function replaceLayout(
  table: DynamoTable,
  current: StoreLayout,
  next: StoreLayout,
): Promise<void> {
  const { storeId, tableId } = TEXTS;
  const sameStore = form(`#${storeId} = :store AND #${tableId} = :table AND #${NUMBERS.epoch} = :epoch`, [
    storeId,
    tableId,
    NUMBERS.epoch,
  ]);
  const unchanged = fill(sameStore, {
    ':store': { S: current.storeId },
    ':table': { S: current.tableId },
    ':epoch': { N: String(current.epoch) },
  });
  const refused = await table.put(CALLER, toRow(next), unchanged);
  if (!refused) return;
  const found = refused.item && fromRow(refused.item, table.name);
  // An attempt whose answer was lost may have been the one that changed it.
  if (found && refused.mayHaveLanded && found.epoch === next.epoch && found.tableId === next.tableId) return;
  throw new StorageMisconfiguredError(
    `open: the layout row of table ${table.name} was changed by another process meanwhile; look at it, and decide again`,
    { operation: 'open' },
  );
}

/** Refuses settings that differ from what the table was made with. What is not given is not compared. */
export function checkLayout(layout: StoreLayout, settings: Partial<LayoutSettings>, tableName: string): void {
  for (const [name, wanted] of Object.entries(settings) as [keyof LayoutSettings, number | undefined][])
    if (wanted !== undefined && wanted !== layout[name])
      throw new StorageMisconfiguredError(
        `open: ${PROPERTIES[name]} is ${wanted} here, but ${layout[name]} in table ${tableName}; every process of a store must have the same`,
        { operation: 'open' },
      );
}

function toRow(layout: StoreLayout): Item {
  return {
    ...keyItem(PLACE.shard, PLACE.key),
    [ATTRIBUTES.format]: { N: String(layout.format) },
    [ATTRIBUTES.kind]: { S: KIND },
    ...Object.fromEntries(entriesOf(NUMBERS).map(([field, name]) => [name, { N: String(layout[field]) }])),
    ...Object.fromEntries(entriesOf(TEXTS).map(([field, name]) => [name, { S: layout[field] }])),
  };
}

function fromRow(item: Item, tableName: string): StoreLayout {
  const damaged = (what: string): StorageCorruptionError =>
    new StorageCorruptionError(
      `open: the layout row of table ${tableName} has no valid ${what}; restore the table`,
      {
        operation: 'open',
      },
    );
  const number = (name: string): number => {
    const found = Number(item[name]?.N);
    if (!Number.isSafeInteger(found) || found < 0) throw damaged(name);
    return found;
  };
  const text = (name: string): string => {
    const found = item[name]?.S;
    if (!found) throw damaged(name);
    return found;
  };
  const format = number(ATTRIBUTES.format);
  if (format > STORAGE_FORMAT)
    throw new StorageMisconfiguredError(
      `open: table ${tableName} has storage format ${format}; this version reads up to ${STORAGE_FORMAT}: use a newer version`,
      { operation: 'open' },
    );
  if (text(ATTRIBUTES.kind) !== KIND) throw damaged(ATTRIBUTES.kind);
  return Object.freeze({
    format,
    shards: number(NUMBERS.shards),
    epoch: number(NUMBERS.epoch),
    pointerGraceMs: number(NUMBERS.pointerGraceMs),
    casGraceMs: number(NUMBERS.casGraceMs),
    casRetentionMs: number(NUMBERS.casRetentionMs),
    storeId: text(TEXTS.storeId),
    tableId: text(TEXTS.tableId),
  });
}

function entriesOf<K extends string, V>(record: Readonly<Record<K, V>>): [K, V][] {
  return Object.entries(record) as [K, V][];
}
