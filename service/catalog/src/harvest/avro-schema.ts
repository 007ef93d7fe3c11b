import type { AvroCursor } from './avro-cursor.ts';
import { AvroDamage } from './avro-cursor.ts';
import { MAX_AVRO_ITEMS, MAX_SCHEMA_DEPTH } from './limits.ts';

/** Values of a record by Iceberg's field id. Names differ between writers and versions, ids do not. */
export type AvroRecord = ReadonlyMap<number, unknown>;

/**
 * What a schema reads as: `null`, boolean, number (int, float, double), bigint (long), string (also enum),
 * `Uint8Array` (bytes, fixed; a view), {@link AvroRecord}, array, and for an array of key and value, which is how
 * Iceberg writes a map whose keys are integers, an object by key.
 */
export interface AvroType {
  readonly kind: string;
  readonly read: (cursor: AvroCursor) => unknown;
  /** Least size of a value. An item that may take no bytes at all could be repeated without end. */
  readonly minBytes: number;
  readonly logicalType?: string;
  /** Of a decimal. */
  readonly precision?: number;
  readonly scale?: number;
  /** Of a timestamp. */
  readonly adjustToUtc?: boolean;
  /** Of a fixed. */
  readonly size?: number;
  readonly fields?: readonly AvroField[];
  /** Of a union. */
  readonly branches?: readonly AvroType[];
}

export interface AvroField {
  readonly id: number | undefined;
  readonly name: string;
  readonly type: AvroType;
}

/** Replaces how the record of one field is read. */
export type FieldOverride = (id: number | undefined, type: AvroType) => AvroType;

const PRIMITIVES: Readonly<Record<string, Pick<AvroType, 'read' | 'minBytes'>>> = {
  null: { read: () => null, minBytes: 0 },
  boolean: { read: (cursor) => cursor.boolean(), minBytes: 1 },
  int: { read: (cursor) => cursor.int(), minBytes: 1 },
  long: { read: (cursor) => cursor.long(), minBytes: 1 },
  float: { read: (cursor) => cursor.float(), minBytes: 4 },
  double: { read: (cursor) => cursor.double(), minBytes: 8 },
  bytes: { read: (cursor) => cursor.bytes(), minBytes: 1 },
  string: { read: (cursor) => cursor.string(), minBytes: 1 },
};

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Compiles a parsed schema. Damage throws {@link AvroDamage}, and so does a record within itself, which manifests
 * never have. A name that is defined twice means its latest definition.
 */
export function compileAvroSchema(schema: unknown, override: FieldOverride = (_id, type) => type): AvroType {
  return new Compiler(override).compile(schema, '', 0);
}

class Compiler {
  readonly #override: FieldOverride;
  readonly #named = new Map<string, AvroType>();

  constructor(override: FieldOverride) {
    this.#override = override;
  }

  compile(schema: unknown, namespace: string, depth: number): AvroType {
    if (depth > MAX_SCHEMA_DEPTH) throw new AvroDamage(`its schema nests deeper than ${MAX_SCHEMA_DEPTH}`);
    if (typeof schema === 'string') return this.#byName(schema, namespace);
    if (Array.isArray(schema))
      return unionOf(schema.map((branch) => this.compile(branch, namespace, depth + 1)));
    if (typeof schema !== 'object' || schema === null) throw new AvroDamage('its schema is malformed');
    const definition = schema as JsonObject;
    const logical = logicalOf(definition);
    switch (definition['type']) {
      case 'record':
      case 'error':
        return this.#define(definition, namespace, (inner) => this.#record(definition, inner, depth));
      case 'enum':
        return this.#define(definition, namespace, () => enumOf(listOf(definition, 'symbols')));
      case 'fixed':
        return this.#define(definition, namespace, () => ({ ...fixedOf(definition['size']), ...logical }));
      case 'array':
        return arrayOf(this.compile(definition['items'], namespace, depth + 1));
      case 'map':
        return mapOf(this.compile(definition['values'], namespace, depth + 1));
      default:
        return { ...this.compile(definition['type'], namespace, depth + 1), ...logical };
    }
  }

