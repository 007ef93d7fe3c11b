import { toBinary } from '@bufbuild/protobuf';
import type { ScanFile } from '@floecat/proto/snapshots';
import { FileContent, ScanFileSchema } from '@floecat/proto/snapshots';
import type { CallOptions } from '@floecat/storage-spi';

import { AvroDamage } from './avro-cursor.ts';
import { AvroFile } from './avro-file.ts';
import type { AvroRecord } from './avro-schema.ts';
import { AvroValues } from './avro-values.ts';
import { ColumnSums } from './column-sums.ts';
import type { Column } from './iceberg-schema.ts';
import { MAX_SCAN_FILE_BYTES } from './limits.ts';
import type { ManifestRef } from './manifest-list.ts';
import { partitionColumnsOf } from './partition-columns.ts';
import { singleValues } from './partition-values.ts';
import { EMPTY_FILE, PARTITION_ID, present, scanFileOf, totalsOf } from './scan-file.ts';
import type { TableMetadata } from './table-metadata.ts';
import type { TableTotals } from './table-totals.ts';
import { addTotals, NO_FILES } from './table-totals.ts';
import type { UpstreamReader } from './upstream-reader.ts';

/** A live entry, before it inherits. Most of it is kept as serialized, since many snapshots store it as it is. */
export interface ManifestEntry {
  readonly added: boolean;
  readonly content: FileContent;
  readonly recordCount: bigint;
  readonly snapshotId: bigint | undefined;
  readonly dataSequenceNumber: bigint | undefined;
  readonly fileSequenceNumber: bigint | undefined;
  readonly firstRowId: bigint | undefined;
  /** Fields 1 to 16 of `ScanFile`, serialized. */
  readonly head: Uint8Array;
  /** Fields 21 to 24 of `ScanFile`, serialized. */
  readonly tail: Uint8Array;
}

/** The live entries of a manifest, with sums over the columns of one schema. */
export interface Manifest {
  readonly entries: readonly ManifestEntry[];
  readonly totals: TableTotals;
  readonly columns: ColumnSums;
  /** Memory, roughly. */
  readonly bytes: number;
}

/** Field ids of `manifest_entry`. */
const ID = { status: 0, snapshotId: 1, dataFile: 2, sequenceNumber: 3, fileSequenceNumber: 4 } as const;

const STATUS_ADDED = 1;
const STATUS_DELETED = 2;
const ENTRY_OVERHEAD_BYTES = 320;

export interface ReadManifestRequest extends CallOptions {
  readonly reader: UpstreamReader;
  readonly manifest: ManifestRef;
  /** For types of partition values that the manifest's header does not tell. */
  readonly metadata: TableMetadata;
  /** Columns to add up. */
  readonly columns: readonly Column[];
}

/** Reads a manifest. Damage anywhere in it is `STORAGE_CORRUPTION` naming the location; it is read whole or not at all. */
export async function readManifest(request: ReadManifestRequest): Promise<Manifest> {
  const { reader, manifest, metadata, columns, ...options } = request;
  const bytes = await reader.read(manifest.location, options);
  const file = new AvroFile(bytes, manifest.location, (id, type) =>
    id === PARTITION_ID ? singleValues(type) : type,
  );
  const specId = manifest.specId ?? headerSpecId(file);
  const partition = partitionColumnsOf(file, metadata, specId, [ID.dataFile, PARTITION_ID]);
  const entries: ManifestEntry[] = [];
  const sums = new ColumnSums(columns);
  let totals = NO_FILES;
  let size = sums.bytes;
  const visit = (record: AvroRecord): void => {
    const values = new AvroValues(record);
    const status = values.int(ID.status);
    if (status === undefined || status < 0 || status > STATUS_DELETED)
      throw new AvroDamage(`an entry has status ${status}`);
    if (status === STATUS_DELETED) return;
    const scanned = scanFileOf(new AvroValues(values.raw(ID.dataFile)), specId, partition);
    const entry = entryOf(values, scanned, status === STATUS_ADDED);
    if (scanned.content === FileContent.DATA) sums.add(scanned);
    totals = addTotals(totals, totalsOf(scanned));
    size += entry.head.length + entry.tail.length + ENTRY_OVERHEAD_BYTES;
    entries.push(entry);
  };
  await file.forEach(visit, options.signal);
  return { entries, totals, columns: sums, bytes: size };
}

function headerSpecId(file: AvroFile): number {
  const specId = Number(file.headerText('partition-spec-id') ?? 0);
  return Number.isInteger(specId) ? specId | 0 : 0;
}

function entryOf(values: AvroValues, file: ScanFile, added: boolean): ManifestEntry {
  const { firstRowId, referencedDataFile, contentOffset, contentSizeBytes, keyMetadata, ...first } = file;
  const head = toBinary(ScanFileSchema, first);
  const tail = toBinary(ScanFileSchema, {
    ...EMPTY_FILE,
    ...present({ referencedDataFile, contentOffset, contentSizeBytes, keyMetadata }),
  });
  if (head.length + tail.length > MAX_SCAN_FILE_BYTES)
    throw new AvroDamage(
      `an entry takes ${head.length + tail.length} bytes; the limit is ${MAX_SCAN_FILE_BYTES}`,
    );
  return {
    added,
    content: file.content,
    recordCount: file.recordCount,
    snapshotId: values.long(ID.snapshotId),
    dataSequenceNumber: values.long(ID.sequenceNumber),
    fileSequenceNumber: values.long(ID.fileSequenceNumber),
    firstRowId,
    head,
    tail,
  };
}
