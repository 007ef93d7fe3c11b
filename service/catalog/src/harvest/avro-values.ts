import { AvroDamage } from './avro-cursor.ts';
import type { AvroRecord } from './avro-schema.ts';

/** Fields of one record by id, each checked to be of the type that Iceberg gives it. Null and absent are the same. */
export class AvroValues {
  readonly #record: AvroRecord;

  constructor(record: unknown) {
    if (!(record instanceof Map)) throw new AvroDamage('a value is not the record that it should be');
    this.#record = record as AvroRecord;
  }

  raw(id: number): unknown {
    return this.#record.get(id) ?? undefined;
  }

  /** A long; also an int, which some writers use. */
  long(id: number): bigint | undefined {
    const value = this.raw(id);
    if (value === undefined || typeof value === 'bigint') return value;
    if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
    throw wrongType(id, 'a long');
  }

  requiredLong(id: number): bigint {
    return this.long(id) ?? missing(id);
  }

  /** An int; also a long that is in its range. */
  int(id: number): number | undefined {
    const value = this.raw(id);
    if (value === undefined) return undefined;
    const number = Number(value);
    if ((typeof value !== 'number' && typeof value !== 'bigint') || (number | 0) !== number)
      throw wrongType(id, 'an int');
    return number;
  }

  string(id: number): string | undefined {
    const value = this.raw(id);
    if (value !== undefined && typeof value !== 'string') throw wrongType(id, 'a string');
    return value;
  }

  requiredString(id: number): string {
    return this.string(id) ?? missing(id);
  }

  bytes(id: number): Uint8Array | undefined {
    const value = this.raw(id);
    if (value !== undefined && !(value instanceof Uint8Array)) throw wrongType(id, 'bytes');
    return value;
  }

  list(id: number): readonly unknown[] {
    const value = this.raw(id) ?? [];
    if (!Array.isArray(value)) throw wrongType(id, 'an array');
    return value as unknown[];
  }

  /** A map by field id; empty where absent. */
  map(id: number): Readonly<Record<number, unknown>> {
    const value = this.raw(id) ?? {};
    if (
      typeof value !== 'object' ||
      Array.isArray(value) ||
      value instanceof Map ||
      value instanceof Uint8Array
    )
      throw wrongType(id, 'a map with integer keys');
    return value as Readonly<Record<number, unknown>>;
  }
}

function wrongType(id: number, wanted: string): AvroDamage {
  return new AvroDamage(`field ${id} is not ${wanted}`);
}

function missing(id: number): never {
  throw new AvroDamage(`field ${id} is missing`);
}
