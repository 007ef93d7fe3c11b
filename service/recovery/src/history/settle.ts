import { rootUriIn } from './root-uri.ts';
import type { Root } from './root.ts';
import type { OwnerFacts, Proven, Standing } from './standing.ts';
import { standingsOf } from './standing.ts';
import type { Transaction } from './transaction-pool.ts';

/** What is known of an owner. */
export interface Known {
  readonly facts: OwnerFacts;
  /** The newest incarnation first; none where nothing was found of the owner. */
  readonly standings: readonly Standing[];
}

/**
 * What became of a write. `not-whole`: a part of its transaction is nowhere, so that it cannot be applied; it was never
 * committed, unless somebody destroyed that part.
 */
export type Fate = 'applied' | 'rejected' | 'not-whole';

/** By write id. What nothing decides has none. */
export type Fates = Map<string, Fate>;

/** By canonical key. */
export type KnownOwners = ReadonlyMap<string, Known>;

export function knownOf(facts: OwnerFacts): Known {
  return { facts, standings: standingsOf(facts) };
}

/** Roots that may be the newest state of an owner. */
export function candidatesOf({ standings: [standing] }: Known): readonly Root[] {
  return standing?.candidates ?? [];
}

/**
 * Whether the owner is certainly beyond its newest proven state: a collector condemned or deleted that one, which it does
 * only once no pointer leads there.
 */
export function hasMovedOn({ facts }: Known, { proven }: Standing): boolean {
  if (!proven || proven.writeId === facts.live?.writeId) return false;
  return proven.root ? proven.root.isLost : !facts.listed.has(uriOf(facts, proven));
}

export function uriOf({ owner }: OwnerFacts, { digest }: Proven): string {
  return rootUriIn(owner, digest);
}

/**
 * Decides what can be decided of the writes of `cases`, owners that are all in `known` with those that their
 * transactions change. Adds to `fates`; what is in there already holds.
 */
export function settle(
  known: KnownOwners,
  cases: Iterable<string>,
  fates: Fates,
  collectedBefore: number,
): void {
  const all = [...cases].map((key) => known.get(key) as Known);
  let before: number;
  do {
    before = fates.size;
    for (const each of all) settleOwner(known, each, fates, collectedBefore);
  } while (fates.size > before);
}

function settleOwner(known: KnownOwners, owner: Known, fates: Fates, collectedBefore: number): void {
  const [standing] = owner.standings;
  if (!standing) return;
  const { candidates } = standing;
  for (const candidate of candidates) {
    if (fates.has(candidate.writeId)) continue;
    const fate =
      fateOf(known, candidate.transaction, collectedBefore) ?? (candidate.isLost ? 'rejected' : undefined);
    if (fate) fates.set(candidate.writeId, fate);
  }
  const isRejected = ({ writeId }: Root): boolean => fates.get(writeId) === 'rejected';
  if (candidates.some(({ writeId }) => fates.get(writeId) === 'applied'))
    for (const { writeId } of candidates) if (!fates.has(writeId)) fates.set(writeId, 'rejected');
  const [sole, ...others] = candidates.filter((candidate) => !isRejected(candidate));
  if (sole && others.length === 0 && hasMovedOn(owner, standing) && !standing.isForked)
    fates.set(sole.writeId, 'applied');
}

/** What the owners of a transaction prove of it, beside being one of several that could have been committed. */
export function fateOf(
  known: KnownOwners,
  { writeId, owners }: Transaction,
  collectedBefore: number,
): Fate | undefined {
  if (owners.length < 2) return undefined;
  let fate: Fate | undefined;
  for (const { owner, version } of owners) {
    const found = known.get(owner.key);
    if (!found) continue;
    const { facts, standings } = found;
    if (standings.some(({ committed }) => committed.get(version)?.writeId === writeId)) return 'applied';
    const root = facts.roots.find((each) => each.writeId === writeId);
    const standing = root
      ? standings.find(({ incarnation }) => incarnation === root.incarnation)
      : standings[0];
    if (standing?.committed.has(version)) fate = 'rejected';
    else if (root) {
      const isOpen = candidatesOf(found).includes(root) && !root.isLost;
      if (!isOpen) fate = 'rejected';
    } else if ((standing?.proven?.version ?? 0) < version)
      fate ??= isCollectable(known, writeId, collectedBefore) ? undefined : 'not-whole';
  }
  return fate;
}

/** Whether a part of the write that is not there may have been in use, then out of use, and collected. */
function isCollectable(known: KnownOwners, writeId: string, collectedBefore: number): boolean {
  for (const { facts } of known.values()) {
    const root = facts.roots.find((each) => each.writeId === writeId);
    if (root) return root.timeMs < collectedBefore;
  }
  return false;
}
