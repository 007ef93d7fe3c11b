const INT64_MAX = 2n ** 63n - 1n;

/** Only figures of a damaged manifest reach the end of the range; they stay there. */
export function addInt64(a: bigint, b: bigint): bigint {
  const sum = a + b;
  return sum > INT64_MAX ? INT64_MAX : sum;
}

/** Sums over live files; the fields of `TableStatistics`. */
export interface TableTotals {
  readonly recordCount: bigint;
  readonly dataFileCount: bigint;
  readonly dataFileBytes: bigint;
  readonly positionDeleteFileCount: bigint;
  readonly positionDeleteRecordCount: bigint;
  readonly equalityDeleteFileCount: bigint;
  readonly equalityDeleteRecordCount: bigint;
  readonly deleteFileBytes: bigint;
}

export const NO_FILES: TableTotals = Object.freeze({
  recordCount: 0n,
  dataFileCount: 0n,
  dataFileBytes: 0n,
  positionDeleteFileCount: 0n,
  positionDeleteRecordCount: 0n,
  equalityDeleteFileCount: 0n,
  equalityDeleteRecordCount: 0n,
  deleteFileBytes: 0n,
});

const NAMES = Object.keys(NO_FILES) as (keyof TableTotals)[];

export function addTotals(a: TableTotals, b: Partial<TableTotals>): TableTotals {
  const sums: Record<keyof TableTotals, bigint> = { ...a };
  for (const name of NAMES) sums[name] = addInt64(a[name], b[name] ?? 0n);
  return sums;
}
