import type { Root, RootId } from './root.ts';
import type { Fates, Known } from './settle.ts';
import { hasMovedOn } from './settle.ts';
import type { Standing } from './standing.ts';

/** Why a state is the newest. */
export type Proof =
  /** A row leads to it, and nothing is newer. */
  | 'row'
  /** A later root was written over it, and nothing else is newer. */
  | 'successor'
  /** It is the only one that could be. */
  | 'sole-tip'
  /** Another owner's history proves its transaction; or its predecessor was collected; or a person decided. */
  | 'applied';

interface Told {
  readonly known: Known;
  readonly standing?: Standing;
  /** The newest state that was certainly committed and is there. */
  readonly base?: Root;
  /** Writes that were not applied because parts of their transactions are nowhere. */
  readonly leftOut: readonly Root[];
}

/** What an owner's newest state is. */
export type Verdict = Told &
  (
    | { readonly is: 'state'; readonly root: Root; readonly proof: Proof }
    /** Nothing of it was ever committed, or it ended, with `end` where that is known. */
    | { readonly is: 'none'; readonly end?: Root }
    /** It was committed, and its root is nowhere. `state` is absent where nothing tells which it was. */
    | { readonly is: 'missing'; readonly state?: RootId }
    /** One of these, or the base. */
    | { readonly is: 'ambiguous'; readonly candidates: readonly Root[] }
  );

/** Writes that are rivals of others, so that none of their owners can be told. */
export function contestedWrites(cases: Iterable<Known>, fates: Fates): Set<string> {
  const contested = new Set<string>();
  for (const known of cases) {
    const open = openOf(known.standings[0], fates);
    if (open.length > 1) for (const { writeId } of open) contested.add(writeId);
  }
  return contested;
}

export function verdictOf(known: Known, fates: Fates, contested: ReadonlySet<string>): Verdict {
  const leftOut: Root[] = [];
  for (const standing of known.standings) {
    const verdict = verdictOn(known, standing, fates, contested);
    leftOut.push(...verdict.leftOut);
    // Of an incarnation that came to nothing, the one before it is what counts.
    if (verdict.is !== 'none' || standing.proven) return { ...verdict, leftOut };
  }
  return { is: 'none', known, leftOut };
}

function verdictOn(known: Known, standing: Standing, fates: Fates, contested: ReadonlySet<string>): Verdict {
  const { candidates, proven, isForked } = standing;
  const leftOut = candidates.filter(({ writeId }) => fates.get(writeId) === 'not-whole');
  const base = proven?.root;
  const told = { known, standing, leftOut, ...(base && { base }) };
  if (isForked) return { is: 'ambiguous', candidates: tipsOf(known, standing), ...told };
  const applied = candidates.find(({ writeId }) => fates.get(writeId) === 'applied');
  if (applied) return stateOrEnd(told, applied, 'applied');
  const [sole, ...rivals] = openOf(standing, fates);
  if (sole && (rivals.length > 0 || contested.has(sole.writeId)))
    return { is: 'ambiguous', candidates: [sole, ...rivals], ...told };
  if (sole) return stateOrEnd(told, sole, 'sole-tip');
  if (!proven) return { is: 'none', ...told };
  if (hasMovedOn(known, standing)) {
    const end = base?.mayEnd ? base : candidates.find((root) => root.isLost && root.mayEnd);
    return end ? { is: 'none', end, ...told } : { is: 'missing', ...told, ...(!base && { state: proven }) };
  }
  if (!base) return { is: 'missing', state: proven, ...told };
  return stateOrEnd(told, base, proven.byRow ? 'row' : 'successor');
}

/** What may end and is no tombstone leaves nothing: its row was deleted, or would be at once. */
function stateOrEnd(told: Told, root: Root, proof: Proof): Verdict {
  const isEnd = root.mayEnd && root.state !== 'TOMBSTONE' && told.known.facts.live === undefined;
  return isEnd ? { is: 'none', end: root, ...told } : { is: 'state', root, proof, ...told };
}

function openOf(standing: Standing | undefined, fates: Fates): Root[] {
  return standing?.candidates.filter(({ writeId, isLost }) => !isLost && !fates.has(writeId)) ?? [];
}

function tipsOf({ facts }: Known, { incarnation }: Standing): Root[] {
  const over = new Set(facts.roots.map(({ previous }) => previous?.writeId));
  return facts.roots.filter(
    (root) => root.incarnation === incarnation && !root.isLost && !over.has(root.writeId),
  );
}
