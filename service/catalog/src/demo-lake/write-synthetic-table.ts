import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Clock, RandomSource } from '@floecat/storage-spi';
import { InvalidArgumentError } from '@floecat/storage-spi';

import type { DemoTable } from './build-table.ts';
import type { ContentFile } from './content-file.ts';
import type { ColumnMetrics } from './parquet-file.ts';
import { partitionFolder } from './partition-spec.ts';
import { seededRandom } from './seeded-random.ts';
import { serializeValue } from './single-value.ts';
import type { LakeFile } from './table-builder.ts';
import { TableBuilder } from './table-builder.ts';
import type { Primitive, TableSchema } from './table-schema.ts';
import { leavesOf } from './table-schema.ts';

/** Most manifests that a manifest list names, as long as a snapshot does not add more than half of them. */
export const MAX_MANIFESTS = 10;
const ROWS_PER_FILE = 1000;
const SHARDS = 16;
const SNAPSHOT_INTERVAL_MS = 60_000;

export interface SyntheticTableOptions {
  /** A local folder; made if absent. */
  readonly folder: string;
  /** What the locations in metadata begin with. Default `file://` and the folder's absolute path. */
  readonly baseLocation?: string;
  /** How many snapshots, at least 1. The last has the clock's time, each other is a minute before the next. */
  readonly snapshots: number;
  /** Manifests that a snapshot adds. Default 1. */
  readonly manifestsPerSnapshot?: number;
  /** Data files that a manifest names. Default 3. */
  readonly filesPerManifest?: number;
  /** Source of the ids. Default a seeded one. */
  readonly random?: RandomSource;
  readonly clock: Clock;
}

/**
 * Writes metadata, manifest lists and manifests of a table `synthetic.snapshots_<n>` and none of its data files,
 * for tests and benchmarks. It is a sliding window: each snapshot adds files and, once there are enough, deletes
 * the oldest. Not durable, and not atomic.
 */
export async function writeSyntheticTable(options: SyntheticTableOptions): Promise<DemoTable> {
  const { snapshots, manifestsPerSnapshot = 1, filesPerManifest = 3, clock } = options;
  for (const [name, count] of Object.entries({ snapshots, manifestsPerSnapshot, filesPerManifest }))
    if (!Number.isSafeInteger(count) || count < 1)
      throw new InvalidArgumentError(`writeSyntheticTable: ${name} is ${count}; it must be 1 or more`);
  const folder = resolve(options.folder);
  const namespace = ['synthetic'];
  const name = `snapshots_${snapshots}`;
  const firstAt = clock.now() - (snapshots - 1) * SNAPSHOT_INTERVAL_MS;
  const random = options.random ?? seededRandom('floecat synthetic table');
  let pending: LakeFile[] = [];
  const table = new TableBuilder({
    baseLocation: (options.baseLocation ?? `file://${folder}`).replace(/\/+$/, ''),
    folder: [...namespace, name].join('/'),
    schema,
    spec: {
      'spec-id': 0,
      fields: [{ 'source-id': 2, 'field-id': 1000, name: 'shard', transform: 'identity' }],
    },
    properties: { comment: 'Metadata without data' },
    createdAt: firstAt,
    random,
    emit: (file) => pending.push(file),
  });
  const flush = async (): Promise<void> => {
    await Promise.all(pending.map(({ path, bytes }) => writeFile(join(folder, path), bytes)));
    pending = [];
  };

  await mkdir(join(folder, table.folder, 'metadata'), { recursive: true });
  let fileNumber = 0;
  for (let i = 0; i < snapshots; i++) {
    const added = Array.from({ length: manifestsPerSnapshot * filesPerManifest }, () =>
      syntheticFile(table, random, fileNumber++),
    );
    const removed = outgoing(table, manifestsPerSnapshot);
    const operation = removed.length > 0 ? 'overwrite' : 'append';
    table.commit({ operation, at: firstAt + i * SNAPSHOT_INTERVAL_MS, added, removed, filesPerManifest });
    if (pending.length >= 64) await flush();
  }
  const metadataLocation = table.writeMetadata();
  await flush();
  return { namespace, name, location: table.location, metadataLocation };
}

const schema: TableSchema = {
  'schema-id': 0,
  type: 'struct',
  fields: [
    { id: 1, name: 'event_id', required: true, type: 'long' },
    { id: 2, name: 'shard', required: true, type: 'int' },
    { id: 3, name: 'amount', required: false, type: 'double' },
    { id: 4, name: 'label', required: false, type: 'string' },
  ],
};

/** Files of the oldest manifests, so many that the next snapshot's list has room. */
function outgoing(table: TableBuilder, manifestsPerSnapshot: number): ContentFile[] {
  const live = table.manifests.filter(({ entries }) => entries.some(({ status }) => status !== 'deleted'));
  const excess = Math.max(0, live.length + 2 * manifestsPerSnapshot - MAX_MANIFESTS);
  return live
    .toSorted((a, b) => Number(a.sequenceNumber - b.sequenceNumber))
    .slice(0, excess)
    .flatMap(({ entries }) => entries.map(({ file }) => file));
}

function syntheticFile(table: TableBuilder, random: RandomSource, number: number): ContentFile {
  const partition = { shard: number % SHARDS };
  return {
    content: 'data',
    path: `${table.location}/data/${partitionFolder(table.spec, partition)}${random.uuid()}.parquet`,
    partition,
    recordCount: BigInt(ROWS_PER_FILE),
    fileSize: BigInt(20_000 + Math.floor(random.next() * 10_000)),
    metrics: syntheticMetrics(number),
    splitOffsets: [4n],
  };
}

function syntheticMetrics(number: number): ColumnMetrics {
  const leaves = leavesOf(schema);
  const of = <T>(values: readonly T[]): Map<number, T> =>
    new Map(leaves.map(({ id }, i) => [id, values[i] as T]));
  const bounds = (values: readonly Primitive[]): Map<number, Buffer> =>
    new Map(leaves.map(({ id, type }, i) => [id, serializeValue(type, values[i] as Primitive)]));
  const rows = BigInt(ROWS_PER_FILE);
  const first = BigInt(number) * rows;
  const shard = number % SHARDS;
  return {
    columnSizes: of([4000n, 40n, 8000n, 6000n]),
    valueCounts: of([rows, rows, rows, rows]),
    nullCounts: of([0n, 0n, 10n, 20n]),
    nanCounts: new Map([[3, 5n]]),
    lowerBounds: bounds([first, shard, 0, 'aardvark']),
    upperBounds: bounds([first + rows - 1n, shard, 1, 'zebra']),
  };
}
