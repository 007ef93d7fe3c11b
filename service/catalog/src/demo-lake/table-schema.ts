/** Iceberg's primitive types, spelled as in its metadata. */
export type PrimitiveType =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'string'
  | 'uuid'
  | 'binary'
  | `decimal(${number}, ${number})`
  | `fixed[${number}]`;

export interface StructType {
  readonly type: 'struct';
  readonly fields: readonly Field[];
}

export interface ListType {
  readonly type: 'list';
  readonly 'element-id': number;
  readonly 'element-required': boolean;
  readonly element: FieldType;
}

export interface MapType {
  readonly type: 'map';
  readonly 'key-id': number;
  readonly key: FieldType;
  readonly 'value-id': number;
  readonly 'value-required': boolean;
  readonly value: FieldType;
}

export type FieldType = PrimitiveType | StructType | ListType | MapType;

export interface Field {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: FieldType;
  readonly doc?: string;
}

/** A schema in the very form it has in metadata, so that it is written as it is. */
export interface TableSchema extends StructType {
  readonly 'schema-id': number;
}

/**
 * A value that is not nested. `int` and `date` (days) are numbers; `long`, `time`, `timestamp` and `timestamptz`
 * (microseconds) and the unscaled value of a `decimal` are bigints; a `uuid` is lower-case text.
 */
export type Primitive = boolean | number | bigint | string | Uint8Array;

/** A struct is an object, a list an array, a map a `Map`. */
export type Value = Primitive | null | Row | readonly Value[] | ReadonlyMap<string, Value>;

export interface Row {
  readonly [column: string]: Value;
}

/** A column as a file holds it: a primitive, with the names that lead to it. */
export interface Leaf {
  readonly id: number;
  readonly type: PrimitiveType;
  readonly path: readonly string[];
  /** Inside a list or a map, so a row has any number of values. */
  readonly repeated: boolean;
}

/** The leaves of a schema, depth first, as Parquet orders its columns. */
export function leavesOf(struct: StructType, path: readonly string[] = [], repeated = false): Leaf[] {
  return struct.fields.flatMap(({ id, name, type }) => leavesBelow(type, id, [...path, name], repeated));
}

function leavesBelow(type: FieldType, id: number, path: readonly string[], repeated: boolean): Leaf[] {
  if (typeof type === 'string') return [{ id, type, path, repeated }];
  switch (type.type) {
    case 'struct':
      return leavesOf(type, path, repeated);
    case 'list':
      return leavesBelow(type.element, type['element-id'], [...path, 'element'], true);
    case 'map':
      return [
        ...leavesBelow(type.key, type['key-id'], [...path, 'key'], true),
        ...leavesBelow(type.value, type['value-id'], [...path, 'value'], true),
      ];
  }
}

/** The value of an unrepeated leaf in a row; `null` where it or a struct around it is. */
export function leafValue(leaf: Leaf, row: Row): Primitive | null {
  let value: Value = row;
  for (const name of leaf.path) {
    if (value === null) return null;
    value = (value as Row)[name] ?? null;
  }
  return value as Primitive | null;
}

export function highestFieldId(struct: StructType): number {
  const below = (type: FieldType): number => {
    if (typeof type === 'string') return 0;
    if (type.type === 'struct') return highestFieldId(type);
    if (type.type === 'list') return Math.max(type['element-id'], below(type.element));
    return Math.max(type['key-id'], type['value-id'], below(type.key), below(type.value));
  };
  return Math.max(0, ...struct.fields.map(({ id, type }) => Math.max(id, below(type))));
}

export function decimalOf(type: string): { readonly precision: number; readonly scale: number } | undefined {
  const match = /^decimal\((\d+), (\d+)\)$/.exec(type);
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined;
}

export function fixedLength(type: string): number | undefined {
  const match = /^fixed\[(\d+)\]$/.exec(type);
  return match ? Number(match[1]) : undefined;
}
