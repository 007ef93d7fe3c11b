import { turnKey } from '@floecat/repository';
import { compareUtf8, escapeSegment } from '@floecat/storage-spi';

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

/** Accounts whose work is under way that a run keeps in mind; the others have their turn in the next one. */
const MAX_UNFINISHED = 10_000;

const COLLECT: Readonly<
  Record<CollectorName, (context: GcContext, account: string, slice: Slice) => Promise<SliceResult>>
> = { idempotency: collectExpired, pointer: collectPointers, cas: collectBlobs };

export interface RunOptions {
  /** Default: every account. */
  readonly accounts?: readonly string[];
  /** Ends the run after this long; default: once all is done. */
  readonly maxMs?: number;
  /** Does nothing where the last run began less than this ago, in whichever process. Default 0. */
  readonly notWithinMs?: number;
}

export type RunResult =
  | { readonly ran: true; readonly report: RunReport }
  /** Another process collects. */
  | { readonly ran: false; readonly busy: LeaseHolder }
  /** Too soon after the last run. */
  | { readonly ran: false; readonly dueInMs: number };

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
    const dueInMs = await dueIn(context, collector, options.notWithinMs);
    if (dueInMs > 0) return { ran: false, dueInMs };
    return { ran: true, report: await new Run(context, collector, options, lease).run() };
  } catch (error) {
    if (!(error instanceof GcSupersededError)) throw error;
    return { ran: false, busy: { holder: 'another process', since: context.now } };
  } finally {
    await lease.release();
  }
}

async function dueIn(
  context: GcContext,
  collector: CollectorName,
  notWithinMs: number | undefined,
): Promise<number> {
  if (notWithinMs === undefined) return 0;
  const [last] = await lastRuns(context, collector, 1);
  // A last run in the future is of a clock that was set back since.
  if (!last || last.startedAt > context.now) return 0;
  return last.startedAt + notWithinMs - context.now;
}

class Run {
  readonly #context: GcContext;
  readonly #collector: CollectorName;
  readonly #options: RunOptions;
  readonly #lease: Lease;
  readonly #whole: Slice;
  readonly #tally = new RunTally();
  readonly #unfinished = new Set<string>();
  /** Accounts that had no turn, or no place in {@link #unfinished}. */
  #skipped = 0;

  constructor(context: GcContext, collector: CollectorName, options: RunOptions, lease: Lease) {
    this.#context = context;
    this.#collector = collector;
    this.#options = options;
    this.#lease = lease;
    this.#whole = new Slice(context.clock, options.maxMs ?? Infinity, context.signal);
  }

  async run(): Promise<RunReport> {
    const context = this.#context;
    await this.#firstRound();
    while (this.#unfinished.size > 0 && !this.#whole.isOver)
      for (const account of Array.from(this.#unfinished)) {
        if (this.#whole.isOver) break;
        await this.#work(account);
      }
    context.signal?.throwIfAborted();
    const tally = this.#tally;
    if (this.#collector === 'idempotency') tally.count({ systemRows: await reapSystemRows(context) });
    const unfinished = this.#unfinished.size + this.#skipped;
    const report: RunReport = {
      collector: this.#collector,
      id: runId(context.now, context.random),
      dryRun: false,
      startedAt: context.now,
      endedAt: await storeTime(context),
      outcome: tally.outcome(unfinished),
      accounts: tally.accounts,
      unfinished,
      counts: tally.counts,
      problems: tally.problems,
    };
    await keepReport(context, report);
    return report;
  }

  /** One slice for each account, beginning behind the one that had the last turn. */
  async #firstRound(): Promise<void> {
    const { storage, random } = this.#context;
    const call = callOf(this.#context);
    const { accounts } = this.#options;
    if (accounts) {
      for (const account of accounts) await this.#work(account);
      return;
    }
    const turn = await SystemState.read<{ readonly after?: string }>(
      { system: storage.system, random },
      turnKey(this.#collector),
      call,
    );
    let last: string | undefined;
    for await (const account of this.#accountsFrom(turn.value?.after)) {
      // However short the time is, one account has its turn.
      if (last !== undefined && this.#whole.isOver) {
        this.#skipped++;
        break;
      }
      await this.#work(account);
      last = account;
    }
    const next = this.#skipped > 0 && last !== undefined ? { after: last } : {};
    if (next.after !== turn.value?.after) await turn.save(next, call);
  }

  async *#accountsFrom(after: string | undefined): AsyncGenerator<string> {
    const { accountsPageSize } = this.#context.settings[this.#collector];
    if (after !== undefined) yield* listAccounts(this.#context, accountsPageSize, after);
    for await (const account of listAccounts(this.#context, accountsPageSize)) {
      if (after !== undefined && compareUtf8(escapeSegment(account), escapeSegment(after)) > 0) return;
      yield account;
    }
  }

  async #work(account: string): Promise<void> {
    await this.#lease.renew();
    const { clock, settings, signal } = this.#context;
    const slice = new Slice(clock, settings[this.#collector].sliceMs, signal);
    if (!this.#unfinished.delete(account)) this.#tally.accounts++;
    const { outcome, counts, problem } = await this.#slice(account, slice);
    this.#tally.add(account, outcome, counts, problem);
    if (outcome !== 'unfinished') return;
    if (this.#unfinished.size < MAX_UNFINISHED) this.#unfinished.add(account);
    else this.#skipped++;
  }

  async #slice(account: string, slice: Slice): Promise<SliceResult> {
    try {
      return await COLLECT[this.#collector](this.#context, account, slice);
    } catch (error) {
      if (this.#context.signal?.aborted) throw error;
      // Another process is at this account; so it is looked after.
      if (error instanceof GcSupersededError) return { outcome: 'done', counts: {} };
      // Even what its collector could not note down.
      return { outcome: 'failed', counts: {}, problem: describeError(error) };
    }
  }
}
