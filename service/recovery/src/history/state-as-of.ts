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

/** The state that an owner had at `time` (epoch ms), by the clocks of its writers. */
export function stateAsOf(verdict: Verdict, time: number): StateAsOf {
  const { standing, known } = verdict;
  if (!standing) return { is: 'none' };
  const candidates = verdict.is === 'ambiguous' ? verdict.candidates : [];
  if (candidates.some(({ timeMs }) => timeMs <= time)) return { is: 'ambiguous' };
  const roots = new Map(known.facts.roots.map((root) => [root.writeId, root]));
  const top = verdict.is === 'state' ? verdict.root : standing.proven && roots.get(standing.proven.writeId);
  if (!top) {
    const { is } = verdict;
    if (is === 'none' || (is === 'ambiguous' && !standing.proven)) return { is: 'none' };
    return { is: 'missing' };
  }
  // What is missing above the top may have been there by then.
  if (verdict.is === 'missing' && top.timeMs <= time) return { is: 'missing' };
  for (let root: Root = top; ;) {
    if (root.timeMs <= time) return { is: 'state', root };
    const { previous } = root;
    if (!previous) return { is: 'none' };
    const before = roots.get(previous.writeId);
    if (!before) return { is: 'missing' };
    root = before;
  }
}
