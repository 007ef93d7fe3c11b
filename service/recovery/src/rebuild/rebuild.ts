import { shapeOfKey } from '@floecat/repository';

import { RecoveryRefusedError } from '../errors.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import type { Listener, RecoveryReport } from '../restore/outcome.ts';
import { Planner } from '../restore/planner.ts';
import { recover } from '../restore/recover.ts';
import type { DecisionsFile, UndecidedOwner } from './decisions.ts';
import { decisionsFile, fatesOf, hasSameCandidates, NONE, undecidedOwner } from './decisions.ts';
import { beginRebuild, endRebuild } from './rebuild-row.ts';

export interface RebuildOptions extends Listener {
  /** What a person decided, in the file that an earlier rebuild answered. */
  readonly decisions?: DecisionsFile;
  /** Only tell what would be done. */
  readonly dryRun?: boolean;
}

export interface RebuildReport extends RecoveryReport {
  /** What is left to decide; absent where nothing is. */
  readonly undecided?: DecisionsFile;
}

/**
 * Makes the pointers of an empty table from the blobs alone. What has rivals for its newest state, and nothing tells which of
 * them was committed, stays away until a person has decided.
 *
 * Safe to stop and run again. Throws {@link RecoveryRefusedError} where the table has pointers that no rebuild made, or
 * where the decisions do not fit what is found.
 */
export async function rebuild(
  context: RecoveryContext,
  options: RebuildOptions = {},
): Promise<RebuildReport> {
  const { decisions, dryRun = false, ...listener } = options;
  const decided = decisions && fatesOf(decisions);
  if (decisions) await refuseStale(context, decisions);
  const row = dryRun ? undefined : await beginRebuild(context);
  const left: UndecidedOwner[] = [];
  const report = await recover(
    context,
    { ...listener, dryRun, ...(decided && { decided }) },
    { onPlan: ({ verdict }) => void (verdict.is === 'ambiguous' && left.push(undecidedOwner(verdict))) },
  );
  if (row && left.length === 0) await endRebuild(context, row);
  if (left.length === 0) return report;
  return { ...report, undecided: decisionsFile(context.storage.layout.storeId, left) };
}

/** What was decided must still be what there is to decide, or have been done already. */
async function refuseStale(context: RecoveryContext, { owners }: DecisionsFile): Promise<void> {
  const planner = new Planner(context, {});
  for (const entry of owners) {
    if (entry.choose === null) continue;
    const shape = shapeOfKey(entry.owner);
    if (shape?.is !== 'canonical')
      throw new RecoveryRefusedError(`the decisions name ${entry.owner}, which is no owner`);
    const { verdict } = await planner.planOwner(shape.owner);
    const isOpen = verdict.is === 'ambiguous' && hasSameCandidates(entry, verdict.candidates);
    const chosen = entry.choose === NONE ? (entry.certain?.writeId ?? NONE) : entry.choose;
    const isDone =
      verdict.is === 'state' ? verdict.root.writeId === chosen : verdict.is === 'none' && chosen === NONE;
    if (!isOpen && !isDone)
      throw new RecoveryRefusedError(
        `the decision on ${entry.owner} is stale: its candidates are not those of the file any more; write it anew with floecat rebuild --ambiguous-to`,
      );
  }
}
