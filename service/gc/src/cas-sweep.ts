import type { OwnerRef } from '@floecat/repository';
import { ownerOfBlob } from '@floecat/repository';
import { mapBounded } from '@floecat/storage-spi';

import { openBackupsToDelete } from './backups.ts';
import type { CasCounts, PublishedList, SweepPosition } from './cas-state.ts';
import type { CondemnedBlob } from './condemned.ts';
import { readSegment } from './condemned.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import { requireVersionedDeletes } from './identity.ts';
import type { OwnerMark } from './owner-roots.ts';
import { markOwners } from './owner-roots.ts';
import { Pardons } from './pardons.ts';
import type { Slice } from './slice.ts';

const PARALLEL_CALLS = 16;

export interface SweepResult {
  /** Where to go on; absent at the end. */
  readonly position?: SweepPosition;
  readonly counts: Partial<CasCounts>;
  /** The first delete that failed. */
  readonly failure?: unknown;
}

/** What one owner has in a batch. */
interface Batch {
  readonly owner: OwnerRef;
  readonly entries: CondemnedBlob[];
}

/**
 * Sweeps a published list until its end or that of the slice: marks the roots that are new in it as lost, and deletes
 * what is due. Safe to repeat from any earlier position. Throws what ends the pass.
 */
export async function sweep(
  context: GcContext,
  account: string,
  list: PublishedList,
  from: SweepPosition,
  slice: Slice,
): Promise<SweepResult> {
  const counts: Record<string, number> = {};
  let failure: unknown;
  let { segment, entry } = from;
  for (; segment < list.segments.length; segment++, entry = 0) {
    const ref = list.segments[segment];
    if (!ref) break;
    const entries = await readSegment(context.storage, ref, callOf(context));
    while (entry < entries.length) {
      const end = batchEnd(entries, entry, context.settings.cas.batchLimit);
      const part = entries.slice(entry, end);
      await markRootsLost(context, list, part);
      if (!from.refusal) {
        const done = await deleteDue(context, account, list, part);
        failure ??= done.failure;
        for (const [name, value] of Object.entries(done.counts)) counts[name] = (counts[name] ?? 0) + value;
      }
      entry = end;
      if (slice.isOver && (entry < entries.length || segment + 1 < list.segments.length))
        return { position: { ...from, segment, entry }, counts, ...(failure !== undefined && { failure }) };
    }
  }
  return { counts, ...(failure !== undefined && { failure }) };
}

/** Up to `limit` entries, and not so many that a URI is cut in two, which would lose the order of its versions. */
function batchEnd(entries: readonly CondemnedBlob[], from: number, limit: number): number {
  let end = Math.min(from + limit, entries.length);
  while (end < entries.length && entries[end]?.uri === entries[end - 1]?.uri) end++;
  return end;
}

/** So that a rebuild from the blobs passes over them. Best effort, as each store can. */
async function markRootsLost(
  context: GcContext,
  { pass }: PublishedList,
  entries: readonly CondemnedBlob[],
): Promise<void> {
  const roots = entries.filter(({ run, uri }) => run === pass && ownerOfBlob(uri)?.isRoot);
  await mapBounded(roots, PARALLEL_CALLS, ({ uri, versionId }) =>
    context.storage.blobs.markLost(uri, versionId, callOf(context)),
  );
}

