import { stringifyJson } from '../harvest/lossless-json.ts';

const MAGIC = Buffer.from('PFA1', 'latin1');

export interface PuffinBlob {
  readonly type: string;
  /** Field ids that the blob is about. */
  readonly fields: readonly number[];
  readonly properties: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
}

export interface PuffinFile {
  readonly bytes: Buffer;
  /** From the footer's first magic to the end of the file. */
  readonly footerSize: number;
}

/** A Puffin file: blobs of statistics of one snapshot, uncompressed, and a footer that lists them. */
export function puffinFile(
  snapshot: { readonly id: bigint; readonly sequenceNumber: bigint },
  blobs: readonly PuffinBlob[],
): PuffinFile {
  let offset = MAGIC.length;
  const listed = blobs.map(({ bytes, type, fields, properties }) => {
    const blob = {
      type,
      fields,
      'snapshot-id': snapshot.id,
      'sequence-number': snapshot.sequenceNumber,
      offset,
      length: bytes.length,
      properties,
    };
    offset += bytes.length;
    return blob;
  });
  const payload = Buffer.from(stringifyJson({ blobs: listed, properties: {} }), 'utf8');
  const size = Buffer.alloc(8); // The payload's length, then flags, all 0: the payload is not compressed.
  size.writeInt32LE(payload.length);
  const footer = Buffer.concat([MAGIC, payload, size, MAGIC]);
  return {
    bytes: Buffer.concat([MAGIC, ...blobs.map(({ bytes }) => bytes), footer]),
    footerSize: footer.length,
  };
}
