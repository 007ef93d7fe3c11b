import { InvalidArgumentError } from '@floecat/storage-spi';

import type { AvroFile } from './avro-file.ts';
import { parseSchema } from './iceberg-schema.ts';
import type { IcebergType } from './iceberg-type.ts';
import { typeName } from './iceberg-type.ts';
import { JsonFields } from './json-fields.ts';
import { partitionFieldsOf, transformedType } from './partition-spec.ts';
import { icebergTypeOf, partitionFields } from './partition-values.ts';
import type { TableMetadata } from './table-metadata.ts';

/** A field of a manifest's partition struct. */
export interface PartitionColumn {
  readonly fieldId: number;
  readonly name: string;
  /** After the transform. */
  readonly type: string;
}

/**
 * The partition fields of a manifest: those of its own struct, which `path` leads to by field ids. Names and types
 * come from the spec and schema in its header, else from the metadata, else from the struct.
 */
export function partitionColumnsOf(
  file: AvroFile,
  metadata: TableMetadata,
  specId: number,
  [dataFile, partition]: readonly [number, number],
): PartitionColumn[] {
  const entry = file.type.fields?.find(({ id }) => id === dataFile)?.type;
  const struct = entry?.fields?.find(({ id }) => id === partition)?.type;
  const fields = partitionFields(struct);
  if (fields.length === 0) return [];
  const spec =
    partitionFieldsOf(file.location, file.headerJson('partition-spec')) ??
    metadata.specs.find((known) => known.specId === specId)?.fields ??
    [];
  const sources = sourceTypes(file, metadata);
  return fields.map(({ id = 0, name, type }) => {
    const field = spec.find(({ fieldId }) => fieldId === id);
    const known = field && transformedType(field.transform, sources.get(field.sourceId));
    return { fieldId: id, name: field?.name ?? name, type: typeName(known ?? icebergTypeOf(type)) };
  });
}

/** Types by field id; where several schemas have a field, the manifest's own wins, then the table's current one. */
function sourceTypes(file: AvroFile, { schemas, currentSchema }: TableMetadata): Map<number, IcebergType> {
  const own = ownSchema(file);
  const all = [...schemas, currentSchema, ...(own ? [own] : [])];
  return new Map(
    all.flatMap(({ columns }) => columns.map(({ id, type }): [number, IcebergType] => [id, type])),
  );
}

function ownSchema(file: AvroFile): ReturnType<typeof parseSchema> | undefined {
  try {
    return parseSchema(new JsonFields(file.location, 'schema', file.headerJson('schema')));
  } catch (error) {
    if (error instanceof InvalidArgumentError) return undefined;
    throw error;
  }
}
