import type { OwnerRef } from '@floecat/repository';

import type { RecoveryContext } from '../recovery-context.ts';
import { examineOwner } from './examine-owner.ts';
import type { Pool } from './pool.ts';
import { proposeForOwner } from './propose.ts';
import type { Sample } from './sample.ts';
import type { Tally } from './tally.ts';
import type { VerifyPosition, VerifyScope } from './verify-state.ts';

/** What both walks of a run share. */
export interface VerifyRun {
  readonly context: RecoveryContext;
  readonly scope: VerifyScope;
  readonly sample: Sample;
  readonly tally: Tally;
  readonly pool: Pool;
  /** Rows or versions that are listed at a time. */
  readonly pageSize: number;
  /** Told where the walk stands after each page, once all that was begun is over. */
  readonly onPage: (position: VerifyPosition) => Promise<void>;
}

/** Looks at an owner as closely as it can, and tells what is certain. */
export async function examineAndTell({ context, scope, tally }: VerifyRun, owner: OwnerRef): Promise<void> {
  const { root, found } = await examineOwner(context, owner, scope.deep);
  for (const suspicion of found) {
    // Told when the rows are walked.
    if (suspicion.kind === 'row-damaged') continue;
    await tally.tell(await proposeForOwner(context, owner, suspicion, root));
  }
}