  #byName(name: string, namespace: string): AvroType {
    const primitive = Object.hasOwn(PRIMITIVES, name) ? PRIMITIVES[name] : undefined;
    if (primitive) return { kind: name, ...primitive };
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (!found) throw new AvroDamage(`its schema uses the unknown type ${JSON.stringify(name)}`);
    return found;
  }

  #define(definition: JsonObject, namespace: string, make: (namespace: string) => AvroType): AvroType {
    const { name, namespace: own } = definition;
    const full = fullName(typeof name === 'string' ? name : '', typeof own === 'string' ? own : namespace);
    const type = make(full.slice(0, Math.max(0, full.lastIndexOf('.'))));
    this.#named.set(full, type);
    return type;
  }

  #record(definition: JsonObject, namespace: string, depth: number): AvroType {
    const fields = listOf(definition, 'fields').map((item): AvroField => {
      if (typeof item !== 'object' || item === null) throw new AvroDamage('its schema has a malformed field');
      const { name, type, 'field-id': id } = item as JsonObject;
      const known = typeof id === 'number' && Number.isInteger(id) ? id : undefined;
      const compiled = this.compile(type, namespace, depth + 1);
      return { id: known, name: String(name), type: this.#override(known, compiled) };
    });
    return recordOf(fields);
  }
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function listOf(definition: JsonObject, name: string): readonly unknown[] {
  const list = definition[name];
  if (!Array.isArray(list)) throw new AvroDamage(`its schema has no list of ${name}`);
  return list as unknown[];
}

function logicalOf(definition: JsonObject): Partial<AvroType> {
  const { logicalType, precision, scale = 0 } = definition;
  return {
    ...(typeof logicalType === 'string' && { logicalType }),
    ...(typeof precision === 'number' && typeof scale === 'number' && { precision, scale }),
    ...(definition['adjust-to-utc'] === true && { adjustToUtc: true }),
  };
}

export function recordOf(fields: readonly AvroField[]): AvroType {
  const read = (cursor: AvroCursor): AvroRecord => {
    const values = new Map<number, unknown>();
    for (const { id, type } of fields) {
      const value = type.read(cursor);
      if (id !== undefined) values.set(id, value);
    }
    return values;
  };
  const minBytes = fields.reduce((sum, { type }) => sum + type.minBytes, 0);
  // Such records within records could take endless time to read out of nothing.
  if (minBytes === 0 && fields.length > 0)
    throw new AvroDamage('its schema has a record of nothing but nulls');
  return { kind: 'record', fields, read, minBytes };
}

export function unionOf(branches: readonly AvroType[]): AvroType {
  const read = (cursor: AvroCursor): unknown => {
    const branch = branches[cursor.size()];
    if (!branch) throw new AvroDamage('a union names a branch that it does not have');
    return branch.read(cursor);
  };
  return { kind: 'union', branches, read, minBytes: 1 };
}

function enumOf(symbols: readonly unknown[]): AvroType {
  const read = (cursor: AvroCursor): string => {
    const symbol = symbols[cursor.size()];
    if (typeof symbol !== 'string') throw new AvroDamage('an enum names a symbol that it does not have');
    return symbol;
  };
  return { kind: 'enum', read, minBytes: 1 };
}

function fixedOf(size: unknown): AvroType {
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw new AvroDamage('a fixed type has no size');
  const length = size as number;
  return { kind: 'fixed', size: length, read: (cursor) => cursor.fixed(length), minBytes: length };
}

function arrayOf(items: AvroType): AvroType {
  const [key, value, ...more] = items.fields ?? [];
  if (key?.type.kind === 'int' && key.name === 'key' && value && more.length === 0)
    return keyedArrayOf(items, key.type, value.type);
  const read = (cursor: AvroCursor): unknown[] => {
    const list: unknown[] = [];
    eachItem(cursor, items, () => list.push(items.read(cursor)));
    return list;
  };
  return { kind: 'array', read, minBytes: 1 };
}

function keyedArrayOf(items: AvroType, key: AvroType, value: AvroType): AvroType {
  const read = (cursor: AvroCursor): Record<number, unknown> => {
    const entries: Record<number, unknown> = {};
    eachItem(cursor, items, () => {
      const id = key.read(cursor) as number;
      entries[id] = value.read(cursor);
    });
    return entries;
  };
  return { kind: 'array', read, minBytes: 1 };
}

function mapOf(values: AvroType): AvroType {
  const entry: AvroType = { kind: 'entry', read: values.read, minBytes: values.minBytes + 1 };
  const read = (cursor: AvroCursor): Map<string, unknown> => {
    const map = new Map<string, unknown>();
    eachItem(cursor, entry, () => {
      const key = cursor.string();
      map.set(key, values.read(cursor));
    });
    return map;
  };
  return { kind: 'map', read, minBytes: 1 };
}

function eachItem(cursor: AvroCursor, items: AvroType, read: () => void): void {
  let total = 0;
  for (let count = cursor.blockCount(); count !== 0; count = cursor.blockCount()) {
    total += count;
    // Before anything is allocated: a count that the bytes left cannot hold is damage.
    if (items.minBytes === 0 || count > cursor.remaining / items.minBytes || total > MAX_AVRO_ITEMS)
      throw new AvroDamage(`an array announces ${total} items, ${cursor.remaining} bytes are left`);
    for (let i = 0; i < count; i++) read();
  }
}
