import type { OwnerRef } from '@floecat/repository';
import { ownerById } from '@floecat/repository';

import type { RecoveryContext } from '../recovery-context.ts';
import type { OwnerEvidence, PointerSource } from '../walk/owner-evidence.ts';
import { walkSnapshots } from '../walk/walk-account.ts';
import { evidenceOf } from '../walk/walk-owners.ts';
import type { Planner } from './planner.ts';

/** These tables of an account, after what they lie in, and before what hangs on them. */
export async function* walkTables(
  context: RecoveryContext,
  planner: Planner,
  { account, backup }: { readonly account: string; readonly backup?: PointerSource },
  tables: readonly string[],
): AsyncGenerator<readonly OwnerEvidence[]> {
  const seen = new Set<string>();
  for (const table of tables) {
    const way: OwnerRef[] = [];
    let owner: OwnerRef | undefined = ownerById(account, 'tables', table);
    while (owner && !seen.has(owner.key)) {
      way.unshift(owner);
      seen.add(owner.key);
      owner = (await planner.planOwner(owner)).target.root?.parent;
    }
    for (const each of way) {
      const evidence = await evidenceOf(context, each, backup);
      if (evidence.versions.length > 0 || evidence.backup || evidence.live) yield [evidence];
    }
    yield* walkSnapshots(context, { account, table, ...(backup && { backup }) });
  }
}
