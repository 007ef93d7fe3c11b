import type { ColumnStatistics, ScanFile, SnapshotStatistics } from '@floecat/proto/snapshots';
import { FileContent } from '@floecat/proto/snapshots';

import { renderValue } from './harvest/index.ts';

/** A snapshot's statistics as the admin API and the CLI show them. Integers are bigint: print them with `stringifyJson`. */
export interface SnapshotView {
  readonly 'snapshot-id': bigint;
  readonly 'parent-snapshot-id': bigint | null;
  readonly 'sequence-number': bigint;
  readonly 'timestamp-ms': bigint;
  readonly operation: string;
  readonly 'schema-id': number | null;
  readonly 'manifest-list': string;
  readonly summary: Readonly<Record<string, string>>;
  readonly statistics: Readonly<Record<string, bigint>>;
  readonly columns: readonly ColumnView[];
  /** Empty if everything of the snapshot was read. */
  readonly problems: readonly {
    readonly location: string;
    readonly code: string;
    readonly message: string;
  }[];
}

export interface ColumnView {
  readonly 'field-id': number;
  readonly name: string;
  readonly type: string;
  readonly 'value-count': bigint | undefined;
  readonly 'null-count': bigint | undefined;
  readonly 'nan-count': bigint | undefined;
  readonly 'column-bytes': bigint | undefined;
  readonly 'distinct-count': bigint | undefined;
  readonly 'lower-bound': string | undefined;
  readonly 'upper-bound': string | undefined;
}

export function snapshotView(snapshot: SnapshotStatistics): SnapshotView {
  const { table } = snapshot;
  return {
    'snapshot-id': snapshot.snapshotId,
    'parent-snapshot-id': snapshot.parentSnapshotId ?? null,
    'sequence-number': snapshot.sequenceNumber,
    'timestamp-ms': snapshot.timestampMs,
    operation: snapshot.operation,
    'schema-id': snapshot.schemaId ?? null,
    'manifest-list': snapshot.manifestList,
    summary: snapshot.summary,
    statistics: {
      'record-count': table?.recordCount ?? 0n,
      'data-file-count': table?.dataFileCount ?? 0n,
      'data-file-bytes': table?.dataFileBytes ?? 0n,
      'position-delete-file-count': table?.positionDeleteFileCount ?? 0n,
      'position-delete-record-count': table?.positionDeleteRecordCount ?? 0n,
      'equality-delete-file-count': table?.equalityDeleteFileCount ?? 0n,
      'equality-delete-record-count': table?.equalityDeleteRecordCount ?? 0n,
      'delete-file-bytes': table?.deleteFileBytes ?? 0n,
      'manifest-count': table?.manifestCount ?? 0n,
    },
    columns: snapshot.columns.map(columnView),
    problems: snapshot.problems.map(({ location, code, message }) => ({ location, code, message })),
  };
}

function columnView(column: ColumnStatistics): ColumnView {
  const bound = (bytes: Uint8Array | undefined): string | undefined =>
    bytes === undefined ? undefined : renderValue(column.type, bytes);
  return {
    'field-id': column.fieldId,
    name: column.name,
    type: column.type,
    'value-count': column.valueCount,
    'null-count': column.nullCount,
    'nan-count': column.nanCount,
    'column-bytes': column.columnBytes,
    'distinct-count': column.distinctCount,
    'lower-bound': bound(column.lowerBound),
    'upper-bound': bound(column.upperBound),
  };
}

const CONTENT: Record<FileContent, string> = {
  [FileContent.UNSPECIFIED]: 'unknown',
  [FileContent.DATA]: 'data',
  [FileContent.POSITION_DELETES]: 'position-deletes',
  [FileContent.EQUALITY_DELETES]: 'equality-deletes',
};

/** One file of a scan bundle as the admin API and the CLI show it; bounds are hexadecimal, by field id. */
export function scanFileView(file: ScanFile): {
  readonly content: string;
  readonly 'file-path': string;
  readonly 'data-sequence-number': bigint;
  readonly 'record-count': bigint;
  readonly 'file-size-in-bytes': bigint;
  readonly partition: Readonly<Record<string, string | null>>;
} & Readonly<Record<string, unknown>> {
  const partition = file.partition.map(({ name, type, value }): [string, string | null] => [
    name,
    value === undefined ? null : renderValue(type, value),
  ]);
  return {
    content: CONTENT[file.content],
    'file-path': file.filePath,
    'file-format': file.fileFormat,
    'spec-id': file.specId,
    partition: Object.fromEntries(partition),
    'record-count': file.recordCount,
    'file-size-in-bytes': file.fileSizeBytes,
    'snapshot-id': file.addedSnapshotId,
    'data-sequence-number': file.dataSequenceNumber,
    'file-sequence-number': file.fileSequenceNumber,
    'column-sizes': file.columnSizes,
    'value-counts': file.valueCounts,
    'null-value-counts': file.nullCounts,
    'nan-value-counts': file.nanCounts,
    'lower-bounds': hexValues(file.lowerBounds),
    'upper-bounds': hexValues(file.upperBounds),
    'split-offsets': file.splitOffsets,
    'equality-ids': file.equalityIds,
    'sort-order-id': file.sortOrderId,
    'first-row-id': file.firstRowId,
    'referenced-data-file': file.referencedDataFile,
    'content-offset': file.contentOffset,
    'content-size-in-bytes': file.contentSizeBytes,
    'key-metadata': file.keyMetadata && Buffer.from(file.keyMetadata).toString('hex'),
  };
}

function hexValues(bounds: Readonly<Record<number, Uint8Array>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(bounds).map(([id, bytes]) => [id, Buffer.from(bytes).toString('hex')]),
  );
}
