import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';

import avro from 'avsc';

// oxlint-disable-next-line no-underscore-dangle -- the library's own name for a long of one's choice
const longType = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: (value: string | number) => BigInt(value),
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => Number(a > b) - Number(a < b),
});

const headerType = avro.Type.forSchema({ type: 'map', values: 'bytes' });

/** A schema as it goes into the file, with attributes that Avro itself does not know, such as `field-id`. */
export type AvroSchema = Parameters<typeof avro.Type.forSchema>[0];

/** A record schema made ready, so that many files can be written with it. A `long` is a bigint. */
export interface RecordType {
  readonly json: string;
  readonly type: avro.Type;
}

export function recordType(schema: AvroSchema): RecordType {
  return {
    json: JSON.stringify(schema),
    type: avro.Type.forSchema(schema, { registry: { long: longType } }),
  };
}

/** An Avro object container file with one deflated block, and `metadata` in its header. */
export function avroFile(
  record: RecordType,
  records: readonly unknown[],
  metadata: Readonly<Record<string, string>>,
): Buffer {
  const block = deflateRawSync(Buffer.concat(records.map((each) => record.type.toBuffer(each))));
  // Any 16 bytes that the block is unlikely to hold; these are the same each time.
  const marker = createHash('sha256').update(block).digest().subarray(0, 16);
  const header = { ...metadata, 'avro.schema': record.json, 'avro.codec': 'deflate' };
  return Buffer.concat([
    Buffer.from('Obj\x01', 'latin1'),
    headerType.toBuffer(
      Object.fromEntries(Object.entries(header).map(([k, v]) => [k, Buffer.from(v, 'utf8')])),
    ),
    marker,
    longType.toBuffer(BigInt(records.length)),
    longType.toBuffer(BigInt(block.length)),
    block,
    marker,
  ]);
}
