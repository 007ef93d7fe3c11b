import { collectorStateKey } from '@floecat/repository';

import { openBackups } from './backups.ts';
import { CasMark } from './cas-mark.ts';
import { isEmptyMark, refusalToCondemn, refusalToDelete } from './cas-rules.ts';
import type { CasState } from './cas-state.ts';
import { NO_COUNTS } from './cas-state.ts';
import type { CondemnedBlob } from './condemned.ts';
import { CondemnedReader } from './condemned.ts';
import { isAccountEnded } from './ended-accounts.ts';
import { GcRefusedError } from './errors.ts';
import { listAccounts } from './gc-accounts.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import { previewExpired } from './idempotency-collector.ts';
import { requireVersionedDeletes } from './identity.ts';
import { Pardons } from './pardons.ts';
import { scanPage } from './pointer-scan.ts';
import type { PointerState } from './pointer-state.ts';
import type { RunReport } from './run-report.ts';
import { runId, RunTally } from './run-report.ts';
import type { CollectorName } from './settings.ts';
import type { SliceResult } from './slice-result.ts';
import { describeError } from './slice-result.ts';
import { storeTime } from './store-time.ts';
import { SystemState } from './system-state.ts';

/** Told what a run would take away. */
export type OnCandidate = (candidate: {
  readonly account: string;
  readonly key: string;
  readonly why: string;
}) => void;

/**
 * What a run of the collector would do now, in one go. Writes nothing but the row that tells the store's time, takes no
 * lease, and deletes nothing.
 */
export async function dryRun(
  context: GcContext,
  collector: CollectorName,
  options: { readonly accounts?: readonly string[]; readonly onCandidate?: OnCandidate } = {},
): Promise<RunReport> {
  const { onCandidate = () => undefined } = options;
  const tally = new RunTally();
  const accounts = options.accounts ?? listAccounts(context, context.settings[collector].accountsPageSize);
  for await (const account of accounts) {
    tally.accounts++;
    let result: SliceResult;
    try {
      result = await PREVIEW[collector](context, account, (key, why) => onCandidate({ account, key, why }));
    } catch (error) {
      if (context.signal?.aborted) throw error;
      const outcome = error instanceof GcRefusedError ? 'refused' : 'failed';
      result = { outcome, counts: {}, problem: describeError(error) };
    }
    tally.add(account, result.outcome, result.counts, result.problem);
  }
  return {
    collector,
    id: runId(context.now, context.random),
    dryRun: true,
    startedAt: context.now,
    endedAt: await storeTime(context),
    outcome: tally.outcome(0),
    accounts: tally.accounts,
    unfinished: 0,
    counts: tally.counts,
    problems: tally.problems,
  };
}

type Preview = (
  context: GcContext,
  account: string,
  tell: (key: string, why: string) => void,
) => Promise<SliceResult>;

const PREVIEW: Readonly<Record<CollectorName, Preview>> = {
  idempotency: async (context, account, tell) => ({
    outcome: 'done',
    counts: await previewExpired(context, account, tell),
  }),
  pointer: previewPointers,
  cas: previewBlobs,
};

async function previewPointers(
  context: GcContext,
  account: string,
  tell: (key: string, why: string) => void,
): Promise<SliceResult> {
  const { system } = context.storage;
  const state = await SystemState.read<PointerState>(
    { system, random: context.random },
    collectorStateKey('pointer', account),
    callOf(context),
  );
  const known = state.value?.orphans ?? {};
  let scan: NonNullable<PointerState['scan']> = { rows: 0, candidates: [], orphans: {}, left: 0 };
  do scan = await scanPage(context, account, scan, known);
  while (scan.pageToken !== undefined);
  for (const { key, why } of scan.candidates) tell(key, why);
  const of = (why: string): number => scan.candidates.filter((candidate) => candidate.why === why).length;
  return {
    outcome: 'done',
    counts: {
      rows: scan.rows,
      orphansSeen: Object.keys(scan.orphans).length,
      deleted: of('orphan'),
      settled: of('unfinished'),
      left: scan.left,
    },
  };
}

async function previewBlobs(
  context: GcContext,
  account: string,
  tell: (key: string, why: string) => void,
): Promise<SliceResult> {
  const { storage, settings } = context;
  const call = callOf(context);
  await requireVersionedDeletes(context);
  const { value } = await SystemState.read<CasState>(
    { system: storage.system, random: context.random },
    collectorStateKey('cas', account),
    call,
  );
  const retentionMs = storage.layout.casRetentionMs;
  const add = async ({ uri, versionId, since }: CondemnedBlob): Promise<void> => {
    if (context.now - since >= retentionMs) tell(`${uri} ${versionId}`, 'due');
  };
  const state = {
    pass: 'dry-run',
    // No put tells the blob store's time here: the pointer store's is near enough for a forecast.
    startedAt: context.now,
    previousSegment: 0,
    segments: [],
    counts: NO_COUNTS,
    unknownExamples: [],
    pardons: [],
  };
  await using mark = new CasMark(context, {
    account,
    backups: await openBackups(context),
    pardons: await Pardons.read(context, account),
    previous: new CondemnedReader(storage, value?.list?.segments ?? [], 0, call, () => undefined),
    list: value?.list,
    sink: { add, flush: async () => [] },
    state,
  });
  while (await mark.step());
  const { counts } = await mark.suspend();
  const wasEnded = await isAccountEnded(context, account);
  const refusal =
    refusalToCondemn(counts, settings, wasEnded) ??
    refusalToDelete(counts, settings, isEmptyMark(counts) && wasEnded);
  if (refusal) throw new GcRefusedError(`account ${account}: ${refusal}`);
  return { outcome: 'done', counts: { ...counts } };
}
