import { setImmediate } from 'node:timers/promises';

import { StorageCorruptionError, StorageError } from '@floecat/storage-spi';

import type { AvroCodec } from './avro-codecs.ts';
import { avroCodec } from './avro-codecs.ts';
import { AvroCursor, AvroDamage } from './avro-cursor.ts';
import type { AvroRecord, AvroType, FieldOverride } from './avro-schema.ts';
import { compileAvroSchema } from './avro-schema.ts';
import { throwIfAborted } from './errors.ts';
import { MAX_AVRO_BYTES } from './limits.ts';

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;
/** Records read before others get a turn. */
const RECORDS_PER_TURN = 128;

/**
 * An Avro object container file of records. Anything that is not one, at any byte, ends in `STORAGE_CORRUPTION`
 * that names the location; at most 256 MiB are decompressed, a block at a time.
 */
export class AvroFile {
  readonly location: string;
  readonly type: AvroType;
  readonly #header: ReadonlyMap<string, Uint8Array>;
  readonly #codec: AvroCodec;
  readonly #sync: Uint8Array;
  readonly #cursor: AvroCursor;

  /** Reads the header. `override` may change how single fields are read. */
  constructor(bytes: Uint8Array, location: string, override?: FieldOverride) {
    this.location = location;
    try {
      this.#cursor = new AvroCursor(bytes);
      if (!MAGIC.equals(this.#cursor.fixed(MAGIC.length))) throw new AvroDamage('it is not an Avro file');
      this.#header = readHeader(this.#cursor);
      this.#sync = this.#cursor.fixed(SYNC_BYTES);
      this.#codec = avroCodec(this.headerText('avro.codec') ?? 'null', location);
      this.type = compileAvroSchema(this.headerJson('avro.schema'), override);
      if (this.type.kind !== 'record' || this.type.minBytes === 0)
        throw new AvroDamage('its schema is not a record with fields');
    } catch (error) {
      throw damaged(location, error);
    }
  }

  headerText(name: string): string | undefined {
    const value = this.#header.get(name);
    return value && new TextDecoder().decode(value);
  }

  /** A header entry as JSON; `undefined` where it is absent or is not JSON. */
  headerJson(name: string): unknown {
    try {
      return JSON.parse(this.headerText(name) ?? 'null') ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** Visits every record in order. What `visit` throws counts as damage, unless it is a storage error. */
  async forEach(visit: (record: AvroRecord) => void, signal?: AbortSignal): Promise<void> {
    const cursor = this.#cursor;
    let left = MAX_AVRO_BYTES;
    try {
      while (cursor.remaining > 0) {
        throwIfAborted(signal, 'read', this.location);
        const count = cursor.size();
        const block = cursor.bytes();
        if (Buffer.compare(cursor.fixed(SYNC_BYTES), this.#sync) !== 0)
          throw new AvroDamage('a block does not end in the sync marker');
        const bytes = await this.#codec(block, left);
        left -= bytes.length;
        if (left < 0) throw new AvroDamage(`it decompresses to more than ${MAX_AVRO_BYTES} bytes`);
        await this.#block(new AvroCursor(bytes), count, visit, signal);
      }
    } catch (error) {
      throw damaged(this.location, error);
    }
  }

  async #block(
    cursor: AvroCursor,
    count: number,
    visit: (record: AvroRecord) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (count > cursor.remaining / this.type.minBytes)
      throw new AvroDamage(`a block of ${cursor.remaining} bytes announces ${count} records`);
    for (let i = 0; i < count; i++) {
      visit(this.type.read(cursor) as AvroRecord);
      if (i % RECORDS_PER_TURN === RECORDS_PER_TURN - 1) {
        await setImmediate();
        throwIfAborted(signal, 'read', this.location);
      }
    }
    if (cursor.remaining > 0)
      throw new AvroDamage(`a block has ${cursor.remaining} bytes more than its records`);
  }
}

function readHeader(cursor: AvroCursor): Map<string, Uint8Array> {
  const header = new Map<string, Uint8Array>();
  for (let count = cursor.blockCount(); count !== 0; count = cursor.blockCount()) {
    if (count > cursor.remaining) throw new AvroDamage(`its header announces ${count} entries`);
    for (let i = 0; i < count; i++) {
      const name = cursor.string();
      header.set(name, cursor.bytes());
    }
  }
  return header;
}

function damaged(location: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  return new StorageCorruptionError(
    `${location} is damaged: ${(error as Error).message}; restore it from a copy, or expire its snapshots`,
    { operation: 'read', key: location, cause: error },
  );
}
