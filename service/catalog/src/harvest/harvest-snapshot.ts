import { setImmediate } from 'node:timers/promises';

import { create } from '@bufbuild/protobuf';
import type { SnapshotStatistics } from '@floecat/proto/snapshots';
import { SnapshotStatisticsSchema } from '@floecat/proto/snapshots';
import type { CallOptions } from '@floecat/storage-spi';
import { InvalidArgumentError } from '@floecat/storage-spi';

import { ColumnSums } from './column-sums.ts';
import type { ProblemInit } from './errors.ts';
import { problemOf, throwIfAborted } from './errors.ts';
import type { IcebergSchema } from './iceberg-schema.ts';
import { checkInheritance, inheritedFiles } from './inheritance.ts';
import type { Sized } from './manifest-cache.ts';
import { ManifestCache } from './manifest-cache.ts';
import type { ManifestRef } from './manifest-list.ts';
import { inlineManifest, readManifestList } from './manifest-list.ts';
import type { Manifest } from './manifest.ts';
import { readManifest } from './manifest.ts';
import { readAhead } from './read-ahead.ts';
import type { HarvestedChunk } from './scan-chunk-writer.ts';
import { ScanChunkWriter } from './scan-chunk-writer.ts';
import { present } from './scan-file.ts';
import { distinctCountsOf } from './statistics-files.ts';
import type { Snapshot, TableMetadata } from './table-metadata.ts';
import type { TableTotals } from './table-totals.ts';
import { addTotals, NO_FILES } from './table-totals.ts';
import type { UpstreamReader } from './upstream-reader.ts';

/** What a manifest came to: its entries, or why it could not be read. */
export type ManifestOutcome = Sized & ({ readonly manifest: Manifest } | { readonly problem: ProblemInit });

export interface HarvestRequest extends CallOptions {
  readonly reader: UpstreamReader;
  readonly metadata: TableMetadata;
  readonly snapshotId: bigint;
  /** Shared by the snapshots of one table, also while they are harvested side by side. Default: none. */
  readonly cache?: ManifestCache<ManifestOutcome>;
  /** Takes each chunk of the scan bundle, in order; the next one is not made before it resolves. */
  readonly onChunk?: (chunk: HarvestedChunk) => Promise<void>;
}

export interface SnapshotHarvest {
  /** Complete but for the table's id, which is empty. */
  readonly statistics: SnapshotStatistics;
  /** Files in the chunks, by kind. */
  readonly dataFileCount: bigint;
  readonly deleteFileCount: bigint;
  /** Also in the statistics. */
  readonly problems: readonly ProblemInit[];
}

const MANIFESTS_AHEAD = 4;
const PROBLEM_BYTES = 1_024;

/**
 * Reads a snapshot's manifest list and manifests, hands on its live files in chunks and adds up its statistics. A
 * list or manifest that is missing, damaged, refused or of an unsupported kind becomes a problem, and the rest goes
 * on; a manifest counts whole or not at all, and without one of data files no bound stands. The same lake gives the same chunks, byte for byte. Aborts, missing
 * permissions and other I/O errors are thrown, and so is what `onChunk` throws; nothing is under way any more then.
 */
export async function harvestSnapshot(request: HarvestRequest): Promise<SnapshotHarvest> {
  const { metadata, snapshotId, onChunk = () => Promise.resolve(), signal } = request;
  const snapshot = metadata.snapshots.get(snapshotId);
  if (!snapshot)
    throw new InvalidArgumentError(`${metadata.metadataLocation} has no snapshot ${snapshotId}`, {
      operation: 'harvestSnapshot',
      key: metadata.metadataLocation,
    });
  const problems: ProblemInit[] = [];
  const schema = schemaOf(metadata, snapshot, problems);
  const manifests = await manifestsOf(request, snapshot, problems);
  const columns = new ColumnSums(schema.columns);
  const chunks = new ScanChunkWriter(onChunk);
  let totals = NO_FILES;
  const outcomes = readAhead(manifests, MANIFESTS_AHEAD, (ref) => outcomeOf(request, ref, schema));
  for await (const { ref, ...outcome } of outcomes) {
    // Manifests out of the cache need no I/O; others get their turn here.
    await setImmediate();
    throwIfAborted(signal, 'harvestSnapshot', metadata.metadataLocation);
    if ('problem' in outcome) {
      problems.push(outcome.problem);
      if (ref.content === 'data') columns.loseBounds();
      continue;
    }
    totals = addTotals(totals, outcome.manifest.totals);
    columns.merge(outcome.manifest.columns);
    for (const file of inheritedFiles(ref, outcome.manifest)) await chunks.add(file);
  }
  await chunks.flush();
  return {
    statistics: create(SnapshotStatisticsSchema, {
      ...identityOf(snapshot),
      table: { ...totals, manifestCount: BigInt(manifests.length) },
      columns: columns.statistics(distinctCountsOf(metadata.statistics, snapshotId)),
      problems,
    }),
    dataFileCount: totals.dataFileCount,
    deleteFileCount: deleteFilesOf(totals),
    problems,
  };
}

