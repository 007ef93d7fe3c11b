import type { ContentFile } from './content-file.ts';
import type { Operation, Snapshot } from './table-metadata.ts';

/** What a snapshot changed, and the totals after it; a count of zero is left out, a total never. */
export function snapshotSummary(
  operation: Operation,
  added: readonly ContentFile[],
  removed: readonly ContentFile[],
  previous: Snapshot['summary'] | undefined,
): Snapshot['summary'] {
  const plus = tally(added);
  const minus = tally(removed);
  const changes = Object.entries({
    'added-data-files': plus.dataFiles,
    'deleted-data-files': minus.dataFiles,
    'added-records': plus.records,
    'deleted-records': minus.records,
    'added-delete-files': plus.deleteFiles,
    'added-position-delete-files': plus.deleteFiles,
    'removed-delete-files': minus.deleteFiles,
    'removed-position-delete-files': minus.deleteFiles,
    'added-position-deletes': plus.deletes,
    'removed-position-deletes': minus.deletes,
    'added-files-size': plus.size,
    'removed-files-size': minus.size,
  }).filter(([, count]) => count > 0n);
  const total = (name: string, change: bigint): string => String(BigInt(previous?.[name] ?? 0) + change);
  return {
    operation,
    ...Object.fromEntries(changes.map(([name, count]) => [name, String(count)])),
    'changed-partition-count': String(partitionCount([...added, ...removed])),
    'total-records': total('total-records', plus.records - minus.records),
    'total-files-size': total('total-files-size', plus.size - minus.size),
    'total-data-files': total('total-data-files', plus.dataFiles - minus.dataFiles),
    'total-delete-files': total('total-delete-files', plus.deleteFiles - minus.deleteFiles),
    'total-position-deletes': total('total-position-deletes', plus.deletes - minus.deletes),
    'total-equality-deletes': '0',
  };
}

interface Tally {
  readonly dataFiles: bigint;
  readonly records: bigint;
  readonly deleteFiles: bigint;
  readonly deletes: bigint;
  readonly size: bigint;
}

function tally(files: readonly ContentFile[]): Tally {
  const data = files.filter((file) => file.content === 'data');
  const deletes = files.filter((file) => file.content !== 'data');
  return {
    dataFiles: BigInt(data.length),
    records: rowsOf(data),
    deleteFiles: BigInt(deletes.length),
    deletes: rowsOf(deletes),
    size: files.reduce((sum, file) => sum + file.fileSize, 0n),
  };
}

function rowsOf(files: readonly ContentFile[]): bigint {
  return files.reduce((sum, file) => sum + file.recordCount, 0n);
}

function partitionCount(files: readonly ContentFile[]): number {
  return new Set(files.map((file) => JSON.stringify(Object.values(file.partition).map(String)))).size;
}
