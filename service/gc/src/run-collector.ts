import { collectBlobs } from './cas-collector.ts';
import { GcSupersededError } from './errors.ts';
import { listAccounts } from './gc-accounts.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import { collectExpired, reapSystemRows } from './idempotency-collector.ts';
import type { LeaseHolder } from './lease.ts';
import { Lease } from './lease.ts';
import { collectPointers } from './pointer-collector.ts';
import type { RunReport } from './run-report.ts';
import { keepReport, lastRuns, runId, RunTally } from './run-report.ts';
import type { CollectorName } from './settings.ts';
import type { SliceResult } from './slice-result.ts';
import { describeError } from './slice-result.ts';
import { Slice } from './slice.ts';
import { storeTime } from './store-time.ts';
import { SystemState } from './system-state.ts';
import { collectorStatesPrefix } from '@floecat/repository';

/** Accounts whose work is under way that a run keeps in mind; the others have their turn in the next one. */
const MAX_UNFINISHED = 10_000;

type CollectSlice = (context: GcContext, account: string, slice: Slice) => Promise<SliceResult>;

const COLLECT: Readonly<Record<CollectorName, CollectSlice>> = {
  idempotency: collectExpired,
  pointer: collectPointers,
  cas: collectBlobs,
};

export interface RunOptions {
  /** Default: every account. */
  readonly accounts?: readonly string[];
  /** Ends the run after this long; default: once all is done. */
  readonly maxMs?: number;
  /** Does nothing where the last run began less than this ago, whichever process made it. Default 0. */
  readonly notWithinMs?: number;
}

export type RunResult =
  | { readonly ran: true; readonly report: RunReport }
  | { readonly ran: false; readonly busy: LeaseHolder }
  /** Too soon after the last run; epoch ms by the store's clock. */
  | { readonly ran: false; readonly dueInMs: number };

/** Where the next run begins, so that those that the last one did not come to have their turn. */
interface Turn {
  readonly after?: string;
}

/**
 * Runs one collector: gives every account a slice, then again those that are not done, until all are or the time is
 * over. What fails in one account does not keep the others.
 */
export async function runCollector(
  context: GcContext,
  collector: CollectorName,
  options: RunOptions = {},
): Promise<RunResult> {
  const lease = await Lease.take(context, collector);
  if (!(lease instanceof Lease)) return { ran: false, busy: lease };
  try {
    const startedAt = await storeTime(context);
    const [last] = options.notWithinMs === undefined ? [] : await lastRuns(context, collector, 1);
    const dueInMs = last ? last.startedAt + (options.notWithinMs ?? 0) - startedAt : 0;
    // A last run in the future is one of a clock that was set back since.
    if (last && dueInMs > 0 && last.startedAt <= startedAt) return { ran: false, dueInMs };
    const tally = new RunTally();
    const unfinished = await runAccounts(context, collector, options, lease, tally);
    if (collector === 'idempotency' && !context.signal?.aborted) tally.add('', 'done', { systemRows: await reapSystemRows(context) });
    const report: RunReport = {
      collector,
      id: runId(startedAt, context.random),
      dryRun: false,
      startedAt,
      endedAt: await storeTime(context),
      outcome: tally.outcome(unfinished),
      accounts: tally.accounts,
      unfinished,
      counts: tally.counts,
      problems: tally.problems,
    };
    await keepReport(context, report);
    return { ran: true, report };
  } finally {
    await lease.release();
  }
}

/** Answers how many accounts it is not done with. */
async function runAccounts(
  context: GcContext,
  collector: CollectorName,
  { accounts, maxMs = Infinity }: RunOptions,
  lease: Lease,
  tally: RunTally,
): Promise<number> {
  const { clock, settings, signal } = context;
  const { sliceMs, accountsPageSize } = settings[collector];
  const whole = new Slice(clock, maxMs, signal);
  const unfinished = new Set<string>();
  let skipped = 0;
  const work = async (account: string): Promise<void> => {
    await lease.renew();
    const { outcome, counts, problem } = await sliceOf(context, collector, account, new Slice(clock, sliceMs, signal));
    unfinished.delete(account);
    if (outcome !== 'unfinished') tally.add(account, outcome, counts, problem);
    else if (unfinished.size < MAX_UNFINISHED) unfinished.add(account);
    else skipped++;
  };

  const turn = await SystemState.read<Turn>(
    { system: context.storage.system, random: context.random },
    // No account is called so: names of accounts are not empty.
    collectorStatesPrefix(collector).slice(0, -1),
    callOf(context),
  );
  let stoppedAt: string | undefined;
  for await (const account of accounts ?? inTurn(context, accountsPageSize, turn.value?.after)) {
    if (whole.isOver) {
      skipped++;
      break;
    }
    tally.accounts++;
    stoppedAt = account;
    await work(account);
  }
  while (unfinished.size > 0 && !whole.isOver)
    for (const account of [...unfinished]) {
      if (whole.isOver) break;
      await work(account);
    }
  signal?.throwIfAborted();
  if (!accounts && stoppedAt !== undefined) await turn.save(skipped > 0 ? { after: stoppedAt } : {}, callOf(context));
  return unfinished.size + skipped;
}

/** All accounts, those behind `after` first. */
async function* inTurn(context: GcContext, pageSize: number, after: string | undefined): AsyncGenerator<string> {
  const first = new Set<string>();
  if (after !== undefined)
    for await (const account of listAccounts(context, pageSize, after)) {
      if (first.size < MAX_UNFINISHED) first.add(account);
      yield account;
    }
  for await (const account of listAccounts(context, pageSize)) if (!first.has(account)) yield account;
}

async function sliceOf(
  context: GcContext,
  collector: CollectorName,
  account: string,
  slice: Slice,
): Promise<SliceResult> {
  try {
    return await COLLECT[collector](context, account, slice);
  } catch (error) {
    if (context.signal?.aborted) throw error;
    if (error instanceof GcSupersededError) throw error;
    // Even what its collector could not note down.
    return { outcome: 'failed', counts: {}, problem: describeError(error) };
  }
}
