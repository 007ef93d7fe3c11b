import type { Root } from '../history/root.ts';
import { stateAsOf } from '../history/state-as-of.ts';
import type { Verdict } from '../history/verdict.ts';

/** The state that an owner is to have. */
export interface Target {
  /** Absent where it is to have none. */
  readonly root?: Root;
  /** What cannot be told; `root` is then the newest state that can, of a backup. */
  readonly doubt?: 'missing' | 'ambiguous';
  /** For people. */
  readonly why: string;
}

/**
 * The state that an owner is to have by `verdict`: its newest, or that of `asOf`. What cannot be told is left at the state
 * that the backup holds, where there is one. `endedSince`: what it hangs on was there then, and is gone.
 */
export function targetOf(verdict: Verdict, asOf: number | undefined, endedSince = false): Target {
  const found = asOf === undefined ? newest(verdict) : atTime(verdict, asOf, endedSince);
  if (!found.doubt) return found;
  const { facts } = verdict.known;
  const kept = facts.roots.filter(
    (root) =>
      root.writeId === facts.backup?.writeId || (facts.backup && root.writeId === verdict.base?.writeId),
  );
  const usable = kept.filter(({ timeMs }) => asOf === undefined || timeMs <= asOf);
  const root = usable.toSorted((a, b) => b.version - a.version)[0];
  return root ? { ...found, root } : found;
}

function newest(verdict: Verdict): Target {
  switch (verdict.is) {
    case 'state':
      return { root: verdict.root, why: `version ${verdict.root.version}, ${PROOFS[verdict.proof]}` };
    case 'none':
      return { why: 'nothing of it was committed, or it ended' };
    case 'missing':
      return { doubt: 'missing', why: missing(verdict) };
    case 'ambiguous':
      return { doubt: 'ambiguous', why: ambiguous(verdict.candidates) };
  }
}

function atTime(verdict: Verdict, asOf: number, endedSince: boolean): Target {
  const time = new Date(asOf).toISOString();
  const state = stateAsOf(verdict, asOf, endedSince);
  switch (state.is) {
    case 'state':
      return { root: state.root, why: `version ${state.root.version}, its state at ${time}` };
    case 'none':
      return { why: `it was not there at ${time}` };
    case 'missing':
      return {
        doubt: 'missing',
        why: `its state at ${time} is collected or lost; one that is older than floecat.gc.cas.retention comes back only from a backup of that time`,
      };
    case 'ambiguous':
      return {
        doubt: 'ambiguous',
        why: ambiguous(verdict.is === 'ambiguous' ? verdict.candidates : []),
      };
  }
}

const PROOFS = {
  row: 'which its row tells',
  successor: 'which a later write was built on',
  'sole-tip': 'the only one that could be the newest',
  applied: 'which is proven by its transaction, by what was collected, or by a decision',
} as const;

function missing({ state, known }: Verdict & { readonly is: 'missing' }): string {
  if (!state)
    return 'a newer state was committed than is left of it: its newest root was lost, or given up by a restore to an earlier time';
  return `version ${state.version} was committed, and its root ${known.facts.owner.blobPrefix}${state.digest}.pb is nowhere`;
}

function ambiguous(candidates: readonly Root[]): string {
  const told = candidates.map(
    ({ version, writeId, timeMs }) => `version ${version} of ${new Date(timeMs).toISOString()} (${writeId})`,
  );
  return `it is ${told.join(' or ')}, or none of these, and nothing tells which`;
}
