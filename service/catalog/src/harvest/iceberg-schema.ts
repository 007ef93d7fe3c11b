import type { IcebergType } from './iceberg-type.ts';
import { parseType } from './iceberg-type.ts';
import type { JsonFields } from './json-fields.ts';
import { MAX_SCHEMA_DEPTH } from './limits.ts';

/** A field of a schema at any depth. */
export interface Column {
  readonly id: number;
  /** Dotted path. Items of a list are called `element`, those of a map `key` and `value`. */
  readonly name: string;
  /** `other` with name `struct`, `list` or `map` for a nested one. */
  readonly type: IcebergType;
  /** Has values of its own, not only fields. */
  readonly leaf: boolean;
}

export interface IcebergSchema {
  /** Absent in format version 1. */
  readonly schemaId: number | undefined;
  /** All fields, in order of id. */
  readonly columns: readonly Column[];
}

/** Reads a schema of a metadata file or of a manifest's header. Ids that appear twice are refused. */
export function parseSchema(fields: JsonFields): IcebergSchema {
  const columns = new Map<number, Column>();
  addStruct(fields, '', columns, 0);
  return {
    schemaId: fields.optionalInt32('schema-id'),
    columns: [...columns.values()].sort((a, b) => a.id - b.id),
  };
}

type Columns = Map<number, Column>;

function addStruct(struct: JsonFields, prefix: string, columns: Columns, depth: number): void {
  if (depth > MAX_SCHEMA_DEPTH) struct.refuse(`the schema nests deeper than ${MAX_SCHEMA_DEPTH}`);
  for (const field of struct.objects('fields'))
    addField(field, ['id', 'type'], prefix + field.string('name'), columns, depth);
}

/** Adds the field whose id and type stand under these two names of `owner`. */
function addField(
  owner: JsonFields,
  [idName, typeField]: readonly [string, string],
  name: string,
  columns: Columns,
  depth: number,
): void {
  const id = owner.int32(idName);
  if (columns.has(id)) owner.refuse(`the schema uses field id ${id} twice`);
  const raw = owner.raw(typeField);
  if (typeof raw === 'string') {
    columns.set(id, { id, name, type: parseType(raw), leaf: true });
    return;
  }
  const nested = owner.object(typeField) ?? owner.refuse(`${name} has no type`);
  const kind = nested.string('type');
  columns.set(id, { id, name, type: { kind: 'other', name: kind }, leaf: false });
  switch (kind) {
    case 'struct':
      addStruct(nested, `${name}.`, columns, depth + 1);
      break;
    case 'list':
      addItem(nested, 'element', name, columns, depth);
      break;
    case 'map':
      addItem(nested, 'key', name, columns, depth);
      addItem(nested, 'value', name, columns, depth);
      break;
    default:
      nested.refuse(`${name} has the unknown nested type ${JSON.stringify(kind)}`);
  }
}

function addItem(nested: JsonFields, item: string, name: string, columns: Columns, depth: number): void {
  if (depth > MAX_SCHEMA_DEPTH) nested.refuse(`the schema nests deeper than ${MAX_SCHEMA_DEPTH}`);
  addField(nested, [`${item}-id`, item], `${name}.${item}`, columns, depth + 1);
}
