import { runsPrefix } from '@floecat/repository';

import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import type { CollectorName } from './settings.ts';
import type { Problem, SliceOutcome } from './slice-result.ts';
import { parseState, SystemState } from './system-state.ts';

/** How long the record of a run is kept. */
const KEPT_SECONDS = 30 * 24 * 3_600;
export const MAX_PROBLEMS = 20;

/** What one run of a collector did. */
export interface RunReport {
  readonly collector: CollectorName;
  readonly id: string;
  readonly dryRun: boolean;
  /** Epoch ms, by the pointer store's clock. */
  readonly startedAt: number;
  readonly endedAt: number;
  /**
   * The worst of its accounts: `done`; `unfinished`, the next run goes on; `refused` or `failed` for at least one of them,
   * and then `problems` says why.
   */
  readonly outcome: SliceOutcome;
  /** Accounts that it worked on, and those that it is not done with. */
  readonly accounts: number;
  readonly unfinished: number;
  /** Sums over the accounts that it was done with. */
  readonly counts: Readonly<Record<string, number>>;
  /** The first few. */
  readonly problems: readonly (Problem & { readonly account: string })[];
}

/** Adds up what the accounts of a run report. */
export class RunTally {
  readonly counts: Record<string, number> = {};
  readonly problems: (Problem & { readonly account: string })[] = [];
  accounts = 0;
  #refused = false;
  #failed = false;

  count(counts: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(counts)) this.counts[name] = (this.counts[name] ?? 0) + value;
  }

  add(
    account: string,
    outcome: SliceOutcome,
    counts: Readonly<Record<string, number>>,
    problem?: Problem,
  ): void {
    this.count(counts);
    if (problem && this.problems.length < MAX_PROBLEMS) this.problems.push({ account, ...problem });
    this.#refused ||= outcome === 'refused';
    this.#failed ||= outcome === 'failed';
  }

  outcome(unfinished: number): SliceOutcome {
    if (this.#failed) return 'failed';
    if (this.#refused) return 'refused';
    return unfinished > 0 ? 'unfinished' : 'done';
  }
}

/** Keeps the report as a system row. */
export async function keepReport(context: GcContext, report: RunReport): Promise<void> {
  const { storage, random } = context;
  const key = runsPrefix(report.collector) + report.id;
  const row = await SystemState.read<RunReport>({ system: storage.system, random }, key, callOf(context));
  await row.save(report, { ...callOf(context), expiresAt: Math.floor(report.endedAt / 1000) + KEPT_SECONDS });
}

/** Ids of runs sort by time. */
export function runId(startedAt: number, random: GcContext['random']): string {
  return `${String(startedAt).padStart(15, '0')}-${random.uuid().slice(0, 8)}`;
}

/** The last `limit` runs of a collector, newest first. */
export async function lastRuns(
  context: GcContext,
  collector: CollectorName,
  limit: number,
): Promise<RunReport[]> {
  const prefix = runsPrefix(collector);
  let rows: RunReport[] = [];
  let pageToken: string | undefined;
  do {
    const page = await context.storage.system.listPointersByPrefix(prefix, {
      ...callOf(context),
      ...(pageToken && { pageToken }),
    });
    rows = [...rows, ...page.pointers.map((row) => parseState<RunReport>(row))].slice(-limit);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return rows.toReversed();
}
