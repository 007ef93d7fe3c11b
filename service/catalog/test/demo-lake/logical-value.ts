import type { FieldType, Value } from '../../src/demo-lake/table-schema.ts';

/** The value that a column of this type holds, from how Parquet stores it. */
export function logicalValue(type: FieldType, stored: unknown): Value {
  if (stored === null || stored === undefined) return null;
  if (typeof type !== 'string') {
    if (type.type === 'list')
      return (stored as readonly unknown[]).map((item) => logicalValue(type.element, item));
    if (type.type === 'map')
      return new Map(Object.entries(stored).map(([key, item]) => [key, logicalValue(type.value, item)]));
    const struct = stored as Record<string, unknown>;
    return Object.fromEntries<Value>(type.fields.map((f) => [f.name, logicalValue(f.type, struct[f.name])]));
  }
  if (type.startsWith('decimal'))
    return stored instanceof Uint8Array ? signed(stored) : BigInt(stored as number);
  if (type === 'long') return BigInt(stored as number | bigint);
  if (type === 'uuid') return uuidText(stored as Uint8Array);
  return stored as Value;
}

/** A value in Iceberg's single-value form, read back by the specification's table. */
export function boundValue(type: string, bytes: Buffer): Value {
  if (type.startsWith('decimal')) return signed(bytes);
  switch (type) {
    case 'boolean':
      return bytes[0] !== 0;
    case 'int':
    case 'date':
      return bytes.readInt32LE();
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return bytes.readBigInt64LE();
    case 'float':
      return bytes.readFloatLE();
    case 'double':
      return bytes.readDoubleLE();
    case 'string':
      return bytes.toString('utf8');
    case 'uuid':
      return uuidText(bytes);
    default:
      return new Uint8Array(bytes);
  }
}

function signed(bytes: Uint8Array): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

function uuidText(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
