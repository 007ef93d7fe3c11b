import type { Collection, OwnerRef } from '@floecat/repository';

/** What became of an owner. */
export type OutcomeKind =
  /** As the backup holds it. */
  | 'restored'
  /** In a state that the blobs tell, newer than the backup or without one. */
  | 'replayed'
  /** The row was there already, at that state or a newer one. */
  | 'present'
  /** The older content was put over a newer state. */
  | 'rolled-back'
  /** Nothing came back, and nothing should. */
  | 'none'
  /** Nothing came back, because what it hangs on did not. */
  | 'held-back'
  /** It was committed, and is nowhere. */
  | 'missing'
  /** Nothing tells which of several states it has. */
  | 'ambiguous'
  /** The key was ended and made again: what is there is another. */
  | 'other-incarnation';

/** What a person has to know. */
export type ProblemKind =
  | 'missing'
  | 'ambiguous'
  /** A transaction of which a part is nowhere; nothing of it was applied. */
  | 'not-whole'
  /** A blob that the state names is nowhere. */
  | 'blob-missing'
  /** Bytes that should be a root and are none. */
  | 'unreadable'
  /** Two owners say that they have one name. */
  | 'name-taken'
  | 'held-back'
  | 'other-incarnation'
  /** The older content could not be put over the newer. */
  | 'not-rolled-back';

export interface Problem {
  readonly kind: ProblemKind;
  readonly key: string;
  /** A sentence for people. */
  readonly why: string;
}

export interface OwnerOutcome {
  readonly key: string;
  readonly collection: Collection;
  readonly label: string;
  readonly outcome: OutcomeKind;
  /** That its row has now, or would have; absent where there is none. */
  readonly version?: number;
  /** For people. */
  readonly why: string;
}

export interface RecoveryReport {
  /** Owners by what became of them. */
  readonly owners: Readonly<Record<OutcomeKind, number>>;
  /** Rows that were written: canonical ones, names, and records of idempotent runs. */
  readonly rows: { readonly canonical: number; readonly names: number; readonly records: number };
  /** Blobs that were put again: from a version before, or to keep them from a collector. */
  readonly blobs: { readonly broughtBack: number; readonly putAnew: number };
  /** The first of them; `problemCount` counts all. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  readonly dryRun: boolean;
}

/** Problems that a report holds; all are told as they are found. */
export const MAX_PROBLEMS = 1_000;

const KINDS: readonly OutcomeKind[] = [
  'restored',
  'replayed',
  'present',
  'rolled-back',
  'none',
  'held-back',
  'missing',
  'ambiguous',
  'other-incarnation',
];

export interface Listener {
  readonly onOutcome?: (outcome: OwnerOutcome) => void;
  readonly onProblem?: (problem: Problem) => void;
}

/** Counts what becomes of the owners. */
export class Tally {
  readonly #listener: Listener;
  readonly #owners = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<OutcomeKind, number>;
  readonly #problems: Problem[] = [];
  #problemCount = 0;
  #owned = 0;
  readonly rows = { canonical: 0, names: 0, records: 0 };
  readonly blobs = { broughtBack: 0, putAnew: 0 };

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  get done(): number {
    return this.#owned;
  }

  outcome(owner: OwnerRef, told: Omit<OwnerOutcome, 'key' | 'collection'>): void {
    this.#owned++;
    this.#owners[told.outcome]++;
    this.#listener.onOutcome?.({ key: owner.key, collection: owner.collection, ...told });
  }

  problem(kind: ProblemKind, key: string, why: string): void {
    const problem = { kind, key, why };
    this.#problemCount++;
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
    this.#listener.onProblem?.(problem);
  }

  report(dryRun: boolean): RecoveryReport {
    return {
      owners: { ...this.#owners },
      rows: { ...this.rows },
      blobs: { ...this.blobs },
      problems: [...this.#problems],
      problemCount: this.#problemCount,
      dryRun,
    };
  }
}

/** Whether all that was ever acknowledged is there, as far as anybody can tell. */
export function isProven({ problemCount }: Pick<RecoveryReport, 'problemCount'>): boolean {
  return problemCount === 0;
}
