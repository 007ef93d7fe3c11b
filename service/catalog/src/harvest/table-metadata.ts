import type { IcebergSchema } from './iceberg-schema.ts';
import { parseSchema } from './iceberg-schema.ts';
import { JsonFields } from './json-fields.ts';
import { parseJson, stringifyJson } from './lossless-json.ts';
import type { PartitionSpec } from './partition-spec.ts';
import { parsePartitionFields } from './partition-spec.ts';
import type { StatisticsFile } from './statistics-files.ts';
import { parseStatisticsFiles } from './statistics-files.ts';

export interface Snapshot {
  readonly snapshotId: bigint;
  readonly parentSnapshotId: bigint | undefined;
  /** 0 in format version 1. */
  readonly sequenceNumber: bigint;
  readonly timestampMs: bigint;
  /** Empty where the writer gave none. */
  readonly operation: string;
  /** Without the operation. */
  readonly summary: Readonly<Record<string, string>>;
  /** Location; absent in format version 1 where the manifests stand in the metadata. */
  readonly manifestList: string | undefined;
  /** Locations, of format version 1 only. */
  readonly manifests: readonly string[] | undefined;
  readonly schemaId: number | undefined;
}

/** What the catalog uses of a table's metadata. Ids, times and counters are exact. */
export interface TableMetadata {
  /** Where it was read. */
  readonly metadataLocation: string;
  /** 1, 2 or 3. */
  readonly formatVersion: number;
  /** As the file says; not always a UUID, and empty where format version 1 has none. */
  readonly tableUuid: string;
  readonly location: string;
  readonly lastUpdatedMs: bigint;
  readonly currentSnapshotId: bigint | undefined;
  /** In the order of the file, by id. */
  readonly snapshots: ReadonlyMap<bigint, Snapshot>;
  readonly currentSchema: IcebergSchema;
  readonly schemas: readonly IcebergSchema[];
  readonly specs: readonly PartitionSpec[];
  readonly statistics: readonly StatisticsFile[];
}

const MAX_FORMAT_VERSION = 3;

/**
 * Reads the text of a metadata file. Throws `INVALID_ARGUMENT` where it is not table metadata or contradicts itself
 * in what the catalog relies on. What is only odd passes: a table UUID that is none, a `last-column-id` of 0,
 * references to snapshots that are gone, unknown fields and types.
 */
export function parseTableMetadata(text: string, metadataLocation: string): TableMetadata {
  const fields = new JsonFields(metadataLocation, '', parse(text, metadataLocation));
  const formatVersion = formatVersionOf(fields);
  const location = fields.string('location');
  if (location === '') fields.refuse('location is empty');
  const snapshots = snapshotsOf(fields);
  const currentSnapshotId = currentSnapshotIdOf(fields, snapshots);
  return {
    metadataLocation,
    formatVersion,
    tableUuid: fields.optionalString('table-uuid') ?? '',
    location,
    lastUpdatedMs: fields.optionalInt64('last-updated-ms') ?? 0n,
    currentSnapshotId,
    snapshots,
    ...schemasOf(fields),
    specs: specsOf(fields),
    statistics: parseStatisticsFiles(fields.raw('statistics')),
  };
}

function parse(text: string, location: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    return new JsonFields(location, '', {}).refuse(`it is not JSON (${(error as Error).message})`);
  }
}

function formatVersionOf(fields: JsonFields): number {
  if (!fields.has('format-version')) fields.refuse('it is JSON but not table metadata: no format-version');
  const version = fields.int32('format-version');
  if (version < 1 || version > MAX_FORMAT_VERSION)
    fields.refuse(`format-version ${version} is not supported (1 to ${MAX_FORMAT_VERSION} are)`);
  return version;
}

function snapshotsOf(fields: JsonFields): Map<bigint, Snapshot> {
  const snapshots = new Map<bigint, Snapshot>();
  for (const item of fields.objects('snapshots')) {
    const snapshot = snapshotOf(item);
    if (snapshots.has(snapshot.snapshotId)) item.refuse(`two snapshots have id ${snapshot.snapshotId}`);
    snapshots.set(snapshot.snapshotId, snapshot);
  }
  return snapshots;
}

function snapshotOf(item: JsonFields): Snapshot {
  const { operation = '', ...summary } = textsOf(item.object('summary'));
  const parent = item.optionalInt64('parent-snapshot-id', -1n);
  return {
    snapshotId: item.int64('snapshot-id'),
    parentSnapshotId: parent === -1n ? undefined : parent,
    sequenceNumber: item.optionalInt64('sequence-number') ?? 0n,
    timestampMs: item.int64('timestamp-ms'),
    operation,
    summary,
    manifestList: item.optionalString('manifest-list'),
    manifests: item.has('manifests') ? manifestsOf(item) : undefined,
    schemaId: item.optionalInt32('schema-id'),
  };
}

function manifestsOf(item: JsonFields): string[] {
  return item
    .list('manifests')
    .map((path) =>
      typeof path === 'string' ? path : item.refuse('manifests has an item that is no string'),
    );
}

/** A map of strings. What is not a string, which no writer should put there, is kept as its JSON. */
function textsOf(fields: JsonFields | undefined): Record<string, string> {
  const texts = (fields?.names() ?? []).map((name): [string, string] => {
    const value = fields?.raw(name) ?? null;
    return [name.toWellFormed(), typeof value === 'string' ? value.toWellFormed() : stringifyJson(value)];
  });
  return Object.fromEntries(texts);
}

function currentSnapshotIdOf(
  fields: JsonFields,
  snapshots: ReadonlyMap<bigint, Snapshot>,
): bigint | undefined {
  const id = fields.optionalInt64('current-snapshot-id', -1n);
  if (id === undefined || id === -1n) return undefined;
  if (!snapshots.has(id)) fields.refuse(`current-snapshot-id ${id} is not among its snapshots`);
  return id;
}

function schemasOf(fields: JsonFields): Pick<TableMetadata, 'schemas' | 'currentSchema'> {
  const schemas = fields.objects('schemas').map(parseSchema);
  const single = fields.object('schema');
  if (schemas.length === 0) {
    const only = parseSchema(single ?? fields.refuse('it has no schema'));
    return { schemas: [only], currentSchema: only };
  }
  const currentId = fields.optionalInt32('current-schema-id');
  const currentSchema =
    schemas.length === 1 && currentId === undefined
      ? schemas[0]
      : schemas.find(({ schemaId }) => schemaId === currentId);
  if (!currentSchema) return fields.refuse(`current-schema-id ${currentId} is not among its schemas`);
  return { schemas, currentSchema };
}

function specsOf(fields: JsonFields): PartitionSpec[] {
  const specs = fields.objects('partition-specs').map((spec) => ({
    specId: spec.int32('spec-id'),
    fields: parsePartitionFields(spec.objects('fields')),
  }));
  if (specs.length > 0 || !fields.has('partition-spec')) return specs;
  return [{ specId: 0, fields: parsePartitionFields(fields.objects('partition-spec')) }];
}
