import type { AvroSchema } from './avro-file.ts';
import type { PartitionField } from './partition-spec.ts';
import { partitionType } from './partition-spec.ts';
import type { PrimitiveType, TableSchema } from './table-schema.ts';

// The numbers are the field ids that the Iceberg specification assigns.

const required = (name: string, id: number, type: unknown): object => ({ name, type, 'field-id': id });

const optional = (name: string, id: number, type: unknown): object => ({
  name,
  type: ['null', type],
  default: null,
  'field-id': id,
});

// Avro's own maps have string keys only, so a map by field id is a list of pairs.
const byFieldId = (keyId: number, valueId: number, value: 'long' | 'bytes'): object => ({
  type: 'array',
  logicalType: 'map',
  items: {
    type: 'record',
    name: `k${keyId}_v${valueId}`,
    fields: [required('key', keyId, 'int'), required('value', valueId, value)],
  },
});

const listOf = (elementId: number, items: unknown): object => ({
  type: 'array',
  'element-id': elementId,
  items,
});

/** A line of a version 2 manifest list. */
export const manifestListSchema = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    required('manifest_path', 500, 'string'),
    required('manifest_length', 501, 'long'),
    required('partition_spec_id', 502, 'int'),
    required('content', 517, 'int'),
    required('sequence_number', 515, 'long'),
    required('min_sequence_number', 516, 'long'),
    required('added_snapshot_id', 503, 'long'),
    required('added_files_count', 504, 'int'),
    required('existing_files_count', 505, 'int'),
    required('deleted_files_count', 506, 'int'),
    required('added_rows_count', 512, 'long'),
    required('existing_rows_count', 513, 'long'),
    required('deleted_rows_count', 514, 'long'),
    optional(
      'partitions',
      507,
      listOf(508, {
        type: 'record',
        name: 'r508',
        fields: [
          required('contains_null', 509, 'boolean'),
          optional('contains_nan', 518, 'boolean'),
          optional('lower_bound', 510, 'bytes'),
          optional('upper_bound', 511, 'bytes'),
        ],
      }),
    ),
  ],
} as AvroSchema;

/** A line of a version 2 manifest; the partition's fields depend on the spec. */
export function manifestSchema(partition: readonly PartitionField[], table: TableSchema): AvroSchema {
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      required('status', 0, 'int'),
      optional('snapshot_id', 1, 'long'),
      optional('sequence_number', 3, 'long'),
      optional('file_sequence_number', 4, 'long'),
      required('data_file', 2, {
        type: 'record',
        name: 'r2',
        fields: [
          required('content', 134, 'int'),
          required('file_path', 100, 'string'),
          required('file_format', 101, 'string'),
          required('partition', 102, {
            type: 'record',
            name: 'r102',
            fields: partition.map((field) =>
              optional(field.name, field['field-id'], avroType(partitionType(field, table))),
            ),
          }),
          required('record_count', 103, 'long'),
          required('file_size_in_bytes', 104, 'long'),
          optional('column_sizes', 108, byFieldId(117, 118, 'long')),
          optional('value_counts', 109, byFieldId(119, 120, 'long')),
          optional('null_value_counts', 110, byFieldId(121, 122, 'long')),
          optional('nan_value_counts', 137, byFieldId(138, 139, 'long')),
          optional('lower_bounds', 125, byFieldId(126, 127, 'bytes')),
          optional('upper_bounds', 128, byFieldId(129, 130, 'bytes')),
          optional('split_offsets', 132, listOf(133, 'long')),
          optional('sort_order_id', 140, 'int'),
          optional('referenced_data_file', 143, 'string'),
        ],
      }),
    ],
  } as AvroSchema;
}

function avroType(type: PrimitiveType): unknown {
  if (type === 'date') return { type: 'int', logicalType: 'date' };
  if (type === 'boolean' || type === 'int' || type === 'long' || type === 'string') return type;
  throw new RangeError(`a ${type} column is not partitioned by here; use another`);
}
