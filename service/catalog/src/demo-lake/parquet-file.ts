import { ByteWriter, ParquetWriter } from 'hyparquet-writer';

import { BOUND_LENGTH, boundsOf } from './column-bounds.ts';
import { parquetSchema } from './parquet-schema.ts';
import type { FieldType, Leaf, Row, StructType, Value } from './table-schema.ts';
import { leafValue, leavesOf } from './table-schema.ts';

/** What a manifest says about the columns of a file, by field id. */
export interface ColumnMetrics {
  readonly columnSizes: ReadonlyMap<number, bigint>;
  readonly valueCounts: ReadonlyMap<number, bigint>;
  readonly nullCounts: ReadonlyMap<number, bigint>;
  readonly nanCounts: ReadonlyMap<number, bigint>;
  readonly lowerBounds: ReadonlyMap<number, Buffer>;
  readonly upperBounds: ReadonlyMap<number, Buffer>;
}

export interface ParquetFile {
  readonly bytes: Uint8Array;
  readonly metrics: ColumnMetrics;
  /** Where the row groups start. */
  readonly splitOffsets: readonly bigint[];
}

/**
 * A Parquet file of one row group, Snappy, with Iceberg's field ids. Sizes and counts are those of the column
 * chunks; bounds (of at most `boundLength`) and NaN counts are of columns outside lists and maps. `rows` must not
 * be empty.
 */
export function parquetFile(
  schema: StructType,
  rows: readonly Row[],
  boundLength = BOUND_LENGTH,
): ParquetFile {
  if (rows.length === 0) throw new RangeError('a data file without rows; leave the file out instead');
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({ writer, schema: parquetSchema(schema), createdBy: 'floecat-storage' });
  // Both ends are in memory, so neither answers with a promise.
  void parquet.write({
    columnData: schema.fields.map(({ name, type }) => ({
      name,
      data: rows.map((row) => stored(type, row[name] ?? null)),
    })),
    rowGroupSize: rows.length,
  });
  void parquet.finish();
  const chunks = parquet.row_groups.flatMap((group) => group.columns.map((column) => column.meta_data));
  const first = chunks[0];
  return {
    bytes: new Uint8Array(writer.getBuffer()),
    metrics: metricsOf(leavesOf(schema), rows, chunks, boundLength),
    splitOffsets: first ? [first.dictionary_page_offset ?? first.data_page_offset] : [],
  };
}

type Chunk = ParquetWriter['row_groups'][number]['columns'][number]['meta_data'];

function metricsOf(
  leaves: readonly Leaf[],
  rows: readonly Row[],
  chunks: readonly Chunk[],
  boundLength: number,
): ColumnMetrics {
  const columnSizes = new Map<number, bigint>();
  const valueCounts = new Map<number, bigint>();
  const nullCounts = new Map<number, bigint>();
  const nanCounts = new Map<number, bigint>();
  const lowerBounds = new Map<number, Buffer>();
  const upperBounds = new Map<number, Buffer>();
  for (const [i, leaf] of leaves.entries()) {
    const chunk = chunks[i];
    if (!chunk) throw new RangeError(`the Parquet file lacks column ${leaf.path.join('.')}`);
    columnSizes.set(leaf.id, chunk.total_compressed_size);
    valueCounts.set(leaf.id, chunk.num_values);
    nullCounts.set(leaf.id, chunk.statistics?.null_count ?? 0n);
    if (leaf.repeated) continue;
    const values = rows.map((row) => leafValue(leaf, row)).filter((value) => value !== null);
    if (leaf.type === 'float' || leaf.type === 'double')
      nanCounts.set(leaf.id, BigInt(values.filter((value) => Number.isNaN(value)).length));
    const { lower, upper } = boundsOf(leaf.type, values, boundLength);
    if (lower) lowerBounds.set(leaf.id, lower);
    if (upper) upperBounds.set(leaf.id, upper);
  }
  return { columnSizes, valueCounts, nullCounts, nanCounts, lowerBounds, upperBounds };
}

// The writer takes a map as a list of entries; everything else is held as it is stored.
function stored(type: FieldType, value: Value): unknown {
  if (value === null) return null;
  if (typeof type === 'string') return value;
  switch (type.type) {
    case 'struct':
      return Object.fromEntries(
        type.fields.map((f) => [f.name, stored(f.type, (value as Row)[f.name] ?? null)]),
      );
    case 'list':
      return (value as readonly Value[]).map((item) => stored(type.element, item));
    case 'map':
      return Array.from(value as ReadonlyMap<string, Value>, ([key, item]) => ({
        key: stored(type.key, key),
        value: stored(type.value, item),
      }));
  }
}
