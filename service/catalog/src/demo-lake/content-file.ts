import type { ColumnMetrics } from './parquet-file.ts';
import { parquetFile } from './parquet-file.ts';
import type { PartitionValues } from './partition-spec.ts';
import type { Row, StructType } from './table-schema.ts';

/** A data file, or a file of position deletes, as a manifest describes it. */
export interface ContentFile {
  readonly content: 'data' | 'position-deletes';
  /** Full location. */
  readonly path: string;
  readonly partition: PartitionValues;
  readonly recordCount: bigint;
  readonly fileSize: bigint;
  readonly metrics: ColumnMetrics;
  readonly splitOffsets: readonly bigint[];
  /** The one data file that position deletes are of. */
  readonly referencedDataFile?: string;
}

export type EntryStatus = 'existing' | 'added' | 'deleted';

/** A line of a manifest. */
export interface ManifestEntry {
  readonly status: EntryStatus;
  /** The snapshot that added the file, or, of a deleted one, that deleted it. */
  readonly snapshotId: bigint;
  /** Of the snapshot that added the file. */
  readonly sequenceNumber: bigint;
  readonly file: ContentFile;
}

/** A manifest as a manifest list names it, with its entries. All are of one kind, data or deletes. */
export interface Manifest {
  readonly path: string;
  readonly length: bigint;
  readonly content: 'data' | 'deletes';
  /** Of the snapshot that wrote the manifest. */
  readonly sequenceNumber: bigint;
  readonly addedSnapshotId: bigint;
  readonly entries: readonly ManifestEntry[];
}

export interface WrittenFile {
  readonly file: ContentFile;
  readonly bytes: Uint8Array;
}

/** A data file at `path` with these rows, all of one partition. */
export function dataFile(
  path: string,
  schema: StructType,
  partition: PartitionValues,
  rows: readonly Row[],
): WrittenFile {
  const { bytes, ...parquet } = parquetFile(schema, rows);
  const file: ContentFile = {
    content: 'data',
    path,
    partition,
    recordCount: BigInt(rows.length),
    fileSize: BigInt(bytes.length),
    ...parquet,
  };
  return { file, bytes };
}

const positionDeleteSchema: StructType = {
  type: 'struct',
  fields: [
    { id: 2147483546, name: 'file_path', required: true, type: 'string' },
    { id: 2147483545, name: 'pos', required: true, type: 'long' },
  ],
};

/** A file at `path` that deletes rows of one data file by their positions, which start at 0 and ascend. */
export function positionDeletes(
  path: string,
  target: ContentFile,
  positions: readonly number[],
): WrittenFile {
  const rows = positions.map((position): Row => ({ file_path: target.path, pos: BigInt(position) }));
  // A cut bound of the path would not tell which data file is meant.
  const { bytes, ...parquet } = parquetFile(positionDeleteSchema, rows, Infinity);
  const file: ContentFile = {
    content: 'position-deletes',
    path,
    partition: target.partition,
    recordCount: BigInt(rows.length),
    fileSize: BigInt(bytes.length),
    ...parquet,
    referencedDataFile: target.path,
  };
  return { file, bytes };
}
