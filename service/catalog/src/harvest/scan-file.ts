import type { PartitionValue, ScanFile } from '@floecat/proto/snapshots';
import { FileContent, PartitionValueSchema, ScanFileSchema } from '@floecat/proto/snapshots';

import { AvroDamage } from './avro-cursor.ts';
import { AvroValues } from './avro-values.ts';
import type { PartitionColumn } from './partition-columns.ts';
import type { TableTotals } from './table-totals.ts';

/** Field ids of `data_file`. */
const ID = {
  filePath: 100,
  fileFormat: 101,
  partition: 102,
  recordCount: 103,
  fileSize: 104,
  columnSizes: 108,
  valueCounts: 109,
  nullCounts: 110,
  lowerBounds: 125,
  upperBounds: 128,
  keyMetadata: 131,
  splitOffsets: 132,
  content: 134,
  equalityIds: 135,
  nanCounts: 137,
  sortOrderId: 140,
  firstRowId: 142,
  referencedDataFile: 143,
  contentOffset: 144,
  contentSize: 145,
} as const;

export const PARTITION_ID = ID.partition;

/** By Iceberg's code. */
const CONTENTS = [FileContent.DATA, FileContent.POSITION_DELETES, FileContent.EQUALITY_DELETES];

/** A message with nothing set. Its maps and lists are shared: replace them, never change them. */
export const EMPTY_FILE: ScanFile = {
  $typeName: ScanFileSchema.typeName,
  content: FileContent.UNSPECIFIED,
  filePath: '',
  fileFormat: '',
  specId: 0,
  partition: [],
  recordCount: 0n,
  fileSizeBytes: 0n,
  columnSizes: {},
  valueCounts: {},
  nullCounts: {},
  nanCounts: {},
  lowerBounds: {},
  upperBounds: {},
  splitOffsets: [],
  equalityIds: [],
  addedSnapshotId: 0n,
  dataSequenceNumber: 0n,
  fileSequenceNumber: 0n,
};

/** The `data_file` of a manifest entry, with nothing inherited. Throws {@link AvroDamage} where it cannot be one. */
export function scanFileOf(
  values: AvroValues,
  specId: number,
  partition: readonly PartitionColumn[],
): ScanFile {
  const code = values.int(ID.content) ?? 0;
  const content = CONTENTS[code];
  if (content === undefined) throw new AvroDamage(`a file has content ${code}`);
  return {
    ...EMPTY_FILE,
    content,
    filePath: values.requiredString(ID.filePath),
    fileFormat: values.requiredString(ID.fileFormat),
    specId,
    partition: partitionOf(values.raw(ID.partition), partition),
    recordCount: notNegative(values, ID.recordCount),
    fileSizeBytes: notNegative(values, ID.fileSize),
    columnSizes: longs(values, ID.columnSizes),
    valueCounts: longs(values, ID.valueCounts),
    nullCounts: longs(values, ID.nullCounts),
    nanCounts: longs(values, ID.nanCounts),
    lowerBounds: bounds(values, ID.lowerBounds),
    upperBounds: bounds(values, ID.upperBounds),
    splitOffsets: values.list(ID.splitOffsets).map(longOf),
    equalityIds: values.list(ID.equalityIds).map((id) => Number(longOf(id))),
    ...present({
      sortOrderId: values.int(ID.sortOrderId),
      firstRowId: values.long(ID.firstRowId),
      referencedDataFile: values.string(ID.referencedDataFile),
      contentOffset: values.long(ID.contentOffset),
      contentSizeBytes: values.long(ID.contentSize),
      keyMetadata: values.bytes(ID.keyMetadata),
    }),
  };
}

function partitionOf(struct: unknown, columns: readonly PartitionColumn[]): PartitionValue[] {
  if (columns.length === 0) return [];
  const values = new AvroValues(struct);
  return columns.map(({ fieldId, name, type }) => ({
    $typeName: PartitionValueSchema.typeName,
    fieldId,
    name,
    type,
    ...present({ value: values.bytes(fieldId) }),
  }));
}

/** What one live file adds to the totals of its table. */
export function totalsOf({ content, recordCount, fileSizeBytes }: ScanFile): Partial<TableTotals> {
  if (content === FileContent.DATA) return { dataFileCount: 1n, recordCount, dataFileBytes: fileSizeBytes };
  return content === FileContent.POSITION_DELETES
    ? { positionDeleteFileCount: 1n, positionDeleteRecordCount: recordCount, deleteFileBytes: fileSizeBytes }
    : { equalityDeleteFileCount: 1n, equalityDeleteRecordCount: recordCount, deleteFileBytes: fileSizeBytes };
}

function notNegative(values: AvroValues, id: number): bigint {
  const value = values.requiredLong(id);
  if (value < 0n) throw new AvroDamage(`field ${id} is ${value}`);
  return value;
}

function longs(values: AvroValues, id: number): Record<number, bigint> {
  const map = values.map(id) as Record<number, bigint>;
  for (const key in map) if (typeof map[key] !== 'bigint') map[key] = longOf(map[key]);
  return map;
}

function bounds(values: AvroValues, id: number): Record<number, Uint8Array> {
  const map = values.map(id) as Record<number, Uint8Array>;
  for (const key in map)
    if (!(map[key] instanceof Uint8Array))
      throw new AvroDamage(`field ${id} holds a bound that is not bytes`);
  return map;
}

function longOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  throw new AvroDamage('a list or map holds something that is no integer');
}

/** Without what is undefined, which an optional field must not be. */
export function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
