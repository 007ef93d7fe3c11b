import { InvalidArgumentError } from '@floecat/storage-spi';

import type { RecoveryContext } from '../recovery-context.ts';
import { walkBlobs } from './blob-walk.ts';
import type { Finding } from './finding.ts';
import type { Rate } from './pace.ts';
import { paceStorage } from './pace.ts';
import { Pool } from './pool.ts';
import { walkAllRows } from './row-walk.ts';
import { RunRow } from './run-row.ts';
import { Sample } from './sample.ts';
import { severitiesOf, Tally } from './tally.ts';
import type { VerifyRun } from './verify-run.ts';
import type { VerifyPosition, VerifyReport, VerifyScope, VerifyState } from './verify-state.ts';
import { NO_COUNTS } from './verify-state.ts';

const DEFAULT_PAGE_SIZE = 500;
const DEFAULT_CONCURRENCY = 8;
const DEFAULT_SAVE_MS = 5_000;

export interface VerifyOptions extends Partial<VerifyScope> {
  /** Id of an interrupted run to go on with, as it was begun: what {@link VerifyScope} says is taken from it. */
  readonly resumeFrom?: string;
  /** How fast the stores may be read; default: as fast as they answer. */
  readonly rate?: Rate;
  /** Rows or versions that are listed at a time, 1 to 1,000; default 500. */
  readonly pageSize?: number;
  /** Owners and names that are looked at closely at the same time; default 8. */
  readonly concurrency?: number;
  /** How often its place is saved, ms; default 5,000. */
  readonly saveMs?: number;
  /**
   * Told once, before anything is read: the id that resumes the run, what it looks at, and how many findings were told up
   * to the place that it goes on from; awaited.
   */
  readonly onStart?: (run: string, scope: VerifyScope, findings: number) => unknown;
  /** Told of each finding, one after the other, as it is certain; awaited. */
  readonly onFinding?: (finding: Finding) => unknown;
  /** Told before the place of the run is saved, with how many findings it was told up to there; awaited. */
  readonly onSave?: (findings: number) => unknown;
}

/**
 * Looks whether all that is stored holds together: every row against its blobs, its names, what it lies in and what
 * hangs on it, and every blob against the rows; with `deep`, every blob that anything reaches is read. Changes nothing but
 * a system row of its own, by which a run that was interrupted is resumed.
 *
 * Writers and collectors may go on meanwhile. What looks amiss in the walk is looked at again with strong reads until it
 * stands still, so a finding was true at one moment; what is made and gone during the walk may be seen or not. Memory is
 * bounded: an owner's references and a page of each listing.
 *
 * Throws `RecoveryRefusedError` where there is no such run to resume, and the errors of the stores: a store that is down
 * is no finding.
 */
export async function verify(given: RecoveryContext, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { clock } = given;
  const context = { ...given, storage: paceStorage(given.storage, options.rate ?? {}, given) };
  const { row, state } = await begin(given, options);
  const { scope } = state;
  let told = Object.values(state.findings).reduce((sum, count) => sum + count, 0);
  await options.onStart?.(row.id, scope, told);

  const tally = new Tally(state, async (finding) => {
    await options.onFinding?.(finding);
    told++;
  });
  let savedAt = clock.monotonic();
  const save = async (position: VerifyPosition): Promise<void> => {
    await options.onSave?.(told);
    await row.save({ ...state, position, counts: tally.counts, findings: tally.findings });
    savedAt = clock.monotonic();
  };
  const run: VerifyRun = {
    context,
    scope,
    tally,
    sample: new Sample(scope.sample, scope.seed),
    pool: new Pool(options.concurrency ?? DEFAULT_CONCURRENCY),
    pageSize: options.pageSize ?? DEFAULT_PAGE_SIZE,
    onPage: async (position) => {
      given.signal?.throwIfAborted();
      progress(given, tally, position);
      if (clock.monotonic() - savedAt >= (options.saveMs ?? DEFAULT_SAVE_MS)) await save(position);
    },
  };
  let { position } = state;
  if (!options.resumeFrom) await save(position);
  try {
    if (position.phase === 'blobs') {
      await walkBlobs(run, position);
      position = { phase: 'rows', account: 0 };
      await save(position);
    }
    await walkAllRows(run, position);
  } finally {
    await run.pool.settled();
  }
  await options.onSave?.(told);
  await row.end();
  const { counts, findings } = tally;
  const severities = severitiesOf(findings);
  const { startedAt } = state;
  return { run: row.id, scope, startedAt, finishedAt: clock.now(), counts, findings, severities };
}

async function begin(
  context: RecoveryContext,
  options: VerifyOptions,
): Promise<{ readonly row: RunRow; readonly state: VerifyState }> {
  if (options.resumeFrom !== undefined) {
    const { run, state } = await RunRow.resume(context, options.resumeFrom);
    return { row: run, state };
  }
  const { deep = false, sample = 1, seed = context.random.uuid(), accounts } = options;
  if (!(sample > 0 && sample <= 1))
    throw new InvalidArgumentError(`a sample is more than 0 and at most 1, not ${sample}`);
  const state: VerifyState = {
    format: 1,
    scope: { deep, sample, seed, ...(accounts && { accounts }) },
    startedAt: context.clock.now(),
    position: { phase: 'blobs', account: 0 },
    counts: NO_COUNTS,
    findings: {},
  };
  return { row: RunRow.begin(context), state };
}

function progress({ onProgress }: RecoveryContext, tally: Tally, { phase }: VerifyPosition): void {
  const { versions, rows } = tally.counts;
  onProgress?.(
    phase === 'blobs'
      ? { phase: 'holding owners against their blobs', done: versions, unit: 'blobs' }
      : { phase: 'holding names against their owners', done: rows, unit: 'pointers' },
  );
}
