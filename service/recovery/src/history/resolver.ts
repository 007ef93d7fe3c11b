import type { OwnerRef } from '@floecat/repository';
import { mapBounded } from '@floecat/storage-spi';

import type { Root } from './root.ts';
import type { Fates, Known } from './settle.ts';
import { candidatesOf, fateOf, hasMovedOn, knownOf, settle } from './settle.ts';
import type { OwnerFacts } from './standing.ts';
import type { Verdict } from './verdict.ts';
import { contestedWrites, verdictOf } from './verdict.ts';

const PARALLEL_READS = 16;
const HELD_VERDICTS = 2_048;

export interface ResolverConfig {
  /** Reads what there is of an owner. */
  readonly read: (owner: OwnerRef) => Promise<OwnerFacts>;
  /** Whether a row that is no owner's, such as a name, proves the transaction of this root. */
  readonly isProvenByRow?: (root: Root) => Promise<boolean>;
  /**
   * What was put before this (epoch ms) may have been collected by now, had it come out of use at once. Younger parts of a
   * transaction that are nowhere never were.
   */
  readonly collectedBefore: number;
  /** What a person decided, by write id. */
  readonly decided?: ReadonlyMap<string, 'applied' | 'rejected'>;
}

/**
 * Tells each owner's newest state, from what roots and rows prove. Reads, beside the owners that it is asked for, only
 * those that transactions of open outcome tie to them, and decides these together: so one comes back whole, or not.
 */
export class Resolver {
  readonly #config: ResolverConfig;
  readonly #held = new Map<string, Verdict>();

  constructor(config: ResolverConfig) {
    this.#config = config;
  }

  async resolve(facts: OwnerFacts): Promise<Verdict> {
    const { key } = facts.owner;
    const held = this.#held.get(key);
    if (held) return held;
    const first = knownOf(facts);
    const known = new Map([[key, first]]);
    const cases = await this.#tiedTo(first, known);
    const fates: Fates = new Map(this.#config.decided);
    const contested = await this.#settle(known, cases, fates);
    const verdict = verdictOf(first, fates, contested);
    // Those that were decided with it are asked for soon.
    for (const other of cases)
      if (other !== key) this.#hold(other, verdictOf(known.get(other) as Known, fates, contested));
    return verdict;
  }

  /** Forgets what it holds, for facts that have changed. */
  forget(): void {
    this.#held.clear();
  }

  #hold(key: string, verdict: Verdict): void {
    this.#held.set(key, verdict);
    if (this.#held.size <= HELD_VERDICTS) return;
    const [oldest] = this.#held.keys();
    if (oldest !== undefined) this.#held.delete(oldest);
  }

  /** The owners that have to be decided together; `known` gets these, and what else their transactions change. */
  async #tiedTo(first: Known, known: Map<string, Known>): Promise<ReadonlySet<string>> {
    const cases = new Set([first.facts.owner.key]);
    const looked = new Set<string>();
    const { decided, collectedBefore } = this.#config;
    const left = [first];
    for (let each = left.pop(); each; each = left.pop()) {
      for (const candidate of openCandidates(each)) {
        const { transaction } = candidate;
        if (transaction.owners.length < 2 || looked.has(transaction.writeId)) continue;
        looked.add(transaction.writeId);
        await this.#read(transaction.owners, known);
        if (decided?.has(transaction.writeId) || fateOf(known, transaction, collectedBefore)) continue;
        for (const { owner } of transaction.owners) {
          const tied = known.get(owner.key);
          if (!tied || cases.has(owner.key)) continue;
          if (!candidatesOf(tied).some(({ writeId }) => writeId === transaction.writeId)) continue;
          cases.add(owner.key);
          left.push(tied);
        }
      }
    }
    return cases;
  }

  async #read(owners: readonly { readonly owner: OwnerRef }[], known: Map<string, Known>): Promise<void> {
    const missing = owners.filter(({ owner }) => !known.has(owner.key));
    const read = await mapBounded(missing, PARALLEL_READS, ({ owner }) => this.#config.read(owner));
    for (const facts of read) known.set(facts.owner.key, knownOf(facts));
  }

  /** Decides what can be, with the help of other rows where the owners alone leave a doubt; answers the rivals that are left. */
  async #settle(
    known: ReadonlyMap<string, Known>,
    cases: ReadonlySet<string>,
    fates: Fates,
  ): Promise<ReadonlySet<string>> {
    const { collectedBefore, isProvenByRow } = this.#config;
    const all = [...cases].map((key) => known.get(key) as Known);
    const asked = new Set<string>();
    for (;;) {
      settle(known, cases, fates, collectedBefore);
      const contested = contestedWrites(all, fates);
      if (!isProvenByRow) return contested;
      let proven = false;
      for (const root of all.flatMap(candidatesOf)) {
        const { writeId } = root;
        const isInDoubt = contested.has(writeId) || fates.get(writeId) === 'not-whole';
        if (!isInDoubt || asked.has(writeId)) continue;
        asked.add(writeId);
        if (!(await isProvenByRow(root))) continue;
        fates.set(writeId, 'applied');
        proven = true;
      }
      if (!proven) return contested;
    }
  }
}

/** Those that others could still decide on. One that is marked as lost may have been committed only if something followed. */
function openCandidates(known: Known): readonly Root[] {
  const [standing] = known.standings;
  if (!standing) return [];
  const isMoved = hasMovedOn(known, standing);
  return standing.candidates.filter((root) => !root.isLost || isMoved);
}
