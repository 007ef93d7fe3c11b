import { JsonFields } from './json-fields.ts';
import { InvalidArgumentError } from '@floecat/storage-spi';

/** A statistics file that the metadata names, as far as the catalog uses it. */
export interface StatisticsFile {
  readonly snapshotId: bigint;
  readonly path: string;
  /** Number of distinct values by field id. */
  readonly distinctCounts: ReadonlyMap<number, bigint>;
}

const THETA_SKETCH = 'apache-datasketches-theta-v1';
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Reads `statistics` of a metadata file. Entries that are malformed are passed over: statistics are advice, and
 * the table reads as well without them.
 */
export function parseStatisticsFiles(value: unknown): StatisticsFile[] {
  return (Array.isArray(value) ? value : []).flatMap((item: unknown) => {
    try {
      return [statisticsFileOf(new JsonFields('', 'statistics', item))];
    } catch (error) {
      if (error instanceof InvalidArgumentError) return [];
      throw error;
    }
  });
}

/**
 * Distinct counts of a snapshot. They stand in the metadata itself, so a statistics file that is named but missing
 * or damaged takes nothing away; the file holds the sketches, which are not read.
 */
export function distinctCountsOf(files: readonly StatisticsFile[], snapshotId: bigint): Map<number, bigint> {
  return new Map(
    files.filter((file) => file.snapshotId === snapshotId).flatMap((file) => [...file.distinctCounts]),
  );
}

function statisticsFileOf(fields: JsonFields): StatisticsFile {
  const distinctCounts = new Map<number, bigint>();
  for (const blob of fields.objects('blob-metadata')) {
    const [fieldId, ...more] = blob.list('fields');
    const ndv = blob.object('properties')?.optionalString('ndv');
    if (blob.optionalString('type') !== THETA_SKETCH || typeof fieldId !== 'number' || more.length > 0)
      continue;
    if (ndv === undefined || !/^\d{1,19}$/.test(ndv) || BigInt(ndv) > INT64_MAX) continue;
    distinctCounts.set(fieldId, BigInt(ndv));
  }
  return {
    snapshotId: fields.int64('snapshot-id'),
    path: fields.optionalString('statistics-path') ?? '',
    distinctCounts,
  };
}
