import { InvalidArgumentError } from '@floecat/storage-spi';

import type { IcebergType } from './iceberg-type.ts';
import { JsonFields } from './json-fields.ts';

export interface PartitionField {
  readonly fieldId: number;
  readonly name: string;
  readonly sourceId: number;
  /** As the metadata spells it, such as `identity`, `bucket[16]` or `day`. */
  readonly transform: string;
}

export interface PartitionSpec {
  readonly specId: number;
  readonly fields: readonly PartitionField[];
}

/** Ids of partition fields that format version 1 leaves out count from here. */
export const FIRST_PARTITION_ID = 1000;

export function parsePartitionFields(fields: readonly JsonFields[]): PartitionField[] {
  return fields.map((field, i) => {
    const [source] = field.list('source-ids');
    return {
      fieldId: field.optionalInt32('field-id') ?? FIRST_PARTITION_ID + i,
      name: field.string('name'),
      sourceId: field.optionalInt32('source-id') ?? (typeof source === 'number' ? source : -1),
      transform: field.string('transform'),
    };
  });
}

/** The fields that a manifest's header states, or `undefined` where it states none that can be read. */
export function partitionFieldsOf(location: string, header: unknown): PartitionField[] | undefined {
  if (!Array.isArray(header)) return undefined;
  try {
    return parsePartitionFields(
      header.map((item, i) => new JsonFields(location, `partition-spec[${i}]`, item)),
    );
  } catch (error) {
    if (error instanceof InvalidArgumentError) return undefined;
    throw error;
  }
}

/** Type of a value after the transform; `undefined` where transform or source are unknown. */
export function transformedType(transform: string, source: IcebergType | undefined): IcebergType | undefined {
  if (/^bucket\[\d+\]$/.test(transform) || ['year', 'month', 'hour'].includes(transform))
    return { kind: 'int' };
  if (transform === 'day') return { kind: 'date' };
  return transform === 'identity' || transform === 'void' || /^truncate\[\d+\]$/.test(transform)
    ? source
    : undefined;
}
