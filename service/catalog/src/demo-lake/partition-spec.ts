import type { Field, Primitive, PrimitiveType, Row, TableSchema } from './table-schema.ts';

const MICROS_PER_DAY = 86_400_000_000n;

export interface PartitionField {
  readonly 'source-id': number;
  readonly 'field-id': number;
  readonly name: string;
  /** The two that the demonstration needs; `day` takes a timestamp. */
  readonly transform: 'identity' | 'day';
}

/** A partition spec in the form that it has in metadata. */
export interface PartitionSpec {
  readonly 'spec-id': number;
  readonly fields: readonly PartitionField[];
}

export type PartitionValues = Readonly<Record<string, Primitive | null>>;

/** Field ids of partition fields start here, whatever the columns are called. */
export const FIRST_PARTITION_ID = 1000;

function sourceOf(field: PartitionField, schema: TableSchema): Field {
  const source = schema.fields.find(({ id }) => id === field['source-id']);
  if (!source) throw new RangeError(`partition field ${field.name} has no source column`);
  return source;
}

/** The type of a partition value. */
export function partitionType(field: PartitionField, schema: TableSchema): PrimitiveType {
  if (field.transform === 'day') return 'date';
  const { type } = sourceOf(field, schema);
  if (typeof type !== 'string') throw new RangeError(`partition field ${field.name} is of a nested column`);
  return type;
}

/** The partition that a row belongs to. */
export function partitionOf(spec: PartitionSpec, schema: TableSchema, row: Row): PartitionValues {
  return Object.fromEntries(
    spec.fields.map((field) => {
      const value = (row[sourceOf(field, schema).name] ?? null) as Primitive | null;
      return [field.name, field.transform === 'day' && value !== null ? epochDay(value as bigint) : value];
    }),
  );
}

// Floors, so that a moment before 1970 falls into its own day.
function epochDay(micros: bigint): number {
  const day = micros / MICROS_PER_DAY;
  return Number(day * MICROS_PER_DAY > micros ? day - 1n : day);
}

/** The folder of a partition below `data/`: `name=value/…`, empty where there is no partitioning. */
export function partitionFolder(spec: PartitionSpec, partition: PartitionValues): string {
  return spec.fields
    .map(({ name, transform }) => {
      const value = partition[name] ?? null;
      const text =
        transform === 'day' && value !== null
          ? new Date(Number(value) * 86_400_000).toISOString().slice(0, 10)
          : String(value);
      return `${encodeURIComponent(name)}=${encodeURIComponent(text)}/`;
    })
    .join('');
}