function identityOf(snapshot: Snapshot) {
  const { snapshotId, parentSnapshotId, sequenceNumber, timestampMs, operation, summary, schemaId } =
    snapshot;
  return {
    snapshotId,
    sequenceNumber,
    timestampMs,
    operation,
    summary,
    manifestList: snapshot.manifestList ?? '',
    ...present({ parentSnapshotId, schemaId }),
  };
}

function deleteFilesOf({ positionDeleteFileCount, equalityDeleteFileCount }: TableTotals): bigint {
  return positionDeleteFileCount + equalityDeleteFileCount;
}

function schemaOf(metadata: TableMetadata, { schemaId }: Snapshot, problems: ProblemInit[]): IcebergSchema {
  const { schemas, currentSchema, metadataLocation } = metadata;
  if (schemaId === undefined) return currentSchema;
  const schema = schemas.find((known) => known.schemaId === schemaId);
  if (schema) return schema;
  problems.push({
    location: metadataLocation,
    code: 'DAMAGED',
    message: `the metadata has no schema ${schemaId}; names and types are those of the current schema`,
  });
  return currentSchema;
}

async function manifestsOf(
  { reader, metadata, signal }: HarvestRequest,
  snapshot: Snapshot,
  problems: ProblemInit[],
): Promise<readonly ManifestRef[]> {
  const { manifestList, manifests, snapshotId } = snapshot;
  if (manifestList === undefined) {
    if (manifests) return manifests.map((location) => inlineManifest(location, snapshotId));
    const message = `snapshot ${snapshotId} names no manifest list`;
    problems.push({ location: metadata.metadataLocation, code: 'MISSING', message });
    return [];
  }
  try {
    return await readManifestList(reader, manifestList, { ...(signal && { signal }) });
  } catch (error) {
    const problem = problemOf(manifestList, error);
    if (!problem) throw error;
    problems.push(problem);
    return [];
  }
}

async function outcomeOf(
  { reader, metadata, cache = new ManifestCache(0), signal }: HarvestRequest,
  ref: ManifestRef,
  schema: IcebergSchema,
): Promise<ManifestOutcome & { readonly ref: ManifestRef }> {
  const options = { ...(signal && { signal }) };
  const read = async (): Promise<ManifestOutcome> => {
    const { columns } = schema;
    const manifest = await readManifest({ reader, manifest: ref, metadata, columns, ...options });
    return { manifest, bytes: manifest.bytes };
  };
  if (ref.encrypted) return { ref, ...unsupported(ref.location) };
  const key = `${schema.schemaId ?? ''} ${ref.location}`;
  const outcome = await cache.get(key, () => orProblem(ref.location, read), options);
  if ('problem' in outcome) return { ref, ...outcome };
  const { manifest } = outcome;
  const checked = await orProblem(ref.location, async () => {
    checkInheritance(ref, manifest);
    return outcome;
  });
  return { ref, ...checked };
}

/** A failure that is about the file is an outcome too, so that it is not found out again for every snapshot. */
async function orProblem(location: string, read: () => Promise<ManifestOutcome>): Promise<ManifestOutcome> {
  try {
    return await read();
  } catch (error) {
    const problem = problemOf(location, error);
    if (!problem) throw error;
    return { problem, bytes: PROBLEM_BYTES };
  }
}

function unsupported(location: string): ManifestOutcome {
  const message = `${location} is encrypted, which is not read`;
  return { problem: { location, code: 'UNSUPPORTED', message }, bytes: PROBLEM_BYTES };
}
