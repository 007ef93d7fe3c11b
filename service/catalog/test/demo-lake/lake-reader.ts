import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';

import avro from 'avsc';
import type { FileMetaData, SchemaElement } from 'hyparquet';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';

import { parseJson } from '../../src/harvest/lossless-json.ts';
import type { Snapshot, TableMetadata } from '../../src/demo-lake/table-metadata.ts';

// Reads what the lake's writer made, with other code than wrote it: the Avro library's own container reader, a
// Parquet reader, and the specification's numbers once more.

// oxlint-disable-next-line no-underscore-dangle -- the library's own name for a long of one's choice
const long = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: () => assertUnused(),
  fromJSON: () => assertUnused(),
  toJSON: () => assertUnused(),
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: () => assertUnused(),
});

function assertUnused(): never {
  throw new Error('the reader only reads');
}

export interface AvroContent {
  readonly header: Readonly<Record<string, string>>;
  readonly records: readonly Record<string, unknown>[];
}

function path(location: string): string {
  return location.replace(/^file:\/\//, '');
}

export async function readBytes(location: string): Promise<Buffer> {
  return await readFile(path(location));
}

export async function readTable(metadataLocation: string): Promise<TableMetadata> {
  return parseJson((await readBytes(metadataLocation)).toString('utf8')) as TableMetadata;
}

export async function readAvro(location: string): Promise<AvroContent> {
  const bytes = await readBytes(location);
  const decoder = new avro.streams.BlockDecoder({
    parseHook: (schema) => avro.Type.forSchema(schema, { registry: { long } }),
  });
  let header: Record<string, string> = {};
  decoder.on('metadata', (_type: unknown, _codec: unknown, raw: { meta: Record<string, Buffer> }) => {
    header = Object.fromEntries(
      Object.entries(raw.meta).map(([key, value]) => [key, value.toString('utf8')]),
    );
  });
  const records: Record<string, unknown>[] = [];
  for await (const record of Readable.from([bytes]).pipe(decoder))
    records.push(record as Record<string, unknown>);
  return { header, records };
}

/** A line of a manifest list, with the lines of the manifest that it names. */
export interface ReadManifest {
  readonly listed: Readonly<Record<string, unknown>>;
  readonly header: Readonly<Record<string, string>>;
  readonly entries: readonly ReadEntry[];
}

export interface ReadEntry {
  readonly status: number;
  readonly snapshotId: bigint;
  /** Inherited where the manifest leaves it out. */
  readonly sequenceNumber: bigint;
  readonly file: ReadFile;
}

/** A data file record; maps by field id. */
export interface ReadFile {
  readonly content: number;
  readonly file_path: string;
  readonly partition: Readonly<Record<string, unknown>>;
  readonly record_count: bigint;
  readonly file_size_in_bytes: bigint;
  readonly columnSizes: ReadonlyMap<number, bigint>;
  readonly valueCounts: ReadonlyMap<number, bigint>;
  readonly nullCounts: ReadonlyMap<number, bigint>;
  readonly nanCounts: ReadonlyMap<number, bigint>;
  readonly lowerBounds: ReadonlyMap<number, Buffer>;
  readonly upperBounds: ReadonlyMap<number, Buffer>;
  readonly split_offsets: readonly bigint[];
  readonly referenced_data_file: string | null;
}

export async function readManifests(snapshot: Snapshot): Promise<ReadManifest[]> {
  const list = await readAvro(snapshot['manifest-list']);
  return await Promise.all(
    list.records.map(async (listed) => {
      const { header, records } = await readAvro(listed['manifest_path'] as string);
      const entries = records.map((record): ReadEntry => {
        const sequenceNumber = (record['sequence_number'] ?? listed['sequence_number']) as bigint;
        const file = readFileRecord(record['data_file'] as Record<string, unknown>);
        return {
          status: record['status'] as number,
          snapshotId: record['snapshot_id'] as bigint,
          sequenceNumber,
          file,
        };
      });
      return { listed, header, entries };
    }),
  );
}

function readFileRecord(record: Record<string, unknown>): ReadFile {
  const map = <T>(name: string): Map<number, T> =>
    new Map((record[name] as { key: number; value: T }[]).map(({ key, value }) => [key, value]));
  return {
    ...(record as unknown as ReadFile),
    // Each file's records are of a class of their own, which would make equal ones differ.
    partition: { ...(record['partition'] as object) },
    columnSizes: map('column_sizes'),
    valueCounts: map('value_counts'),
    nullCounts: map('null_value_counts'),
    nanCounts: map('nan_value_counts'),
    lowerBounds: map('lower_bounds'),
    upperBounds: map('upper_bounds'),
  };
}

export interface ReadParquet {
  readonly metadata: FileMetaData;
  /** Top-level columns by field id. */
  readonly fields: ReadonlyMap<number, SchemaElement>;
  /** Field ids of the leaf columns, in the order of the chunks. */
  readonly leafIds: readonly number[];
  /** Rows by field id, each value as Parquet stores it physically. */
  readonly rows: readonly ReadonlyMap<number, unknown>[];
}

export async function readParquet(location: string): Promise<ReadParquet> {
  const bytes = await readBytes(location);
  const file = new Uint8Array(bytes).buffer;
  const metadata = parquetMetadata(file);
  // Without their logical types the values come as they are stored; lists and maps are needed for their shape.
  const schema = metadata.schema.map((element): SchemaElement => {
    const { converted_type: converted, logical_type: _logical, ...rest } = element;
    return converted === 'LIST' || converted === 'MAP' || converted === 'UTF8'
      ? { ...rest, converted_type: converted }
      : rest;
  });
  const objects = await parquetReadObjects({ file, metadata: { ...metadata, schema }, utf8: false });
  const fields = new Map<number, SchemaElement>();
  for (let i = 1; i < metadata.schema.length; i += width(metadata.schema, i)) {
    const element = metadata.schema[i] as SchemaElement;
    fields.set(element.field_id as number, element);
  }
  return {
    metadata,
    fields,
    leafIds: metadata.schema
      .filter(({ type }) => type !== undefined)
      .map((element) => element.field_id as number),
    rows: objects.map((row) => new Map(Array.from(fields, ([id, { name }]) => [id, row[name] as unknown]))),
  };
}

// How many schema elements a field takes, its children included.
function width(schema: readonly SchemaElement[], at: number): number {
  let next = at + 1;
  for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) next += width(schema, next);
  return next - at;
}
