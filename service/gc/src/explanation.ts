/** What becomes of a blob or pointer, and why. */
export interface GcExplanation {
  readonly key: string;
  readonly is: 'blob' | 'pointer';
  readonly verdict:
    /** Needed; no collector takes it. */
    | 'alive'
    /** Not needed by what is there now, but too young to be judged. */
    | 'young'
    /** Not needed; the next pass takes note of it. */
    | 'unreferenced'
    /** Not needed, and waiting for its time to be over. */
    | 'condemned'
    /** Of no shape that is known: left alone. */
    | 'unknown'
    | 'absent';
  /** Whole sentences, for people. */
  readonly because: readonly string[];
  /** Epoch ms: the earliest time from which on a run can take it away. */
  readonly notBefore?: number;
  /** The pass that condemned it, as `pardon` takes it. */
  readonly run?: string;
}
