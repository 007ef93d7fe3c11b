/** Something to act on, as the scan saw it. */
export interface Candidate {
  readonly key: string;
  readonly writeId: string;
  /**
   * `orphan`: a name without an owner, or a child without a parent, for longer than the grace. `unfinished`: an owner
   * that was staged, or whose drop began, and has stood so for longer than the grace.
   */
  readonly why: 'orphan' | 'unfinished';
}

/** What the pointer collector remembers of one account. */
export interface PointerState {
  /** A scan that is under way. Nothing is deleted before it has seen every key. */
  readonly scan?: {
    readonly pageToken?: string;
    readonly rows: number;
    readonly candidates: readonly Candidate[];
    /** Seen without owner or parent in this scan: digest of key and write id, with the time it was first seen so. */
    readonly orphans: Readonly<Record<string, number>>;
    /** What did not fit in here any more, and is left to the next scan. */
    readonly left: number;
  };
  /** What is left to act on, once a scan was whole. */
  readonly act?: {
    readonly candidates: readonly Candidate[];
    readonly counts: Readonly<Record<string, number>>;
  };
  /** Of the last whole scan. */
  readonly orphans?: Readonly<Record<string, number>>;
}

// A row holds 400 KB: both lists of orphans, at 40 bytes each, and the candidates fit in it.
export const MAX_CANDIDATE_BYTES = 160_000;
export const MAX_ORPHANS = 2_500;
