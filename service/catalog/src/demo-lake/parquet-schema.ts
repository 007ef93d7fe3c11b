import type { ParquetWriter } from 'hyparquet-writer';

import type { Field, PrimitiveType, StructType } from './table-schema.ts';
import { decimalOf, fixedLength } from './table-schema.ts';

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

/** The schema as Parquet holds it, each element with its Iceberg field id. */
export function parquetSchema(schema: StructType): SchemaElement[] {
  return [{ name: 'table', num_children: schema.fields.length }, ...schema.fields.flatMap(fieldElements)];
}

function fieldElements({ id, name, type, required }: Omit<Field, 'doc'>): SchemaElement[] {
  const own = { name, field_id: id, repetition_type: required ? 'REQUIRED' : 'OPTIONAL' } as const;
  if (typeof type === 'string') return [{ ...own, ...primitiveElement(type) }];
  switch (type.type) {
    case 'struct':
      return [{ ...own, num_children: type.fields.length }, ...type.fields.flatMap(fieldElements)];
    case 'list':
      return [
        { ...own, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        ...fieldElements({
          id: type['element-id'],
          name: 'element',
          type: type.element,
          required: type['element-required'],
        }),
      ];
    case 'map':
      return [
        { ...own, num_children: 1, converted_type: 'MAP', logical_type: { type: 'MAP' } },
        { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
        ...fieldElements({ id: type['key-id'], name: 'key', type: type.key, required: true }),
        ...fieldElements({
          id: type['value-id'],
          name: 'value',
          type: type.value,
          required: type['value-required'],
        }),
      ];
  }
}

function primitiveElement(type: PrimitiveType): Omit<SchemaElement, 'name'> {
  const decimal = decimalOf(type);
  if (decimal) return decimalElement(decimal.precision, decimal.scale);
  const length = fixedLength(type);
  if (length !== undefined) return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: length };
  switch (type) {
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'int':
      return { type: 'INT32' };
    case 'long':
      return { type: 'INT64' };
    case 'float':
      return { type: 'FLOAT' };
    case 'double':
      return { type: 'DOUBLE' };
    case 'date':
      return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } };
    case 'time':
      return { type: 'INT64', logical_type: { type: 'TIME', isAdjustedToUTC: false, unit: 'MICROS' } };
    case 'timestamp':
      return { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' } };
    case 'timestamptz':
      return { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } };
    case 'uuid':
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } };
    case 'string':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
    case 'binary':
    default:
      return { type: 'BYTE_ARRAY' };
  }
}

// Iceberg prescribes the physical type by precision.
function decimalElement(precision: number, scale: number): Omit<SchemaElement, 'name'> {
  const shared = {
    converted_type: 'DECIMAL',
    logical_type: { type: 'DECIMAL', precision, scale },
    precision,
    scale,
  } as const;
  if (precision <= 9) return { type: 'INT32', ...shared };
  if (precision <= 18) return { type: 'INT64', ...shared };
  let bytes = 9;
  while (10n ** BigInt(precision) > 2n ** BigInt(bytes * 8 - 1)) bytes++;
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: bytes, ...shared };
}
