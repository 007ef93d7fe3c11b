import type { OwnerRef } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { digestInUri } from '@floecat/storage-spi';

import type { Root, RootId } from './root.ts';

/** What was read of one owner. */
export interface OwnerFacts {
  readonly owner: OwnerRef;
  /** The roots that were read: all that may be newer than its rows, and those that the rows lead to. */
  readonly roots: readonly Root[];
  /** Its canonical rows: of a backup, and as it is now. What they lead to was committed. */
  readonly backup?: Pointer;
  readonly live?: Pointer;
  /** Root URIs of which there is any version at all, read or not. */
  readonly listed: ReadonlySet<string>;
  /** Root URIs without a current version, or whose current version is damaged. */
  readonly damaged: ReadonlySet<string>;
  /** Roots that cannot be read, and why. */
  readonly unreadable: readonly { readonly uri: string; readonly why: string }[];
}

/** A state that was certainly committed. */
export interface Proven extends RootId {
  /** Absent where its blob is gone, or was not read. */
  readonly root?: Root;
  /** A row of the owner says so, not only a later root. */
  readonly byRow: boolean;
}

/** How one incarnation of an owner stands by its own roots and rows. */
export interface Standing {
  readonly incarnation: string;
  /** The newest state that was certainly committed; absent where none was. */
  readonly proven?: Proven;
  /** Every state that was certainly committed, by version. Older ones may be collected. */
  readonly committed: ReadonlyMap<number, Proven>;
  /** Roots over the proven state, of which at most one was committed. */
  readonly candidates: readonly Root[];
  /** Two states were committed at one version: a table went back in time, and both branches were written on. */
  readonly isForked: boolean;
  readonly lastTimeMs: number;
}

/**
 * How an owner stands, the newest incarnation first: a key that was ended and made again has several, of which an older
 * one counts only where nothing of the newer was committed.
 */
export function standingsOf(facts: OwnerFacts): readonly Standing[] {
  const rows = [facts.backup, isPutByRestore(facts) ? undefined : facts.live].filter(
    (row) => row !== undefined,
  );
  const incarnations = new Set([...facts.roots, ...rows].map(({ incarnation }) => incarnation));
  const standings = [...incarnations].map((incarnation) => standingOf(facts, incarnation, rows));
  if (standings.length < 2) return standings;
  const live = facts.live?.incarnation;
  const proven = standings
    .filter((standing) => standing.proven)
    .toSorted((a, b) => rank(b, live) - rank(a, live) || b.lastTimeMs - a.lastTimeMs);
  const creates = standings.filter((standing) => !standing.proven);
  const [first] = proven;
  if (!first) return [together(creates)];
  // Whoever creates has seen that there is nothing; what stands there may only have come in between.
  const later =
    first.incarnation === live || stillStands(first)
      ? []
      : creates.filter(({ lastTimeMs }) => lastTimeMs > first.lastTimeMs);
  return later.length > 0 ? [together(later), ...proven] : proven;
}

/**
 * Whether the row bears the time of its root, which only a restore gives it. That one had no more to go by than there is now:
 * what it concluded is concluded again, whether it was interrupted or not, and proves nothing.
 */
function isPutByRestore({ roots, live }: OwnerFacts): boolean {
  return roots.some(({ writeId, timeMs }) => writeId === live?.writeId && timeMs === live.updatedAt);
}

function rank({ incarnation }: Standing, live: string | undefined): number {
  return incarnation === live ? 1 : 0;
}

/** Whether the newest state of an incarnation is there, and is none that the owner can end with. */
function stillStands({ proven, candidates }: Standing): boolean {
  const tips = candidates.filter((root) => !root.isLost);
  if (tips.length > 0) return tips.some((root) => !root.mayEnd);
  return proven?.root !== undefined && !proven.root.isLost && !proven.root.mayEnd;
}

/** Creates that ran into each other are rivals for the same version. */
function together(creates: readonly Standing[]): Standing {
  const candidates = creates.flatMap((standing) => standing.candidates).toSorted(byTime);
  const [first] = creates as [Standing, ...Standing[]];
  return { ...first, candidates, lastTimeMs: Math.max(...creates.map(({ lastTimeMs }) => lastTimeMs)) };
}