async function deleteDue(
  context: GcContext,
  account: string,
  list: PublishedList,
  entries: readonly CondemnedBlob[],
): Promise<{ readonly counts: Record<string, number>; readonly failure?: unknown }> {
  const { storage, safety } = context;
  const retentionMs = safety.retention ? storage.layout.casRetentionMs : 0;
  const due = entries.filter(({ since }) => list.startedAt - since >= retentionMs);
  if (due.length === 0) return { counts: {} };
  await requireVersionedDeletes(context);
  const pardons = await Pardons.read(context, account);
  const batches = new Map<string, Batch>();
  for (const entry of due) {
    const owner = ownerOfBlob(entry.uri)?.owner;
    if (!owner || pardons.has(entry)) continue;
    const batch = batches.get(owner.key) ?? { owner, entries: [] };
    batch.entries.push(entry);
    batches.set(owner.key, batch);
  }
  const marks = safety.rewalk ? await markNow(context, [...batches.values()]) : new Map<string, OwnerMark>();
  const byUri = new Map<string, { readonly reached: boolean; readonly entries: CondemnedBlob[] }>();
  for (const { owner, entries: own } of batches.values())
    for (const entry of own) {
      const reached = marks.get(owner.key)?.reached.has(entry.uri) ?? false;
      const same = byUri.get(entry.uri) ?? { reached, entries: [] };
      same.entries.push(entry);
      byUri.set(entry.uri, same);
    }
  const outcomes = await mapBounded([...byUri.values()], PARALLEL_CALLS, (each) =>
    deleteVersions(context, each.entries, each.reached),
  );
  const deleted = outcomes.flatMap((outcome) => outcome.deleted);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  return {
    counts: {
      deleted: deleted.length,
      deletedBytes: deleted.reduce((sum, { size }) => sum + size, 0),
      failed,
      spared: due.length - deleted.length - failed,
    },
    failure: outcomes.find((outcome) => outcome.failure !== undefined)?.failure,
  };
}

/** What these owners need at this moment, backups that were registered meanwhile included. */
async function markNow(
  context: GcContext,
  batches: readonly Batch[],
): Promise<ReadonlyMap<string, OwnerMark>> {
  const call = callOf(context);
  const backups = await openBackupsToDelete(context);
  const rows = await context.storage.pointers.getBatch(
    batches.map(({ owner }) => owner.key),
    call,
  );
  const found = await mapBounded(batches, PARALLEL_CALLS, async ({ owner }, i) => {
    const kept = await mapBounded(backups, PARALLEL_CALLS, (backup) => backup.pointer(owner.key, call));
    return { owner, live: rows[i], kept: kept.filter((pointer) => pointer !== undefined) };
  });
  const marks = await markOwners(
    context,
    found.filter(({ live, kept }) => live !== undefined || kept.length > 0),
  );
  return new Map(marks.flatMap((mark) => (mark ? [[mark.owner.key, mark] as const] : [])));
}

interface Deleted {
  readonly deleted: readonly CondemnedBlob[];
  readonly failed: number;
  readonly failure?: unknown;
}

/**
 * Deletes the versions of one URI, oldest first; the list has them newest first. Of a URI that is reached again only
 * those go that a newer version stands above.
 */
async function deleteVersions(
  context: GcContext,
  entries: readonly CondemnedBlob[],
  isReached: boolean,
): Promise<Deleted> {
  const { blobs } = context.storage;
  const call = callOf(context);
  const oldestFirst = entries.toReversed();
  const doomed = isReached && !(await isCovered(context, entries)) ? [] : oldestFirst;
  const deleted: CondemnedBlob[] = [];
  for (const entry of doomed) {
    try {
      if (context.safety['version-in-delete']) await blobs.deleteVersion(entry.uri, entry.versionId, call);
      else await blobs.delete(entry.uri, call);
    } catch (failure) {
      if (context.signal?.aborted) throw failure;
      // What is newer stays too: the next pass finds them all again.
      return { deleted, failed: doomed.length - deleted.length, failure };
    }
    deleted.push(entry);
  }
  return { deleted, failed: 0 };
}

/** Whether a version that is not among `entries` is the latest of their URI. */
async function isCovered(context: GcContext, entries: readonly CondemnedBlob[]): Promise<boolean> {
  const uri = entries[0]?.uri ?? '';
  const ids = new Set(entries.map(({ versionId }) => versionId));
  let pageToken: string | undefined;
  do {
    const page = await context.storage.blobs.listVersions(uri, {
      ...callOf(context),
      ...(pageToken && { pageToken }),
    });
    const latest = page.versions.find((version) => version.uri === uri && version.latest);
    if (latest) return !ids.has(latest.versionId);
    // Longer URIs that start alike come after all versions of this one.
    if (page.versions.some((version) => version.uri !== uri)) return false;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return false;
}
