import type { PartitionSpec } from './partition-spec.ts';
import { FIRST_PARTITION_ID } from './partition-spec.ts';
import type { TableSchema } from './table-schema.ts';
import { highestFieldId } from './table-schema.ts';

export type Operation = 'append' | 'overwrite' | 'delete';

/** A snapshot in the form it has in metadata. */
export interface Snapshot {
  readonly 'snapshot-id': bigint;
  readonly 'parent-snapshot-id'?: bigint;
  readonly 'sequence-number': bigint;
  /** Epoch ms. */
  readonly 'timestamp-ms': number;
  readonly 'manifest-list': string;
  readonly summary: { readonly operation: Operation; readonly [key: string]: string };
  readonly 'schema-id': number;
}

/** A statistics file in the form it has in metadata. */
export interface StatisticsFile {
  readonly 'snapshot-id': bigint;
  readonly 'statistics-path': string;
  readonly 'file-size-in-bytes': number;
  readonly 'file-footer-size-in-bytes': number;
  readonly 'blob-metadata': readonly object[];
}

/** Table metadata of format version 2 in its own form; 64-bit ids are bigints. */
export interface TableMetadata {
  readonly 'format-version': 2;
  readonly 'table-uuid': string;
  readonly location: string;
  readonly 'last-sequence-number': bigint;
  readonly 'last-updated-ms': number;
  readonly 'last-column-id': number;
  readonly schemas: readonly TableSchema[];
  readonly 'current-schema-id': number;
  readonly 'partition-specs': readonly PartitionSpec[];
  readonly 'default-spec-id': number;
  readonly 'last-partition-id': number;
  readonly 'sort-orders': readonly object[];
  readonly 'default-sort-order-id': number;
  readonly properties: Readonly<Record<string, string>>;
  /** Absent until there is a snapshot. */
  readonly 'current-snapshot-id'?: bigint;
  readonly refs: Readonly<
    Record<string, { readonly 'snapshot-id': bigint; readonly type: 'branch' | 'tag' }>
  >;
  readonly snapshots: readonly Snapshot[];
  readonly 'snapshot-log': readonly { readonly 'timestamp-ms': number; readonly 'snapshot-id': bigint }[];
  readonly 'metadata-log': readonly { readonly 'timestamp-ms': number; readonly 'metadata-file': string }[];
  readonly statistics: readonly StatisticsFile[];
  readonly 'partition-statistics': readonly object[];
}

export interface NewTable {
  readonly uuid: string;
  readonly location: string;
  readonly schema: TableSchema;
  readonly spec: PartitionSpec;
  readonly properties: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly createdAt: number;
}

export function newTable(table: NewTable): TableMetadata {
  const { schema, spec } = table;
  return {
    'format-version': 2,
    'table-uuid': table.uuid,
    location: table.location,
    'last-sequence-number': 0n,
    'last-updated-ms': table.createdAt,
    'last-column-id': highestFieldId(schema),
    schemas: [schema],
    'current-schema-id': schema['schema-id'],
    'partition-specs': [spec],
    'default-spec-id': spec['spec-id'],
    'last-partition-id': Math.max(FIRST_PARTITION_ID - 1, ...spec.fields.map((field) => field['field-id'])),
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': 0,
    properties: table.properties,
    refs: {},
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    statistics: [],
    'partition-statistics': [],
  };
}

/** The table once `snapshot` is the head of its main branch. */
export function withSnapshot(table: TableMetadata, snapshot: Snapshot): TableMetadata {
  const id = snapshot['snapshot-id'];
  return {
    ...table,
    'last-sequence-number': snapshot['sequence-number'],
    'last-updated-ms': snapshot['timestamp-ms'],
    'current-snapshot-id': id,
    refs: { ...table.refs, main: { 'snapshot-id': id, type: 'branch' } },
    snapshots: [...table.snapshots, snapshot],
    'snapshot-log': [
      ...table['snapshot-log'],
      { 'timestamp-ms': snapshot['timestamp-ms'], 'snapshot-id': id },
    ],
  };
}

/** The table once `schema`, which has a new id, is the current one. */
export function withSchema(table: TableMetadata, schema: TableSchema, at: number): TableMetadata {
  return {
    ...table,
    'last-updated-ms': at,
    'last-column-id': Math.max(table['last-column-id'], highestFieldId(schema)),
    schemas: [...table.schemas, schema],
    'current-schema-id': schema['schema-id'],
  };
}

export function withTag(table: TableMetadata, name: string, snapshotId: bigint, at: number): TableMetadata {
  return {
    ...table,
    'last-updated-ms': at,
    refs: { ...table.refs, [name]: { 'snapshot-id': snapshotId, type: 'tag' } },
  };
}

export function withStatistics(table: TableMetadata, statistics: StatisticsFile, at: number): TableMetadata {
  return { ...table, 'last-updated-ms': at, statistics: [...table.statistics, statistics] };
}

/** The table once a metadata file with its present state exists, so that the next one names it. */
export function withMetadataFile(table: TableMetadata, location: string): TableMetadata {
  const entry = { 'timestamp-ms': table['last-updated-ms'], 'metadata-file': location };
  return { ...table, 'metadata-log': [...table['metadata-log'], entry] };
}

export function currentSnapshot(table: TableMetadata): Snapshot | undefined {
  return table.snapshots.at(-1);
}

export function currentSchema(table: TableMetadata): TableSchema {
  const schema = table.schemas.find((each) => each['schema-id'] === table['current-schema-id']);
  if (!schema) throw new RangeError(`schema ${table['current-schema-id']} is not among the table's`);
  return schema;
}
