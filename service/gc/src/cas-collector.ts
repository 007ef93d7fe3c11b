import { collectorStateKey } from '@floecat/repository';
import { StorageAbortRetryableError } from '@floecat/storage-spi';

import { BackupUnfinishedError, openBackups } from './backups.ts';
import { CasMark } from './cas-mark.ts';
import { isEmptyMark, refusalToCondemn, refusalToDelete } from './cas-rules.ts';
import type { CasState, MarkState, PublishedList } from './cas-state.ts';
import { addCounts, NO_COUNTS } from './cas-state.ts';
import { sweep } from './cas-sweep.ts';
import { CondemnedReader, listPrefix, listsPrefix, SegmentWriter } from './condemned.ts';
import { forgetEndOfAccount, isAccountEnded } from './ended-accounts.ts';
import { GcRefusedError, GcSupersededError, isRefusal } from './errors.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import { requireVersionedDeletes } from './identity.ts';
import { Pardons } from './pardons.ts';
import type { SliceResult } from './slice-result.ts';
import { describeError } from './slice-result.ts';
import type { Slice } from './slice.ts';
import { storeTime } from './store-time.ts';
import { SystemState } from './system-state.ts';

type State = SystemState<CasState>;

/** Works one slice on the blobs of one account: marks, publishes what it condemned, sweeps. */
export async function collectBlobs(context: GcContext, account: string, slice: Slice): Promise<SliceResult> {
  const { storage, random } = context;
  const call = callOf(context);
  const state: State = await SystemState.read<CasState>(
    { system: storage.system, random },
    collectorStateKey('cas', account),
    call,
  );
  if (state.value?.sweep) return sweepSlice(context, account, state, slice);
  try {
    const mark = state.value?.mark ?? (await begin(context, account));
    const ended = await markSlice(context, account, state, mark, slice);
    if (!ended) return { outcome: 'unfinished', counts: {} };
    return await publish(context, account, state, ended);
  } catch (error) {
    return endPass(context, account, state, error);
  }
}

/** The put that begins a pass tells the blob store's time. */
async function begin(context: GcContext, account: string): Promise<MarkState> {
  const { storage, random, signal } = context;
  await requireVersionedDeletes(context);
  const pardons = await Pardons.read(context, account);
  const id = random.uuid().slice(0, 8);
  const uri = `${listsPrefix(account)}begin-${id}`;
  const { lastModified } = await storage.blobs.put(uri, Buffer.from('{}\n', 'utf8'), {
    contentType: 'application/json',
    ...(signal && { signal }),
  });
  return {
    // Sorts by time.
    pass: `${new Date(lastModified).toISOString().replaceAll(/[-:.]/g, '')}-${id}`,
    startedAt: lastModified,
    previousSegment: 0,
    segments: [],
    counts: NO_COUNTS,
    unknownExamples: [],
    pardons: pardons.rows.map((row) => row.key),
  };
}

/** Marks until the slice is over; answers the whole mark once it is done. */
async function markSlice(
  context: GcContext,
  account: string,
  state: State,
  mark: MarkState,
  slice: Slice,
): Promise<MarkState | undefined> {
  const { storage } = context;
  const call = callOf(context);
  const list = state.value?.list;
  const previous = new CondemnedReader(
    storage,
    list?.segments ?? [],
    mark.previousSegment,
    call,
    () => undefined,
  );
  const sink = await SegmentWriter.resume(storage, listPrefix(account, mark.pass), mark.segments, call);
  const pardons = await Pardons.read(context, account);
  const backups = await openBackups(context);
  await using marking = new CasMark(context, {
    account,
    backups,
    pardons,
    previous,
    list,
    sink,
    state: mark,
  });
  let more = true;
  do more = await marking.step();
  while (more && !slice.isOver);
  context.signal?.throwIfAborted();
  const next = await marking.suspend();
  if (!more) return next;
  await state.save({ ...(list && { list }), mark: next }, call);
  return undefined;
}

