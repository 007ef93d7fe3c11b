import assert from 'node:assert/strict';

import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type {
  ColumnStatistics,
  ScanFile,
  SnapshotStatistics,
  TableStatistics,
} from '@floecat/proto/snapshots';
import { FileContent, ScanChunkSchema } from '@floecat/proto/snapshots';

import type { HarvestRequest, SnapshotHarvest } from '../../src/harvest/index.ts';
import { harvestSnapshot, renderValue } from '../../src/harvest/index.ts';

export interface Harvested extends SnapshotHarvest {
  readonly files: readonly ScanFile[];
  readonly chunkSizes: readonly { readonly files: number; readonly bytes: number }[];
}

/** Harvests a snapshot and decodes its chunks, which must be what the protobuf library would write itself. */
export async function harvested(request: HarvestRequest): Promise<Harvested> {
  const files: ScanFile[] = [];
  const chunkSizes: { files: number; bytes: number }[] = [];
  const harvest = await harvestSnapshot({
    ...request,
    onChunk: async ({ bytes, fileCount }) => {
      const chunk = fromBinary(ScanChunkSchema, bytes);
      assert.deepEqual(Buffer.from(toBinary(ScanChunkSchema, chunk)), Buffer.from(bytes));
      assert.equal(chunk.files.length, fileCount);
      files.push(...chunk.files);
      chunkSizes.push({ files: fileCount, bytes: bytes.length });
    },
  });
  const data = files.filter(({ content }) => content === FileContent.DATA).length;
  assert.equal(harvest.dataFileCount, BigInt(data));
  assert.equal(harvest.deleteFileCount, BigInt(files.length - data));
  return { ...harvest, files, chunkSizes };
}

/** Table figures in the order: records, files, bytes; position delete files, records; equality ...; delete bytes; manifests. */
export function totals({ table }: SnapshotStatistics): readonly bigint[] {
  const t = table as TableStatistics;
  return [
    t.recordCount,
    t.dataFileCount,
    t.dataFileBytes,
    t.positionDeleteFileCount,
    t.positionDeleteRecordCount,
    t.equalityDeleteFileCount,
    t.equalityDeleteRecordCount,
    t.deleteFileBytes,
    t.manifestCount,
  ];
}

/** A column as one line: id, name, type, values, nulls, bytes, lower, upper. `-` for what is absent. */
export function line(column: ColumnStatistics): string {
  const { fieldId, name, type, valueCount, nullCount, columnBytes, lowerBound, upperBound } = column;
  const rendered = [lowerBound, upperBound].map((bound) => bound && renderValue(type, bound));
  return [fieldId, name, type, valueCount, nullCount, columnBytes, ...rendered]
    .map((part) => String(part ?? '-'))
    .join(' | ');
}

/** A file as one line: content, name, records, bytes, added by, sequence numbers, equality ids, partition. */
export function fileLine(file: ScanFile): string {
  const partition = file.partition.map(
    ({ name, type, value }) => `${name}:${type}=${value ? renderValue(type, value) : 'null'}`,
  );
  return [
    FileContent[file.content],
    file.filePath.slice(file.filePath.lastIndexOf('/') + 1),
    file.recordCount,
    file.fileSizeBytes,
    file.addedSnapshotId,
    file.dataSequenceNumber,
    file.fileSequenceNumber,
    `[${file.equalityIds.join(',')}]`,
    ...partition,
  ].join(' ');
}
