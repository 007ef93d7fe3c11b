import type { IcebergType } from './iceberg-type.ts';

/** A decoded value that {@link compareValues} orders: the same JavaScript type for all values of one column. */
export type OrderedValue = number | bigint | Uint8Array;

const MICROS_PER_DAY = 86_400_000_000n;
const NANOS_PER_DAY = MICROS_PER_DAY * 1_000n;
/** Twice what 38 digits take, so that what is padded still reads. */
const MAX_DECIMAL_BYTES = 32;

/**
 * Decodes a value from Iceberg's single-value serialization, also one that was written before the column was
 * promoted (int to long, float to double, date to timestamp). `undefined` for bytes that are no value of the type,
 * for NaN, which bounds nothing, and for types without an order.
 */
export function decodeValue(type: IcebergType, bytes: Uint8Array): OrderedValue | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type.kind) {
    case 'boolean':
      return bytes.length === 1 ? Math.min(1, view.getUint8(0)) : undefined;
    case 'int':
    case 'date':
      return bytes.length === 4 ? view.getInt32(0, true) : undefined;
    case 'long':
      return longOf(view, 1n);
    case 'timestamp':
      return longOf(view, MICROS_PER_DAY);
    case 'timestamp_ns':
      return longOf(view, NANOS_PER_DAY);
    case 'time':
    case 'timestamptz':
    case 'timestamptz_ns':
      return bytes.length === 8 ? view.getBigInt64(0, true) : undefined;
    case 'float':
      return bytes.length === 4 ? orderedFloat(view.getFloat32(0, true)) : undefined;
    case 'double':
      if (bytes.length === 4) return orderedFloat(view.getFloat32(0, true));
      return bytes.length === 8 ? orderedFloat(view.getFloat64(0, true)) : undefined;
    case 'decimal':
      return bytes.length >= 1 && bytes.length <= MAX_DECIMAL_BYTES ? twosComplement(bytes) : undefined;
    case 'uuid':
      return bytes.length === 16 ? bytes : undefined;
    case 'fixed':
      return bytes.length === type.length ? bytes : undefined;
    case 'string':
    case 'binary':
      return bytes;
    case 'other':
      return undefined;
  }
}

/** The bytes of a decoded value in the width of the type as it is now. */
export function encodeValue(type: IcebergType, value: OrderedValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (type.kind === 'boolean') return Uint8Array.of(Number(value));
  if (type.kind === 'int' || type.kind === 'date') return encodeInt(Number(value));
  if (type.kind === 'float') return encodeFloat(Number(value));
  if (type.kind === 'double') return encodeDouble(Number(value));
  if (type.kind === 'decimal') return encodeTwosComplement(BigInt(value));
  return encodeLong(BigInt(value));
}

/** Negative, 0 or positive. Bytes, also of strings and UUIDs, compare unsigned; -0 is below 0. */
export function compareValues(a: OrderedValue, b: OrderedValue): number {
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return Buffer.compare(a as Uint8Array, b as Uint8Array);
  if (a === b) return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  return a < b ? -1 : 1;
}

export function encodeInt(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

export function encodeLong(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

export function encodeFloat(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

export function encodeDouble(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** Big-endian, in as few bytes as hold it. */
export function encodeTwosComplement(value: bigint): Uint8Array {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length++;
  const hex = BigInt.asUintN(length * 8, value).toString(16);
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex');
}

/** Big-endian; 0 for no bytes. */
export function twosComplement(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

function longOf(view: DataView, perInt: bigint): bigint | undefined {
  if (view.byteLength === 8) return view.getBigInt64(0, true);
  return view.byteLength === 4 ? BigInt(view.getInt32(0, true)) * perInt : undefined;
}

function orderedFloat(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}
