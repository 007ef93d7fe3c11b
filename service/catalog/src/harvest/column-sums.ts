import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ColumnStatisticsSchema } from '@floecat/proto/snapshots';

import type { Column } from './iceberg-schema.ts';
import type { IcebergType } from './iceberg-type.ts';
import { typeName } from './iceberg-type.ts';
import type { OrderedValue } from './single-value.ts';
import { compareValues, decodeValue, encodeValue } from './single-value.ts';
import { addInt64 } from './table-totals.ts';

type Counts = Readonly<Record<number, bigint>>;
type Bounds = Readonly<Record<number, Uint8Array>>;

/** What a data file states of its columns, each by field id. */
export interface FileMetrics {
  readonly recordCount: bigint;
  readonly columnSizes: Counts;
  readonly valueCounts: Counts;
  readonly nullCounts: Counts;
  readonly nanCounts: Counts;
  readonly lowerBounds: Bounds;
  readonly upperBounds: Bounds;
}

interface Bound {
  readonly value?: OrderedValue;
  /** Some file has, or may have, values and states no bound: nothing is known of the whole. */
  readonly open: boolean;
}

interface Sum {
  valueCount: bigint | undefined;
  nullCount: bigint | undefined;
  nanCount: bigint | undefined;
  columnBytes: bigint | undefined;
  filesWithCounts: bigint;
  lower: Bound;
  upper: Bound;
}

const LOWER = -1;
const UPPER = 1;

/** Statistics of the columns of one schema, added up over data files. */
export class ColumnSums {
  readonly #columns: readonly Column[];
  readonly #sums: readonly Sum[];

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
    this.#sums = columns.map(() => ({
      valueCount: undefined,
      nullCount: undefined,
      nanCount: undefined,
      columnBytes: undefined,
      filesWithCounts: 0n,
      lower: { open: false },
      upper: { open: false },
    }));
  }

  add(file: FileMetrics): void {
    for (const [i, { id, type }] of this.#columns.entries()) {
      const sum = this.#sums[i] as Sum;
      const values = countOf(file.valueCounts, id);
      const nulls = countOf(file.nullCounts, id);
      const nans = countOf(file.nanCounts, id);
      if (values !== undefined) sum.filesWithCounts += 1n;
      sum.valueCount = add(sum.valueCount, values);
      sum.nullCount = add(sum.nullCount, nulls);
      sum.nanCount = add(sum.nanCount, nans);
      sum.columnBytes = add(sum.columnBytes, countOf(file.columnSizes, id));
      if (file.recordCount === 0n || isWithoutValues(values, nulls, nans)) continue;
      sum.lower = bound(sum.lower, boundOf(type, file.lowerBounds[id]), LOWER);
      sum.upper = bound(sum.upper, boundOf(type, file.upperBounds[id]), UPPER);
    }
  }

  /** Adds sums over the same columns. */
  merge(other: ColumnSums): void {
    for (const [i, theirs] of other.#sums.entries()) {
      const ours = this.#sums[i] as Sum;
      ours.valueCount = add(ours.valueCount, theirs.valueCount);
      ours.nullCount = add(ours.nullCount, theirs.nullCount);
      ours.nanCount = add(ours.nanCount, theirs.nanCount);
      ours.columnBytes = add(ours.columnBytes, theirs.columnBytes);
      ours.filesWithCounts += theirs.filesWithCounts;
      ours.lower = bound(ours.lower, theirs.lower, LOWER);
      ours.upper = bound(ours.upper, theirs.upper, UPPER);
    }
  }

  /** Takes all bounds away: there are data files that could not be read. */
  loseBounds(): void {
    for (const sum of this.#sums) sum.lower = sum.upper = { open: true };
  }

  /** By field id; nested columns without values of their own only where a file states something of them. */
  statistics(distinctCounts: ReadonlyMap<number, bigint>): MessageInitShape<typeof ColumnStatisticsSchema>[] {
    return this.#columns.flatMap(({ id, name, type, leaf }, i) => {
      const { lower, upper, filesWithCounts, ...counts } = this.#sums[i] as Sum;
      const distinctCount = distinctCounts.get(id);
      const lowerBound = bytesOf(type, lower);
      const upperBound = bytesOf(type, upper);
      const stated = Object.entries({ ...counts, distinctCount, lowerBound, upperBound }).filter(
        ([, value]) => value !== undefined,
      );
      if (!leaf && stated.length === 0) return [];
      return [{ fieldId: id, name, type: typeName(type), filesWithCounts, ...Object.fromEntries(stated) }];
    });
  }

  /** Memory, roughly. */
  get bytes(): number {
    return this.#sums.length * 256;
  }
}

/** A negative count, which some writers put for "not known", is none. */
function countOf(counts: Counts, id: number): bigint | undefined {
  const count = counts[id];
  return count === undefined || count < 0n ? undefined : count;
}

function add(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  return a === undefined || b === undefined ? (a ?? b) : addInt64(a, b);
}

/** Whether a file certainly has only nulls and NaNs, which no bound covers. */
function isWithoutValues(
  values: bigint | undefined,
  nulls: bigint | undefined,
  nans: bigint | undefined,
): boolean {
  return values !== undefined && values - (nulls ?? 0n) - (nans ?? 0n) <= 0n;
}

function boundOf(type: IcebergType, bytes: Uint8Array | undefined): Bound {
  const value = bytes && decodeValue(type, bytes);
  return value === undefined ? { open: true } : { value, open: false };
}

function bound(a: Bound, b: Bound, direction: typeof LOWER | typeof UPPER): Bound {
  if (a.open || b.open) return { open: true };
  if (b.value === undefined || a.value === undefined) return detached(a.value === undefined ? b : a);
  return compareValues(b.value, a.value) * direction > 0 ? detached(b) : a;
}

/** A copy of the bytes, which are a view that would keep a whole block of a manifest in memory. */
function detached({ value, open }: Bound): Bound {
  return value instanceof Uint8Array
    ? { value: Uint8Array.from(value), open }
    : { ...(value !== undefined && { value }), open };
}

function bytesOf(type: IcebergType, { value, open }: Bound): Uint8Array | undefined {
  return open || value === undefined ? undefined : encodeValue(type, value);
}
