import { stringifyJson } from '../harvest/lossless-json.ts';
import type { RecordType } from './avro-file.ts';
import { avroFile, recordType } from './avro-file.ts';
import { boundsOf } from './column-bounds.ts';
import type { ContentFile, EntryStatus, Manifest, ManifestEntry } from './content-file.ts';
import { manifestListSchema, manifestSchema } from './manifest-schemas.ts';
import type { PartitionSpec } from './partition-spec.ts';
import { partitionType } from './partition-spec.ts';
import type { TableSchema } from './table-schema.ts';

const STATUS = { existing: 0, added: 1, deleted: 2 } as const;
const FORMAT_VERSION = '2';
const listRecord = recordType(manifestListSchema);

/** Writes the manifests of one schema and one partition spec. */
export class ManifestFormat {
  readonly #schema: TableSchema;
  readonly #spec: PartitionSpec;
  readonly #record: RecordType;

  constructor(schema: TableSchema, spec: PartitionSpec) {
    this.#schema = schema;
    this.#spec = spec;
    this.#record = recordType(manifestSchema(spec.fields, schema));
  }

  /** A manifest file. An added entry leaves its sequence numbers to be inherited from the manifest list. */
  manifest(content: Manifest['content'], entries: readonly ManifestEntry[]): Buffer {
    return avroFile(this.#record, entries.map(entryRecord), {
      schema: JSON.stringify(this.#schema),
      'schema-id': String(this.#schema['schema-id']),
      'partition-spec': JSON.stringify(this.#spec.fields),
      'partition-spec-id': String(this.#spec['spec-id']),
      'format-version': FORMAT_VERSION,
      content,
    });
  }

  /** A manifest list file: what a snapshot consists of. */
  manifestList(
    snapshot: { readonly id: bigint; readonly parentId: bigint | undefined; readonly sequenceNumber: bigint },
    manifests: readonly Manifest[],
  ): Buffer {
    const records = manifests.map((manifest) => this.#listRecord(manifest));
    return avroFile(listRecord, records, {
      'snapshot-id': String(snapshot.id),
      'parent-snapshot-id': stringifyJson(snapshot.parentId ?? null),
      'sequence-number': String(snapshot.sequenceNumber),
      'format-version': FORMAT_VERSION,
    });
  }

  #listRecord(manifest: Manifest): object {
    const { entries } = manifest;
    const of = (status: EntryStatus): ManifestEntry[] => entries.filter((entry) => entry.status === status);
    const rows = (status: EntryStatus): bigint =>
      of(status).reduce((sum, entry) => sum + entry.file.recordCount, 0n);
    const live = entries.filter((entry) => entry.status !== 'deleted');
    return {
      manifest_path: manifest.path,
      manifest_length: manifest.length,
      partition_spec_id: this.#spec['spec-id'],
      content: manifest.content === 'data' ? 0 : 1,
      sequence_number: manifest.sequenceNumber,
      min_sequence_number: live.reduce(
        (least, entry) => (entry.sequenceNumber < least ? entry.sequenceNumber : least),
        manifest.sequenceNumber,
      ),
      added_snapshot_id: manifest.addedSnapshotId,
      added_files_count: of('added').length,
      existing_files_count: of('existing').length,
      deleted_files_count: of('deleted').length,
      added_rows_count: rows('added'),
      existing_rows_count: rows('existing'),
      deleted_rows_count: rows('deleted'),
      partitions: this.#spec.fields.map((field) => {
        const values = entries.map((entry) => entry.file.partition[field.name] ?? null);
        const present = values.filter((value) => value !== null);
        const { lower, upper } = boundsOf(partitionType(field, this.#schema), present);
        return {
          contains_null: present.length < values.length,
          contains_nan: false,
          lower_bound: lower ?? null,
          upper_bound: upper ?? null,
        };
      }),
    };
  }
}

function entryRecord(entry: ManifestEntry): object {
  const inherited = entry.status === 'added';
  return {
    status: STATUS[entry.status],
    snapshot_id: entry.snapshotId,
    sequence_number: inherited ? null : entry.sequenceNumber,
    file_sequence_number: inherited ? null : entry.sequenceNumber,
    data_file: fileRecord(entry.file),
  };
}

function fileRecord(file: ContentFile): object {
  const { metrics } = file;
  return {
    content: file.content === 'data' ? 0 : 1,
    file_path: file.path,
    file_format: 'PARQUET',
    partition: file.partition,
    record_count: file.recordCount,
    file_size_in_bytes: file.fileSize,
    column_sizes: pairs(metrics.columnSizes),
    value_counts: pairs(metrics.valueCounts),
    null_value_counts: pairs(metrics.nullCounts),
    nan_value_counts: pairs(metrics.nanCounts),
    lower_bounds: pairs(metrics.lowerBounds),
    upper_bounds: pairs(metrics.upperBounds),
    split_offsets: file.splitOffsets.length > 0 ? file.splitOffsets : null,
    sort_order_id: file.content === 'data' ? 0 : null,
    referenced_data_file: file.referencedDataFile ?? null,
  };
}

function pairs<T>(map: ReadonlyMap<number, T>): { readonly key: number; readonly value: T }[] {
  return Array.from(map, ([key, value]) => ({ key, value }));
}
