import { InvalidArgumentError } from '@floecat/storage-spi';

import { isRawJsonNumber } from './lossless-json.ts';

const INT64_MAX = 2n ** 63n - 1n;

/** An object of a parsed metadata file, read field by field. Errors name the file and the path of the field. */
export class JsonFields {
  readonly #location: string;
  readonly #path: string;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(location: string, path: string, value: unknown) {
    this.#location = location;
    this.#path = path;
    if (typeof value !== 'object' || value === null || Array.isArray(value) || isRawJsonNumber(value))
      this.refuse(path === '' ? 'it is not a JSON object' : `${path} is not an object`);
    this.#values = value as Readonly<Record<string, unknown>>;
  }

  /** Absent and null are the same. */
  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  raw(name: string): unknown {
    // An own property, so that "constructor" and the like are absent.
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }

  string(name: string): string {
    return this.optionalString(name) ?? this.refuse(`${this.#named(name)} is missing`);
  }

  optionalString(name: string): string | undefined {
    const value = this.raw(name);
    if (value !== undefined && (typeof value !== 'string' || !value.isWellFormed()))
      this.refuse(`${this.#named(name)} is not a string`);
    return value;
  }

  int32(name: string): number {
    return this.optionalInt32(name) ?? this.refuse(`${this.#named(name)} is missing`);
  }

  optionalInt32(name: string): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || (value | 0) !== value)
      return this.refuse(`${this.#named(name)} is not a 32-bit integer`);
    return value;
  }

  /** Not negative, unless `min` says otherwise. */
  int64(name: string, min = 0n): bigint {
    return this.optionalInt64(name, min) ?? this.refuse(`${this.#named(name)} is missing`);
  }

  optionalInt64(name: string, min = 0n): bigint | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const integer = typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
    if (typeof integer !== 'bigint' || integer > INT64_MAX)
      return this.refuse(`${this.#named(name)} is not a 64-bit integer`);
    if (integer < min) this.refuse(`${this.#named(name)} is ${integer}, less than ${min}`);
    return integer;
  }

  object(name: string): JsonFields | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : new JsonFields(this.#location, this.#named(name), value);
  }

  /** Items of a list of objects; empty where absent. */
  objects(name: string): JsonFields[] {
    return this.list(name).map(
      (item, i) => new JsonFields(this.#location, `${this.#named(name)}[${i}]`, item),
    );
  }

  list(name: string): readonly unknown[] {
    const value = this.raw(name) ?? [];
    return Array.isArray(value) ? (value as unknown[]) : this.refuse(`${this.#named(name)} is not a list`);
  }

  names(): string[] {
    return Object.keys(this.#values);
  }

  refuse(why: string): never {
    throw new InvalidArgumentError(
      `${this.#location} cannot be registered: ${why}; name a table metadata file that an engine wrote`,
      { operation: 'readTableMetadata', key: this.#location },
    );
  }

  #named(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}
