import type { Primitive, PrimitiveType } from './table-schema.ts';
import { decimalOf } from './table-schema.ts';

/** A value in Iceberg's binary single-value form, which bounds, partition summaries and sketches are made of. */
export function serializeValue(type: PrimitiveType, value: Primitive): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (decimalOf(type)) return twosComplement(BigInt(value));
  switch (type) {
    case 'boolean':
      return Buffer.of(value ? 1 : 0);
    case 'int':
    case 'date':
      return filled(4, (buffer) => buffer.writeInt32LE(Number(value)));
    case 'float':
      return filled(4, (buffer) => buffer.writeFloatLE(Number(value)));
    case 'double':
      return filled(8, (buffer) => buffer.writeDoubleLE(Number(value)));
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return filled(8, (buffer) => buffer.writeBigInt64LE(BigInt(value)));
    case 'uuid':
      return Buffer.from(String(value).replaceAll('-', ''), 'hex');
    case 'string':
    case 'binary':
    default:
      return Buffer.from(String(value), 'utf8');
  }
}

function filled(length: number, write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(length);
  write(buffer);
  return buffer;
}

// Big-endian, in as few bytes as hold the sign.
function twosComplement(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length++;
  const hex = BigInt.asUintN(length * 8, value).toString(16);
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex');
}