/** Lets a finished mark take effect, or refuses it. */
async function publish(
  context: GcContext,
  account: string,
  state: State,
  mark: MarkState,
): Promise<SliceResult> {
  const { storage, settings } = context;
  const call = callOf(context);
  const { counts, pass, startedAt, segments } = mark;
  const wasEnded = await isAccountEnded(context, account);
  if (counts.versions === 0 && counts.owners === 0) {
    await forgetAccount(context, account, state);
    return { outcome: 'done', counts: {} };
  }
  const unlikely = refusalToCondemn(counts, settings, wasEnded);
  if (unlikely) throw new GcRefusedError(`account ${account}: ${unlikely}`);
  const tooMany = refusalToDelete(counts, settings, isEmptyMark(counts) && wasEnded);
  const refusal = tooMany && { code: 'GC_REFUSED', message: `account ${account}: ${tooMany}` };
  // A mark can be long under way: what an owner let go of meanwhile has its whole retention from now on.
  const publishedAt = await storeTime(context);
  const list: PublishedList = { pass, startedAt, publishedAt, segments, counts, publishedBy: context.run };
  await state.save({ list, sweep: { segment: 0, entry: 0, ...(refusal && { refusal }) } }, call);
  for (const key of mark.pardons) {
    const row = await storage.system.get(key, call);
    if (row) await storage.system.compareAndDelete(key, row, call);
  }
  return { outcome: 'unfinished', counts: {} };
}

async function sweepSlice(
  context: GcContext,
  account: string,
  state: State,
  slice: Slice,
): Promise<SliceResult> {
  const call = callOf(context);
  const { list, sweep: from } = state.value ?? {};
  if (!list || !from) return { outcome: 'done', counts: {} };
  try {
    const { position, counts, failure } = await sweep(context, account, list, from, slice);
    const swept: PublishedList = { ...list, counts: addCounts(list.counts, counts) };
    if (position) {
      await state.save({ list: swept, sweep: position }, call);
      return { outcome: 'unfinished', counts: {} };
    }
    const problem = from.refusal ?? (failure === undefined ? undefined : describeError(failure));
    await state.save({ list: swept, ...(problem && { trouble: { at: context.now, ...problem } }) }, call);
    await removeOldLists(context, account, list.pass);
    if (context.startsAnew && list.publishedBy !== context.run) {
      const { deleted, deletedBytes, spared } = swept.counts;
      return { outcome: 'unfinished', counts: { deleted, deletedBytes, spared } };
    }
    const result = { counts: { ...swept.counts } };
    if (!problem) return { ...result, outcome: 'done' };
    return { ...result, outcome: isRefusal(problem.code) ? 'refused' : 'failed', problem };
  } catch (error) {
    if (context.signal?.aborted || error instanceof GcSupersededError) throw error;
    const problem = describeError(error);
    // Down, or waiting, for a while: a later run goes on from here. Else nothing more is deleted, but roots are still marked.
    const isTransient = error instanceof StorageAbortRetryableError || error instanceof BackupUnfinishedError;
    const next = isTransient ? from : from.refusal ? undefined : { ...from, refusal: problem };
    await state.save({ list, ...(next && { sweep: next }), trouble: { at: context.now, ...problem } }, call);
    return { outcome: error instanceof GcRefusedError ? 'refused' : 'failed', counts: {}, problem };
  }
}

/** Ends a mark with nothing condemned or deleted. The list before stays in force, and is not swept. */
async function endPass(
  context: GcContext,
  account: string,
  state: State,
  error: unknown,
): Promise<SliceResult> {
  if (context.signal?.aborted || error instanceof GcSupersededError) throw error;
  const problem = describeError(error);
  const list = state.value?.list;
  await state.save({ ...(list && { list }), trouble: { at: context.now, ...problem } }, callOf(context));
  await removeOldLists(context, account, list?.pass);
  return { outcome: error instanceof GcRefusedError ? 'refused' : 'failed', counts: {}, problem };
}

/** Nothing is left of the account. */
async function forgetAccount(context: GcContext, account: string, state: State): Promise<void> {
  const { system } = context.storage;
  const call = callOf(context);
  for (const collector of ['pointer', 'idempotency']) {
    const row = await system.get(collectorStateKey(collector, account), call);
    if (row) await system.compareAndDelete(row.key, row, call);
  }
  await forgetEndOfAccount(context, account);
  await state.clear(call);
  await removeOldLists(context, account, undefined);
}

/** Removes what earlier passes stored, and those that were given up. */
async function removeOldLists(context: GcContext, account: string, keep: string | undefined): Promise<void> {
  const { blobs } = context.storage;
  const call = callOf(context);
  const prefix = listsPrefix(account);
  const kept = keep === undefined ? undefined : listPrefix(account, keep);
  let pageToken: string | undefined;
  do {
    const page = await blobs.listVersions(prefix, { ...call, ...(pageToken && { pageToken }) });
    for (const { uri, versionId } of page.versions)
      if (kept === undefined || !uri.startsWith(kept)) await blobs.deleteVersion(uri, versionId, call);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}
