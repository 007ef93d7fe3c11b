import type { Snapshot, TableMetadata, UpstreamReader } from '../../src/harvest/index.ts';
import { parseTableMetadata, stringifyJson } from '../../src/harvest/index.ts';
import { StorageNotFoundError } from '@floecat/storage-spi';

import type { AvroFileOptions } from './avro-writer.ts';
import { avroFile } from './avro-writer.ts';

/** A lake in memory that counts its reads. */
export class MemoryLake implements UpstreamReader {
  readonly files = new Map<string, Uint8Array>();
  readonly reads: string[] = [];

  async read(location: string): Promise<Uint8Array> {
    this.reads.push(location);
    const bytes = this.files.get(location);
    if (!bytes) throw new StorageNotFoundError(`no ${location}`);
    return bytes;
  }

  async *list(folder: string): AsyncGenerator<string> {
    for (const location of this.files.keys())
      if (location.startsWith(`${folder}/`)) yield location.slice(folder.length + 1);
  }
}

/** The fields of a `data_file`, by Iceberg's names; what is left out is null or has a default. */
export type DataFile = Readonly<Record<string, unknown>>;
export type Entry = Readonly<Record<string, unknown>> & { readonly data_file?: DataFile };

const optional = (name: string, type: unknown, id: number): object => ({
  name,
  type: ['null', type],
  default: null,
  'field-id': id,
});
const map = (key: number, value: number, type: string): object => ({
  type: 'array',
  logicalType: 'map',
  items: {
    type: 'record',
    name: `k${key}_v${value}`,
    fields: [
      { name: 'key', type: 'int', 'field-id': key },
      { name: 'value', type, 'field-id': value },
    ],
  },
});

/** Schema of a manifest as version 2 and 3 writers have it; version 1 has no sequence numbers and no content. */
export function manifestSchema(version: 1 | 2 | 3, partition: readonly unknown[] = []): object {
  const fields = [
    ...(version === 1 ? [] : [{ name: 'content', type: 'int', 'field-id': 134 }]),
    { name: 'file_path', type: 'string', 'field-id': 100 },
    { name: 'file_format', type: 'string', 'field-id': 101 },
    { name: 'partition', type: { type: 'record', name: 'r102', fields: partition }, 'field-id': 102 },
    { name: 'record_count', type: 'long', 'field-id': 103 },
    { name: 'file_size_in_bytes', type: 'long', 'field-id': 104 },
    ...(version === 1 ? [{ name: 'block_size_in_bytes', type: 'long', 'field-id': 105 }] : []),
    optional('column_sizes', map(117, 118, 'long'), 108),
    optional('value_counts', map(119, 120, 'long'), 109),
    optional('null_value_counts', map(121, 122, 'long'), 110),
    optional('nan_value_counts', map(138, 139, 'long'), 137),
    optional('lower_bounds', map(126, 127, 'bytes'), 125),
    optional('upper_bounds', map(129, 130, 'bytes'), 128),
    optional('key_metadata', 'bytes', 131),
    optional('split_offsets', { type: 'array', items: 'long' }, 132),
    optional('equality_ids', { type: 'array', items: 'int' }, 135),
    optional('sort_order_id', 'int', 140),
    ...(version === 3
      ? [
          optional('first_row_id', 'long', 142),
          optional('referenced_data_file', 'string', 143),
          optional('content_offset', 'long', 144),
          optional('content_size_in_bytes', 'long', 145),
        ]
      : []),
  ];
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      { name: 'status', type: 'int', 'field-id': 0 },
      optional('snapshot_id', 'long', 1),
      ...(version === 1
        ? []
        : [optional('sequence_number', 'long', 3), optional('file_sequence_number', 'long', 4)]),
      { name: 'data_file', type: { type: 'record', name: 'r2', fields }, 'field-id': 2 },
    ],
  };
}

