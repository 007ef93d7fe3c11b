import type { OwnerRef } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import type { Found } from '../history/read-facts.ts';
import type { Root } from '../history/root.ts';
import { rowOfRoot } from '../history/root.ts';
import type { Verdict } from '../history/verdict.ts';
import type { Target } from './target.ts';

/** What is to be done with one owner. */
export interface Plan extends Found {
  readonly verdict: Verdict;
  readonly target: Target;
  readonly action:
    /** Its row is to become `row`. */
    | { readonly is: 'import'; readonly root: Root; readonly row: Pointer }
    /** Its row is that of the target; its names are to be there too. */
    | { readonly is: 'confirm'; readonly root: Root; readonly row: Pointer }
    /** What is there is newer, and older content is to be put over it. */
    | { readonly is: 'roll-back'; readonly root: Root }
    /** What is there stays. */
    | { readonly is: 'keep'; readonly live: Pointer; readonly why: string }
    /** Its row hangs on a table that was dropped, and goes with it. */
    | { readonly is: 'remove'; readonly live: Pointer; readonly table: OwnerRef }
    | { readonly is: 'hold-back'; readonly why: string }
    | { readonly is: 'nothing' };
}

/** What follows from the target for the row as it is. `held`: why nothing may come back, because of its parent. */
export function planFor(
  found: Found,
  verdict: Verdict,
  target: Target,
  { rollBack, held }: { readonly rollBack: boolean; readonly held: string | undefined },
): Plan {
  return { ...found, verdict, target, action: actionFor(found, target, rollBack, held) };
}

function actionFor(
  { facts: { backup, live } }: Found,
  { root }: Target,
  rollBack: boolean,
  held: string | undefined,
): Plan['action'] {
  if (!root) return live ? { is: 'keep', live, why: 'it was made since' } : { is: 'nothing' };
  if (live && live.writeId !== root.writeId) {
    if (live.incarnation !== root.incarnation)
      return { is: 'keep', live, why: 'what it was has ended, and it was made again since' };
    if (live.version >= root.version) {
      if (rollBack && live.version > root.version) return { is: 'roll-back', root };
      const why = live.version > root.version ? 'is newer' : 'another write has this version';
      return { is: 'keep', live, why: `what is there ${why}` };
    }
  }
  if (held !== undefined && !live) return { is: 'hold-back', why: held };
  const row = backup?.writeId === root.writeId ? backup : rowOfRoot(root);
  return live?.writeId === root.writeId ? { is: 'confirm', root, row: live } : { is: 'import', root, row };
}
