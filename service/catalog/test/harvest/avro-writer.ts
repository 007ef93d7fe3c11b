import { createHash } from 'node:crypto';
import { crc32, deflateRawSync, zstdCompressSync } from 'node:zlib';

import avro from 'avsc';
import snappy from 'snappyjs';

/** Writes Avro container files with avsc's encoder and snappyjs, which share no code with what is tested. */
export type Codec = 'null' | 'deflate' | 'snappy' | 'zstandard';

export interface AvroFileOptions {
  readonly codec?: Codec | 'bzip2' | 'lz4';
  readonly metadata?: Readonly<Record<string, string>>;
  readonly recordsPerBlock?: number;
  /** Written to the header instead of the schema that the records are encoded with. */
  readonly headerSchema?: unknown;
}

// oxlint-disable-next-line no-underscore-dangle -- the library's own name for a long of one's choice
const longType = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint | number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint' || typeof value === 'number',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : Number(a > b)),
});

const headerType = avro.Type.forSchema({ type: 'map', values: 'bytes' });
const countType = avro.Type.forSchema('long');

export function avroFile(
  schema: unknown,
  records: readonly unknown[],
  options: AvroFileOptions = {},
): Buffer {
  const { codec = 'null', metadata = {}, recordsPerBlock = 1_000, headerSchema = schema } = options;
  const type = avro.Type.forSchema(unannotated(schema) as avro.Schema, { registry: { long: longType } });
  const sync = createHash('md5').update(JSON.stringify(headerSchema)).digest();
  const header = { 'avro.schema': JSON.stringify(headerSchema), 'avro.codec': codec, ...metadata };
  const entries = Object.entries(header).map(([name, text]) => [name, Buffer.from(text)]);
  const parts = [Buffer.from('Obj\x01', 'latin1'), headerType.toBuffer(Object.fromEntries(entries)), sync];
  for (let start = 0; start < records.length; start += recordsPerBlock) {
    const block = records.slice(start, start + recordsPerBlock);
    parts.push(
      avroBlock(
        block.length,
        compress(codec, Buffer.concat(block.map((record) => type.toBuffer(record)))),
        sync,
      ),
    );
  }
  return Buffer.concat(parts);
}

/** Logical types taken off the primitive types, so that avsc finds the type registered for `long`. */
function unannotated(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(unannotated);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { type } = schema as { type?: unknown };
  if (type === 'long' || type === 'int' || type === 'bytes' || type === 'string')
    return 'name' in schema ? { ...schema } : type;
  return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, unannotated(value)]));
}

export function avroBlock(count: number, data: Buffer, sync: Buffer): Buffer {
  return Buffer.concat([countType.toBuffer(count), countType.toBuffer(data.length), data, sync]);
}

function compress(codec: string, data: Buffer): Buffer {
  if (codec === 'deflate') return deflateRawSync(data);
  if (codec === 'zstandard') return zstdCompressSync(data);
  if (codec !== 'snappy') return data;
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(data));
  return Buffer.concat([snappy.compress(data), checksum]);
}