export function manifestListSchema(version: 1 | 2 | 3): object {
  return {
    type: 'record',
    name: 'manifest_file',
    fields: [
      { name: 'manifest_path', type: 'string', 'field-id': 500 },
      { name: 'manifest_length', type: 'long', 'field-id': 501 },
      { name: 'partition_spec_id', type: 'int', 'field-id': 502 },
      ...(version === 1
        ? []
        : [
            { name: 'content', type: 'int', 'field-id': 517 },
            { name: 'sequence_number', type: 'long', 'field-id': 515 },
          ]),
      optional('added_snapshot_id', 'long', 503),
      optional('key_metadata', 'bytes', 519),
      ...(version === 3 ? [optional('first_row_id', 'long', 520)] : []),
    ],
  };
}

const FILE_DEFAULTS: DataFile = {
  content: 0,
  file_format: 'PARQUET',
  partition: {},
  record_count: 10n,
  file_size_in_bytes: 1_000n,
  block_size_in_bytes: 64n,
};

/** Counts and bounds by field id, as the arrays of key and value that Iceberg writes. */
export function byField<T>(values: Readonly<Record<number, T>>): { key: number; value: T }[] {
  return Object.entries(values).map(([key, value]) => ({ key: Number(key), value }));
}

export interface ManifestSpec extends AvroFileOptions {
  readonly entries: readonly Entry[];
  readonly version?: 1 | 2 | 3;
  readonly partition?: readonly unknown[];
}

export function manifest({ entries, version = 2, partition = [], ...options }: ManifestSpec): Buffer {
  const records = entries.map(({ data_file, ...entry }, i) => ({
    status: 1,
    ...entry,
    data_file: { ...FILE_DEFAULTS, file_path: `mem://t/data/${i}.parquet`, ...data_file },
  }));
  return avroFile(manifestSchema(version, partition), records, options);
}

export interface ListedManifest {
  readonly path: string;
  readonly content?: 0 | 1;
  readonly sequence_number?: bigint;
  readonly added_snapshot_id?: bigint | null;
  readonly partition_spec_id?: number;
  readonly first_row_id?: bigint | null;
  readonly key_metadata?: Buffer | null;
}

export function manifestList(
  manifests: readonly ListedManifest[],
  version: 1 | 2 | 3 = 2,
  options: AvroFileOptions = {},
): Buffer {
  const records = manifests.map(({ path, ...rest }) => ({
    manifest_path: path,
    manifest_length: 1n,
    partition_spec_id: 0,
    content: 0,
    sequence_number: 7n,
    added_snapshot_id: 70n,
    ...rest,
  }));
  return avroFile(manifestListSchema(version), records, options);
}

export const SNAPSHOT_ID = 9_007_199_254_740_993n;
export const LIST = 'mem://t/metadata/snap.avro';

export interface TableSpec {
  readonly version?: 1 | 2 | 3;
  /** `[id, name, type]` */
  readonly columns?: readonly (readonly [number, string, unknown])[];
  readonly snapshot?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Metadata of a table with one snapshot whose manifest list is at {@link LIST}. */
export function tableMetadata({
  version = 2,
  columns = [[1, 'id', 'long']],
  snapshot,
  more,
}: TableSpec = {}): TableMetadata {
  const document = {
    'format-version': version,
    'table-uuid': 'not-a-uuid',
    location: 'mem://t',
    'last-updated-ms': 1,
    'current-schema-id': 0,
    schemas: [
      {
        type: 'struct',
        'schema-id': 0,
        fields: columns.map(([id, name, type]) => ({ id, name, required: false, type })),
      },
    ],
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    snapshots: [
      {
        'snapshot-id': SNAPSHOT_ID,
        'sequence-number': 7,
        'timestamp-ms': 5,
        'manifest-list': LIST,
        ...snapshot,
      },
    ],
    'current-snapshot-id': SNAPSHOT_ID,
    ...more,
  };
  return parseTableMetadata(stringifyJson(document), 'mem://t/metadata/v1.metadata.json');
}

export function onlySnapshot(metadata: TableMetadata): Snapshot {
  const [snapshot] = metadata.snapshots.values();
  if (!snapshot) throw new Error('no snapshot');
  return snapshot;
}
