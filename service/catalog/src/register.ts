import { create, fromBinary } from '@bufbuild/protobuf';
import { ScanBundleSchema, ScanChunkRefSchema, ScanChunkSchema } from '@floecat/proto/snapshots';
import type { Also, LoadedTable, NewSnapshot, Repositories } from '@floecat/repository';
import { BlobWriter, discardStagedTable, payloadUri, snapshotOwner } from '@floecat/repository';
import type { CallOptions } from '@floecat/storage-spi';
import { mapBounded } from '@floecat/storage-spi';

import type {
  HarvestedChunk,
  ManifestOutcome,
  TableMetadata,
  TableMetadataFile,
  UpstreamReader,
} from './harvest/index.ts';
import { harvestSnapshot, ManifestCache, readTableMetadata } from './harvest/index.ts';

/** A scan bundle up to this size, serialized, is held by its root and needs no blob of its own. */
export const MAX_INLINE_BUNDLE_BYTES = 16 * 1024;
/** Snapshots of one transaction: two rows each, and every root names all rows of its transaction. */
const SNAPSHOTS_PER_COMMIT = 8;

export interface RegisterRequest extends CallOptions {
  readonly catalog: string;
  readonly namespace: readonly string[];
  readonly name: string;
  /** A metadata file, or the table's location, whose newest metadata is then found. */
  readonly location: string;
  /** What the transaction that publishes the table is to hold besides. */
  readonly also?: (staged: LoadedTable) => Also;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Something of one snapshot that could not be read. */
export interface SnapshotProblem {
  readonly snapshotId: bigint;
  readonly location: string;
  /** MISSING, DAMAGED, REFUSED or UNSUPPORTED. */
  readonly code: string;
  readonly message: string;
}

export interface RegisterResult {
  readonly table: LoadedTable;
  readonly snapshots: number;
  /** Empty if every manifest was read. */
  readonly problems: readonly SnapshotProblem[];
}

/**
 * Reads a table where an engine left it and stores it with the statistics and the scan bundle of every snapshot. It is
 * staged without a name and published by the last commit, so that it is seen whole or not at all; a failure
 * discards what was staged, a crash leaves it to the sweep.
 *
 * Throws `ResourceNotFoundError` (catalog, namespace), `StorageConflictError` (name taken), `InvalidArgumentError`
 * (location refused, not table metadata), `StorageNotFoundError` (no such metadata file), and what the stores throw.
 */
export async function registerTable(
  repositories: Repositories,
  upstream: UpstreamReader,
  request: RegisterRequest & { readonly concurrency: number },
): Promise<RegisterResult> {
  const { tables, namespaces, context } = repositories;
  const call = request.signal ? { signal: request.signal } : {};
  const namespace = await namespaces.require(request.catalog, request.namespace, call);
  await tables.assertNameFree(namespace, request.name, call);
  const file = await readTableMetadata(upstream, request.location, call);
  const { metadata } = file;
  const staged = await tables.stage(namespace, request.name, newTable(file), call);
  try {
    const problems: SnapshotProblem[] = [];
    const kept = await storeSnapshots(repositories, upstream, staged, metadata, request, problems);
    const table = await tables.publish(namespace, kept, { ...call, also: request.also?.(kept) });
    return { table, snapshots: metadata.snapshots.size, problems };
  } catch (error) {
    // Best effort and without the caller's signal: what stays is swept after the grace.
    await discardStagedTable(context, staged).catch(() => undefined);
    throw error;
  }
}

function newTable({ metadata, text }: TableMetadataFile): Parameters<Repositories['tables']['stage']>[2] {
  const { currentSnapshotId } = metadata;
  return {
    tableUuid: metadata.tableUuid,
    location: metadata.location,
    metadataLocation: metadata.metadataLocation,
    formatVersion: metadata.formatVersion,
    ...(currentSnapshotId !== undefined && { currentSnapshotId }),
    snapshotCount: BigInt(metadata.snapshots.size),
    lastUpdatedMs: metadata.lastUpdatedMs,
    metadata: text,
  };
}

/** Harvests and stores group after group; a group is harvested while the one before is committed. */
async function storeSnapshots(
  { snapshots, tables, context }: Repositories,
  upstream: UpstreamReader,
  staged: LoadedTable,
  metadata: TableMetadata,
  request: RegisterRequest & { readonly concurrency: number },
  problems: SnapshotProblem[],
): Promise<LoadedTable> {
  const call = request.signal ? { signal: request.signal } : {};
  const total = metadata.snapshots.size;
  const ids = [...metadata.snapshots.keys()];
  const cache = new ManifestCache<ManifestOutcome>();
  const touchEvery = context.storage.layout.pointerGraceMs / 4;
  let touchedAt = context.clock.monotonic();
  let table = staged;
  let committing: Promise<unknown> = Promise.resolve();

  for (let start = 0; start < total; start += SNAPSHOTS_PER_COMMIT) {
    const group = ids.slice(start, start + SNAPSHOTS_PER_COMMIT);
    const harvest = mapBounded(group, request.concurrency, (snapshotId) =>
      harvestOne(snapshotId, { context, upstream, staged, metadata, cache, ...call }),
    );
    // Both are over before a failure of one is told: nothing goes on behind the caller's back.
    await Promise.allSettled([harvest, committing]);
    await committing;
    const harvested = await harvest;
    problems.push(...harvested.flatMap((each) => each.problems));
    request.onProgress?.({ done: start, total });
    if (context.clock.monotonic() - touchedAt > touchEvery) {
      table = await tables.touch(table, call);
      touchedAt = context.clock.monotonic();
    }
    committing = snapshots.createAll(table, harvested, call);
    // It is awaited with the next group; until then its failure must not count as unhandled.
    committing.catch(() => undefined);
  }
  await committing;
  request.onProgress?.({ done: total, total });
  return table;
}

async function harvestOne(
  snapshotId: bigint,
  from: CallOptions & {
    readonly context: Repositories['context'];
    readonly upstream: UpstreamReader;
    readonly staged: LoadedTable;
    readonly metadata: TableMetadata;
    readonly cache: ManifestCache<ManifestOutcome>;
  },
): Promise<NewSnapshot & { readonly problems: readonly SnapshotProblem[] }> {
  const { context, upstream, staged, metadata, cache, signal } = from;
  const call = signal ? { signal } : {};
  const tableId = staged.owner.id;
  const owner = snapshotOwner(context.account, tableId, snapshotId, 'scan-bundle');
  const writer = new BlobWriter(context);
  const bundle = create(ScanBundleSchema, { tableId, snapshotId });
  // The newest chunk, until it is known whether it is the only one.
  const held: HarvestedChunk[] = [];

  const store = async ({ bytes, fileCount }: HarvestedChunk): Promise<void> => {
    const uri = payloadUri(owner, 'chunk', bytes);
    await writer.put({ uri, bytes, message: ScanChunkSchema.typeName }, call);
    bundle.chunks.push(
      create(ScanChunkRefSchema, { uri, size: BigInt(bytes.length), fileCount: BigInt(fileCount) }),
    );
  };
  const onChunk = async (chunk: HarvestedChunk): Promise<void> => {
    const before = held.pop();
    if (before) await store(before);
    held.push(chunk);
  };

  const harvest = await harvestSnapshot({ reader: upstream, metadata, snapshotId, cache, onChunk, ...call });
  const [last] = held;
  // Only a bundle of one small chunk is held by its root.
  if (last && bundle.chunks.length === 0 && last.bytes.length <= MAX_INLINE_BUNDLE_BYTES)
    bundle.inline = fromBinary(ScanChunkSchema, last.bytes);
  else if (last) await store(last);

  const { statistics, dataFileCount, deleteFileCount } = harvest;
  statistics.tableId = tableId;
  const { problems } = statistics;
  Object.assign(bundle, { dataFileCount, deleteFileCount, problems });
  const told = problems.map(({ location, code, message }) => ({ snapshotId, location, code, message }));
  return { snapshotId, statistics, bundle, writer, problems: told };
}
