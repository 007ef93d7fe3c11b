import type { OwnerRef } from '@floecat/repository';

import type { RecoveryContext } from '../recovery-context.ts';
import { accountsOf } from '../walk/accounts-of.ts';
import type { OwnerEvidence } from '../walk/owner-evidence.ts';
import { walkAccount } from '../walk/walk-account.ts';
import type { Applier } from './apply-plans.ts';
import { applyPlans, tellPlans } from './apply-plans.ts';
import { restoreOtherRows } from './backup-rows.ts';
import type { RecoveryReport } from './outcome.ts';
import { Tally } from './outcome.ts';
import type { Plan } from './plan.ts';
import { Planner } from './planner.ts';
import type { RecoverOptions } from './recover-options.ts';
import { walkTables } from './walk-tables.ts';
import { WantedNames } from './wanted-names.ts';

/** How far the table's clock and ours may be apart. */
const CLOCKS_APART_MS = 60_000;

export interface RecoverHooks {
  /** Told of every plan before it is applied. */
  readonly onPlan?: (plan: Plan) => void;
}

/**
 * Brings back, account by account and parents first, what a backup holds and what blobs tell beyond it. Every row that it
 * writes follows from these alone, so that a run that was stopped is gone on with by another, which ends with the same rows.
 */
export async function recover(
  context: RecoveryContext,
  options: RecoverOptions,
  hooks: RecoverHooks = {},
): Promise<RecoveryReport> {
  const { backup, dryRun = false } = options;
  const tally = new Tally(options);
  const planner = new Planner(context, options);
  const applier: Applier = {
    context,
    options,
    tally,
    wanted: new WantedNames(),
    beganAt: context.clock.now() - CLOCKS_APART_MS,
    planOwner: (owner: OwnerRef) => planner.planOwner(owner),
  };
  const accounts =
    options.accounts ?? (await accountsOf(context, { blobs: true, ...(backup && { backup }) }));
  for (const account of accounts) {
    for await (const batch of batchesOf(context, options, planner, account)) {
      context.signal?.throwIfAborted();
      const plans = await planner.plan(batch);
      for (const plan of plans) hooks.onPlan?.(plan);
      await (dryRun ? tellPlans : applyPlans)(applier, account, plans);
      const collection = batch.at(-1)?.owner.collection ?? '';
      context.onProgress?.({
        phase: `${collection} of account ${account}`,
        done: tally.done,
        unit: 'owners',
      });
    }
    await restoreOtherRows(applier, account);
  }
  return tally.report(dryRun);
}

function batchesOf(
  context: RecoveryContext,
  { backup, tables }: RecoverOptions,
  planner: Planner,
  account: string,
): AsyncGenerator<readonly OwnerEvidence[]> {
  const from = { account, ...(backup && { backup }) };
  return tables ? walkTables(context, planner, from, tables) : walkAccount(context, from);
}
