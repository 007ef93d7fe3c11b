import type { Root } from './root.ts';
import type { Verdict } from './verdict.ts';

/** What an owner was at a time. */
export type StateAsOf =
  | { readonly is: 'state'; readonly root: Root }
  /** It was not there yet. */
  | { readonly is: 'none' }
  /** It was there, in a state whose root is collected or lost. */
  | { readonly is: 'missing' }
  /** One of the candidates of the verdict, or what lies below them. */
  | { readonly is: 'ambiguous' };

/**
 * The state that an owner had at `time` (epoch ms), by the clocks of its writers. `endedSince`: what it hangs on was there then,
 * and is gone; so a collector may have condemned the only state that it ever had.
 */
export function stateAsOf(verdict: Verdict, time: number, endedSince = false): StateAsOf {
  const { standing, known } = verdict;
  if (!standing) return { is: 'none' };
  const candidates = verdict.is === 'ambiguous' ? verdict.candidates : [];
  if (candidates.some(({ timeMs }) => timeMs <= time)) return { is: 'ambiguous' };
  const roots = new Map(known.facts.roots.map((root) => [root.writeId, root]));
  const top = topOf(verdict, endedSince) ?? (standing.proven && roots.get(standing.proven.writeId));
  if (!top) {
    const { is } = verdict;
    if (is === 'none' || (is === 'ambiguous' && !standing.proven)) return { is: 'none' };
    return { is: 'missing' };
  }
  // What is missing above the top may have been there by then.
  if (verdict.is === 'missing' && top.timeMs <= time) return { is: 'missing' };
  for (let root: Root = top; ;) {
    if (root.timeMs <= time) return root === endOf(verdict) ? { is: 'none' } : { is: 'state', root };
    const { previous } = root;
    if (!previous) return { is: 'none' };
    const before = roots.get(previous.writeId);
    if (!before) return { is: 'missing' };
    root = before;
  }
}

function topOf(verdict: Verdict, endedSince: boolean): Root | undefined {
  if (verdict.is === 'state') return verdict.root;
  const [sole, ...others] = verdict.standing?.candidates ?? [];
  const isSole = endedSince && verdict.is === 'none' && others.length === 0;
  return endOf(verdict) ?? (isSole ? sole : undefined);
}

function endOf(verdict: Verdict): Root | undefined {
  return verdict.is === 'none' ? verdict.end : undefined;
}
