import type { RandomSource } from '@floecat/storage-spi';

import { stringifyJson } from '../harvest/lossless-json.ts';
import type { ContentFile, Manifest, ManifestEntry } from './content-file.ts';
import { ManifestFormat } from './manifest-file.ts';
import type { PartitionSpec } from './partition-spec.ts';
import { snapshotSummary } from './snapshot-summary.ts';
import type { NewTable, Operation, TableMetadata } from './table-metadata.ts';
import {
  currentSchema,
  currentSnapshot,
  newTable,
  withMetadataFile,
  withSnapshot,
} from './table-metadata.ts';
import type { TableSchema } from './table-schema.ts';

/** A file of the lake, by its path below the lake's folder. */
export interface LakeFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface TableBuilderOptions extends Omit<NewTable, 'uuid' | 'location'> {
  /** Location of the lake's folder, without a slash at its end. */
  readonly baseLocation: string;
  /** The table's folder below it. */
  readonly folder: string;
  readonly random: RandomSource;
  /** Takes each file as it is made. */
  readonly emit: (file: LakeFile) => void;
}

export interface Commit {
  readonly operation: Operation;
  /** Epoch ms. */
  readonly at: number;
  readonly added: readonly ContentFile[];
  /** Files of the table that the new snapshot no longer has. Default none. */
  readonly removed?: readonly ContentFile[];
  /** Most files that a new manifest names. Default no limit. */
  readonly filesPerManifest?: number;
}

/** Builds one Iceberg v2 table, commit by commit, as an engine would. Does no I/O: what it makes goes to `emit`. */
export class TableBuilder {
  readonly folder: string;
  readonly location: string;
  readonly spec: PartitionSpec;
  readonly #random: RandomSource;
  readonly #emit: (file: LakeFile) => void;
  #metadata: TableMetadata;
  #manifests: readonly Manifest[] = [];
  #format: ManifestFormat;

  constructor(options: TableBuilderOptions) {
    this.folder = options.folder;
    this.location = `${options.baseLocation}/${options.folder}`;
    this.spec = options.spec;
    this.#random = options.random;
    this.#emit = options.emit;
    this.#metadata = newTable({ ...options, uuid: options.random.uuid(), location: this.location });
    this.#format = new ManifestFormat(options.schema, options.spec);
  }

  get metadata(): TableMetadata {
    return this.#metadata;
  }

  get schema(): TableSchema {
    return currentSchema(this.#metadata);
  }

  /** Manifests of the current snapshot. */
  get manifests(): readonly Manifest[] {
    return this.#manifests;
  }

  /** Changes the metadata by one of the functions of `table-metadata.ts`. */
  change(next: (table: TableMetadata) => TableMetadata): void {
    this.#metadata = next(this.#metadata);
    this.#format = new ManifestFormat(this.schema, this.spec);
  }

  /** Emits a file of the table and answers its location. `path` is below the table's folder. */
  file(path: string, bytes: Uint8Array): string {
    this.#emit({ path: `${this.folder}/${path}`, bytes });
    return `${this.location}/${path}`;
  }

  /** Makes a snapshot: new manifests for each kind of file added, and those written anew that lost a file. */
  commit({ operation, at, added, removed = [], filesPerManifest = Infinity }: Commit): void {
    const parent = currentSnapshot(this.#metadata);
    const id = snapshotId(this.#random);
    const sequenceNumber = this.#metadata['last-sequence-number'] + 1n;
    const attempt = this.#random.uuid();
    const manifests: Manifest[] = [];
    const write = (content: Manifest['content'], entries: readonly ManifestEntry[]): void => {
      const bytes = this.#format.manifest(content, entries);
      const path = this.file(`metadata/${attempt}-m${manifests.length}.avro`, bytes);
      const length = BigInt(bytes.length);
      manifests.push({ path, length, content, sequenceNumber, addedSnapshotId: id, entries });
    };

    for (const content of ['data', 'deletes'] as const) {
      const files = added.filter((file) => (file.content === 'data') === (content === 'data'));
      const entries = files.map(
        (file) => ({ status: 'added', snapshotId: id, sequenceNumber, file }) as const,
      );
      for (let first = 0; first < entries.length; first += filesPerManifest)
        write(content, entries.slice(first, first + filesPerManifest));
    }
    const kept: Manifest[] = [];
    const gone = new Set(removed.map((file) => file.path));
    for (const manifest of this.#manifests) {
      // Files that an earlier snapshot deleted are history, not part of this one.
      const live = manifest.entries.filter((entry) => entry.status !== 'deleted');
      if (live.some((entry) => gone.has(entry.file.path)))
        write(
          manifest.content,
          live.map((entry) =>
            gone.delete(entry.file.path)
              ? { ...entry, status: 'deleted', snapshotId: id }
              : { ...entry, status: 'existing' },
          ),
        );
      else if (live.length > 0) kept.push(manifest);
    }
    if (gone.size > 0)
      throw new RangeError(`not in the table, so it cannot be removed: ${[...gone].join(', ')}`);

    this.#manifests = [...manifests, ...kept];
    const list = this.#format.manifestList(
      { id, parentId: parent?.['snapshot-id'], sequenceNumber },
      this.#manifests,
    );
    this.#metadata = withSnapshot(this.#metadata, {
      'snapshot-id': id,
      ...(parent && { 'parent-snapshot-id': parent['snapshot-id'] }),
      'sequence-number': sequenceNumber,
      'timestamp-ms': at,
      'manifest-list': this.file(`metadata/snap-${id}-1-${attempt}.avro`, list),
      summary: snapshotSummary(operation, added, removed, parent?.summary),
      'schema-id': this.schema['schema-id'],
    });
  }

  /** Emits a metadata file with the present state and answers its location. */
  writeMetadata(): string {
    const version = String(this.#metadata['metadata-log'].length).padStart(5, '0');
    const json = Buffer.from(stringifyJson(this.#metadata, 2) + '\n', 'utf8');
    const location = this.file(`metadata/${version}-${this.#random.uuid()}.metadata.json`, json);
    this.#metadata = withMetadataFile(this.#metadata, location);
    return location;
  }
}

// A positive odd number of 63 bits, so that no JavaScript number can hold it and a reader that tries is found out.
function snapshotId(random: RandomSource): bigint {
  const word = (): bigint => BigInt(Math.floor(random.next() * 2 ** 32));
  return BigInt.asUintN(63, (word() << 32n) | word()) | (1n << 62n) | 1n;
}
