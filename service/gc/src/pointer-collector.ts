import type { RepositoryContext } from '@floecat/repository';
import { collectorStateKey, KINDS, repositoryContext, settleOwner, shapeOfKey } from '@floecat/repository';

import { GcSupersededError } from './errors.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import { requireIdentity } from './identity.ts';
import { isOrphan, scanPage } from './pointer-scan.ts';
import type { Candidate, PointerState } from './pointer-state.ts';
import type { SliceResult } from './slice-result.ts';
import { describeError } from './slice-result.ts';
import type { Slice } from './slice.ts';
import { SystemState } from './system-state.ts';

type State = SystemState<PointerState>;

/** Works one slice on the pointers of one account: scans all of them, then ends what nobody needs. */
export async function collectPointers(
  context: GcContext,
  account: string,
  slice: Slice,
): Promise<SliceResult> {
  const call = callOf(context);
  const { system } = context.storage;
  const state: State = await SystemState.read<PointerState>(
    { system, random: context.random },
    collectorStateKey('pointer', account),
    call,
  );
  try {
    return state.value?.act
      ? await actSlice(context, account, state, slice)
      : await scanSlice(context, account, state, slice);
  } catch (error) {
    if (context.signal?.aborted || error instanceof GcSupersededError) throw error;
    // The next run begins anew; for how long each orphan was seen is kept.
    const { orphans } = state.value ?? {};
    await state.save(orphans ? { orphans } : {}, call);
    return { outcome: 'failed', counts: {}, problem: describeError(error) };
  }
}

async function scanSlice(
  context: GcContext,
  account: string,
  state: State,
  slice: Slice,
): Promise<SliceResult> {
  const call = callOf(context);
  const known = state.value?.orphans ?? {};
  let scan = state.value?.scan ?? { rows: 0, candidates: [], orphans: {}, left: 0 };
  do scan = await scanPage(context, account, scan, known);
  while (scan.pageToken !== undefined && !slice.isOver);
  context.signal?.throwIfAborted();
  if (scan.pageToken !== undefined) {
    await state.save({ ...state.value, scan }, call);
    return { outcome: 'unfinished', counts: {} };
  }
  const { rows, candidates, orphans, left } = scan;
  const seen = Object.keys(orphans).length;
  await state.save({ orphans, act: { candidates, counts: { rows, orphansSeen: seen, left } } }, call);
  return { outcome: 'unfinished', counts: {} };
}

async function actSlice(
  context: GcContext,
  account: string,
  state: State,
  slice: Slice,
): Promise<SliceResult> {
  const { storage, clock, random, settings } = context;
  const call = callOf(context);
  const { act, orphans } = state.value ?? {};
  const counts: Record<string, number> = {
    deleted: 0,
    settled: 0,
    dependents: 0,
    spared: 0,
    failed: 0,
    ...act?.counts,
  };
  const repository = repositoryContext(storage, account, { clock, random, cache: { blobBytes: 0 } });
  const left = [...(act?.candidates ?? [])];
  const failures: unknown[] = [];
  let sinceCheck = 0;
  while (left.length > 0) {
    if (sinceCheck++ % settings.pointer.batchLimit === 0) await requireIdentity(context);
    const candidate = left.shift() as Candidate;
    try {
      await actOn(context, repository, candidate, counts);
    } catch (error) {
      if (context.signal?.aborted) throw error;
      counts['failed'] = (counts['failed'] ?? 0) + 1;
      failures.push(error);
    }
    if (slice.isOver && left.length > 0) {
      await state.save({ ...(orphans && { orphans }), act: { candidates: left, counts } }, call);
      return { outcome: 'unfinished', counts: {} };
    }
  }
  await state.save(orphans ? { orphans } : {}, call);
  return failures.length === 0
    ? { outcome: 'done', counts }
    : { outcome: 'failed', counts, problem: describeError(failures[0]) };
}

/** Reads the row again, and acts if it is still what the scan saw. */
async function actOn(
  context: GcContext,
  repository: RepositoryContext,
  { key, writeId, why }: Candidate,
  counts: Record<string, number>,
): Promise<void> {
  const { pointers } = context.storage;
  const call = callOf(context);
  const count = (name: string, by = 1): void => void (counts[name] = (counts[name] ?? 0) + by);
  const row = await pointers.get(key, call);
  if (!row || row.writeId !== writeId) return count('spared');
  if (why === 'orphan') {
    if (!(await isOrphan(context, row))) return count('spared');
    const { applied } = await pointers.compareAndDelete(key, row, call);
    return count(applied ? 'deleted' : 'spared');
  }
  const shape = shapeOfKey(key);
  if (shape?.is !== 'canonical') return count('spared');
  const dependents = await settleOwner(repository, KINDS[shape.owner.collection], row, call);
  if (dependents === undefined) return count('spared');
  count('settled');
  count('dependents', dependents);
}
