import type { AvroCursor } from './avro-cursor.ts';
import { AvroDamage } from './avro-cursor.ts';
import type { AvroField, AvroType } from './avro-schema.ts';
import { recordOf, unionOf } from './avro-schema.ts';
import type { IcebergType } from './iceberg-type.ts';
import { FIRST_PARTITION_ID } from './partition-spec.ts';
import {
  encodeDouble,
  encodeFloat,
  encodeInt,
  encodeLong,
  encodeTwosComplement,
  twosComplement,
} from './single-value.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The partition struct of a manifest, read so that each field is in Iceberg's single-value serialization, or null.
 * Fields without an id get the one that format version 1 means.
 */
export function singleValues(type: AvroType): AvroType {
  if (type.kind === 'union') return unionOf((type.branches ?? []).map(singleValues));
  if (type.kind !== 'record') return type;
  const fields = (type.fields ?? []).map(({ id, name, type: inner }, i) => ({
    id: id ?? FIRST_PARTITION_ID + i,
    name,
    type: singleValue(inner),
  }));
  return recordOf(fields);
}

/** The fields of that struct, also where it may be null. */
export function partitionFields(type: AvroType | undefined): readonly AvroField[] {
  const struct = type?.kind === 'union' ? type.branches?.find(({ kind }) => kind === 'record') : type;
  return struct?.fields ?? [];
}

function singleValue(type: AvroType): AvroType {
  if (type.kind === 'union') return unionOf((type.branches ?? []).map(singleValue));
  const encode = encoderOf(type);
  return encode ? { ...type, read: (cursor: AvroCursor) => encode(type.read(cursor)) } : type;
}

function encoderOf(type: AvroType): ((value: unknown) => Uint8Array) | undefined {
  switch (type.kind) {
    case 'null':
      return undefined;
    case 'boolean':
      return (value) => Uint8Array.of(Number(value));
    case 'int':
      return (value) => encodeInt(value as number);
    case 'long':
      return (value) => encodeLong(value as bigint);
    case 'float':
      return (value) => encodeFloat(value as number);
    case 'double':
      return (value) => encodeDouble(value as number);
    case 'string':
      return (value) => encodeText(value as string, type.logicalType === 'uuid');
    case 'bytes':
    case 'fixed':
      return type.logicalType === 'decimal'
        ? (value) => encodeTwosComplement(twosComplement(value as Uint8Array))
        : (value) => value as Uint8Array;
    default:
      throw new AvroDamage(`a partition field is of the type ${type.kind}`);
  }
}

function encodeText(text: string, uuid: boolean): Uint8Array {
  return uuid && UUID.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : Buffer.from(text, 'utf8');
}

/** The Iceberg type that an Avro type stands for, where nothing else says it. */
export function icebergTypeOf(type: AvroType): IcebergType {
  const inner = type.kind === 'union' ? type.branches?.find(({ kind }) => kind !== 'null') : type;
  if (!inner) return { kind: 'other', name: 'unknown' };
  const { kind, logicalType, precision, scale = 0, size, adjustToUtc } = inner;
  if (logicalType === 'decimal' && precision !== undefined) return { kind: 'decimal', precision, scale };
  if (logicalType === 'uuid') return { kind: 'uuid' };
  switch (kind) {
    case 'boolean':
    case 'float':
    case 'double':
    case 'string':
      return { kind };
    case 'int':
      return { kind: logicalType === 'date' ? 'date' : 'int' };
    case 'long':
      if (logicalType === 'time-micros') return { kind: 'time' };
      if (logicalType === 'timestamp-micros') return { kind: adjustToUtc ? 'timestamptz' : 'timestamp' };
      if (logicalType === 'timestamp-nanos') return { kind: adjustToUtc ? 'timestamptz_ns' : 'timestamp_ns' };
      return { kind: 'long' };
    case 'fixed':
      return { kind: 'fixed', length: size ?? 0 };
    default:
      return { kind: 'binary' };
  }
}