function standingOf(facts: OwnerFacts, incarnation: string, allRows: readonly Pointer[]): Standing {
  const roots = facts.roots.filter((root) => root.incarnation === incarnation);
  const rows = allRows.filter((row) => row.incarnation === incarnation);
  const branches = new Branches(roots, facts);
  const byWriteId = new Map(roots.map((root) => [root.writeId, root]));
  const committed = new Map<number, Proven>();
  const isSaid = new Set<number>();
  let isForked = false;
  /** `isWeak`: said by what was given up itself, which may be of a branch that was. */
  const commit = (id: RootId, byRow: boolean, isWeak: boolean): void => {
    const { version } = id;
    const known = committed.get(version);
    if (known && (isWeak || isSaid.has(version))) {
      isForked ||= !isWeak && known.writeId !== id.writeId;
      return;
    }
    const root = byWriteId.get(id.writeId);
    committed.set(version, { ...id, byRow, ...(root && { root }) });
    if (!isWeak) isSaid.add(version);
  };
  for (const row of rows)
    commit({ version: row.version, writeId: row.writeId, digest: digestOf(row) }, true, false);
  for (const root of roots)
    if (root.previous && branches.speaks(root)) commit(root.previous, false, branches.isGivenUp(root));
  const version = Math.max(0, ...committed.keys());
  const proven = committed.get(version);
  const candidates = roots
    .filter((root) => root.version > version && !branches.isCutOff(root))
    .toSorted(byTime);
  return {
    incarnation,
    ...(proven && { proven }),
    committed,
    candidates,
    isForked,
    lastTimeMs: Math.max(...roots.map(({ timeMs }) => timeMs), ...rows.map(({ updatedAt }) => updatedAt)),
  };
}

/** Also where two are of the same time, so that a report is the same each time. */
function byTime(a: Root, b: Root): number {
  return a.timeMs - b.timeMs || (a.writeId < b.writeId ? -1 : 1);
}

function digestOf(row: Pointer): string {
  return (row.kind === 'blob' ? digestInUri(row.blobUri) : undefined) ?? '';
}

/**
 * A state that was given up with all that was written over it, as a restore to an earlier time does, is cut off where
 * another of its version was not, or where the state below it stands: what was written since goes on from there. A
 * collector marks states too, but the older ones first.
 */
class Branches {
  readonly #children = new Map<string, Root[]>();
  readonly #givenUp = new Set<Root>();
  readonly #cut = new Set<Root>();
  readonly #inner = new Set<Root>();

  constructor(roots: readonly Root[], { backup, live }: OwnerFacts) {
    const rowIds = new Set([backup?.writeId, live?.writeId]);
    const byVersion = new Map<number, Root[]>();
    for (const root of roots) {
      listAt(byVersion, root.version).push(root);
      if (root.previous) listAt(this.#children, root.previous.writeId).push(root);
    }
    const downwards = roots.toSorted((a, b) => b.version - a.version);
    for (const root of downwards) {
      const children = this.#children.get(root.writeId) ?? [];
      if (root.isLost && !rowIds.has(root.writeId) && children.every((child) => this.#givenUp.has(child)))
        this.#givenUp.add(root);
    }
    const standing = new Set(
      roots
        .filter(
          ({ isLost, writeId }) => writeId === live?.writeId || (!isLost && writeId !== backup?.writeId),
        )
        .map(({ writeId }) => writeId),
    );
    for (const root of downwards.toReversed()) {
      if (!this.#givenUp.has(root) || this.#cut.has(root)) continue;
      const rivals = byVersion.get(root.version) ?? [];
      const { previous } = root;
      if (rivals.some((rival) => !this.#givenUp.has(rival)) || (previous && standing.has(previous.writeId)))
        this.#cutOff(root);
    }
  }

  isGivenUp(root: Root): boolean {
    return this.#givenUp.has(root);
  }

  isCutOff(root: Root): boolean {
    return this.#cut.has(root);
  }

  /** Whether what it was written over counts as committed: not within a branch that is cut off. */
  speaks(root: Root): boolean {
    return !this.#inner.has(root);
  }

  #cutOff(top: Root): void {
    const left = [top];
    for (let root = left.pop(); root; root = left.pop()) {
      this.#cut.add(root);
      for (const child of this.#children.get(root.writeId) ?? []) {
        this.#inner.add(child);
        left.push(child);
      }
    }
  }
}

function listAt<K, V>(map: Map<K, V[]>, key: K): V[] {
  const found = map.get(key) ?? [];
  map.set(key, found);
  return found;
}
