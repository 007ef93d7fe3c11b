import { accountOwner, collectorStateKey, shapeOfKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { isExpired, prefixOf } from '@floecat/storage-spi';

import { GcSupersededError } from './errors.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import { requireIdentity } from './identity.ts';
import type { SliceResult } from './slice-result.ts';
import { describeError } from './slice-result.ts';
import type { Slice } from './slice.ts';
import { SystemState } from './system-state.ts';
import { endTombstone, isAged } from './tombstones.ts';

/** What the idempotency collector remembers of one account. */
export interface IdempotencyState {
  readonly pageToken?: string;
  readonly counts?: Readonly<Record<string, number>>;
}

type State = SystemState<IdempotencyState>;

const NOTHING = { rows: 0, reaped: 0, tombstones: 0, tombstonesEnded: 0, failed: 0 };

/** Works one slice on the rows of one account whose time is over: records that expired, and tombstones. */
export async function collectExpired(
  context: GcContext,
  account: string,
  slice: Slice,
): Promise<SliceResult> {
  const { storage, random, settings } = context;
  const call = callOf(context);
  const state: State = await SystemState.read<IdempotencyState>(
    { system: storage.system, random },
    collectorStateKey('idempotency', account),
    call,
  );
  const counts: Record<string, number> = { ...NOTHING, ...state.value?.counts };
  const failures: unknown[] = [];
  let { pageToken } = state.value ?? {};
  try {
    do {
      const page = await storage.pointers.listPointersByPrefix(prefixOf('accounts', account), {
        ...call,
        includeExpired: true,
        limit: settings.idempotency.pageSize,
        ...(pageToken !== undefined && { pageToken }),
      });
      await reapPage(context, page.pointers, { counts, failures });
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined && !slice.isOver);
    if (pageToken === undefined) {
      // Last: an account ends only when everything in it has.
      const own = await storage.pointers.get(accountOwner(account).key, call);
      if (own) await reapPage(context, [own], { counts, failures });
    }
  } catch (error) {
    if (context.signal?.aborted || error instanceof GcSupersededError) throw error;
    await state.save({}, call);
    return { outcome: 'failed', counts, problem: describeError(error) };
  }
  context.signal?.throwIfAborted();
  await state.save(pageToken === undefined ? {} : { pageToken, counts }, call);
  if (pageToken !== undefined) return { outcome: 'unfinished', counts: {} };
  return failures.length === 0
    ? { outcome: 'done', counts }
    : { outcome: 'failed', counts, problem: describeError(failures[0]) };
}

/** What {@link collectExpired} would take away now, in one go. */
export async function previewExpired(
  context: GcContext,
  account: string,
  tell: (key: string, why: string) => void,
): Promise<Readonly<Record<string, number>>> {
  const { pointers } = context.storage;
  const counts = { rows: 0, reaped: 0, tombstones: 0, tombstonesAged: 0 };
  let pageToken: string | undefined;
  do {
    const page = await pointers.listPointersByPrefix(prefixOf('accounts', account), {
      ...callOf(context),
      includeExpired: true,
      limit: context.settings.idempotency.pageSize,
      ...(pageToken !== undefined && { pageToken }),
    });
    for (const row of page.pointers) {
      counts.rows++;
      if (isReapable(context, row)) {
        counts.reaped++;
        tell(row.key, 'expired');
      }
      if (row.state !== 'TOMBSTONE') continue;
      counts.tombstones++;
      if (isAged(context, row)) counts.tombstonesAged++;
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return counts;
}

interface Reaping {
  readonly counts: Record<string, number>;
  readonly failures: unknown[];
}

async function reapPage(context: GcContext, rows: readonly Pointer[], reaping: Reaping): Promise<void> {
  const { counts, failures } = reaping;
  const count = (name: string): void => void (counts[name] = (counts[name] ?? 0) + 1);
  let sinceCheck = 0;
  for (const row of rows) {
    count('rows');
    const isTombstone = row.state === 'TOMBSTONE';
    if (isTombstone) count('tombstones');
    if (!(isTombstone ? isAged(context, row) : isReapable(context, row))) continue;
    if (sinceCheck++ % context.settings.idempotency.batchLimit === 0) await requireIdentity(context);
    try {
      if (isTombstone) {
        if (await endTombstone(context, row)) count('tombstonesEnded');
      } else if (await reap(context, row)) count('reaped');
    } catch (error) {
      if (context.signal?.aborted) throw error;
      count('failed');
      failures.push(error);
    }
  }
}

/** Expired for long enough, and of a family whose rows expire: what is not known is left alone. */
function isReapable({ settings, now }: GcContext, row: Pointer): boolean {
  return isExpired(row, now - settings.idempotency.minAgeMs) && shapeOfKey(row.key)?.is === 'record';
}

/** On condition that it is the row that was seen: one that was renewed since is another. */
async function reap(context: GcContext, row: Pointer): Promise<boolean> {
  const options = { ...callOf(context), includeExpired: true };
  return (await context.storage.pointers.compareAndDelete(row.key, row, options)).applied;
}

/** Reaps the store's own rows that have expired: leases and records of runs. Answers how many. */
export async function reapSystemRows(context: GcContext): Promise<number> {
  const { system } = context.storage;
  const { minAgeMs, pageSize } = context.settings.idempotency;
  const call = callOf(context);
  let reaped = 0;
  let pageToken: string | undefined;
  do {
    const page = await system.listPointersByPrefix('', {
      ...call,
      includeExpired: true,
      limit: pageSize,
      ...(pageToken !== undefined && { pageToken }),
    });
    for (const row of page.pointers) {
      if (!isExpired(row, context.now - minAgeMs)) continue;
      const { applied } = await system.compareAndDelete(row.key, row, { ...call, includeExpired: true });
      if (applied) reaped++;
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return reaped;
}
