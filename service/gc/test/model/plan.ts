import type { CollectorName } from '@floecat/gc';

import type { Fate } from './process.ts';

/** Where a table or view lies: one of a few places, so that processes meet. */
export interface Place {
  readonly account: Account;
  readonly levels: readonly string[];
  readonly name: string;
}

export type Account = 'acme' | 'beta';

/** What a process that serves clients does. Texts come from a few, so that the same blob is wanted again. */
export type ClientOp =
  | { readonly do: 'create-table'; readonly at: Place; readonly text: string; readonly end: TableEnd }
  /** Publishes what this process staged last, if it did. */
  | { readonly do: 'publish' | 'touch' | 'discard' }
  | { readonly do: 'set-metadata'; readonly of: 'table' | 'view'; readonly at: Place; readonly text: string }
  | { readonly do: 'rename'; readonly of: 'table' | 'view'; readonly at: Place; readonly to: Place }
  | { readonly do: 'drop'; readonly of: 'table' | 'view'; readonly at: Place }
  | { readonly do: 'create-view'; readonly at: Place; readonly text: string }
  | { readonly do: 'add-snapshot'; readonly at: Place; readonly id: number; readonly text: string }
  | { readonly do: 'create-namespace'; readonly account: Account; readonly levels: readonly string[] }
  | {
      readonly do: 'rename-namespace';
      readonly account: Account;
      readonly levels: readonly string[];
      readonly to: readonly string[];
    }
  | {
      readonly do: 'drop-namespace';
      readonly account: Account;
      readonly levels: readonly string[];
      readonly recursive: boolean;
    }
  | { readonly do: 'ensure-account' | 'drop-account' }
  /** Moves money between two owners, in one transaction; `record` rides along as a row that expires. */
  | { readonly do: 'transfer'; readonly from: 0 | 1; readonly amount: number; readonly record: boolean }
  | { readonly do: 'read'; readonly of: 'table' | 'view'; readonly at: Place }
  | { readonly do: 'list'; readonly account: Account; readonly levels: readonly string[] }
  /** A name that leads to nobody, as a bug or a hand may leave it. */
  | { readonly do: 'orphan-name'; readonly levels: readonly string[] }
  | { readonly do: 'restart' };

/** How far a registration goes: published at once, with a snapshot before, or left staged. */
export type TableEnd = 'publish' | 'snapshot' | 'leave';

/** What a process that collects, and whoever looks after it, does. */
export type CollectorOp =
  | { readonly do: 'collect'; readonly what: CollectorName; readonly breakLease: boolean }
  | { readonly do: 'dry-run'; readonly what: CollectorName }
  /** Of the nth blob that nothing reaches. */
  | { readonly do: 'pardon'; readonly nth: number }
  | { readonly do: 'take-backup' | 'end-backup' }
  | { readonly do: 'wait'; readonly milliseconds: number };

export type ProcessPlan =
  | { readonly as: 'client'; readonly caching: boolean; readonly ops: readonly ClientOp[] }
  | { readonly as: 'collector'; readonly ops: readonly CollectorOp[] };

/**
 * What comes between the calls: each after so many that were delivered since the one before. Without any, each process
 * does all it has to do before the next one begins.
 */
export type Event = { readonly after: number } & (
  | { readonly what: 'switch'; readonly to: number }
  /** Another of the calls that the process has made at once goes first. */
  | { readonly what: 'reorder'; readonly nth: number }
  /** The next calls fail, so many of them. */
  | { readonly what: 'fault'; readonly kind: FaultKind; readonly times: number }
  | { readonly what: 'abort' | 'crash'; readonly fate: Fate }
  /** The process stands still until nothing else can move. */
  | { readonly what: 'stall' }
  | { readonly what: 'elapse'; readonly milliseconds: number; readonly deadlines: Deadlines }
  | { readonly what: 'skew'; readonly process: number; readonly milliseconds: number }
  /** Every wall clock is set. */
  | { readonly what: 'set-clocks'; readonly milliseconds: number }
);

/** Whether the call was made, and what its caller is told: that it was not, or nothing. */
export type FaultKind = 'unavailable' | 'unknown-lost' | 'unknown-applied' | 'unknown-late';

/** When deadlines that have passed take effect: after the next answer, or before, with what was under way lost or applied. */
export type Deadlines = 'after-answer' | Fate;

/** A whole schedule; it says all that happens. */
export interface Plan {
  /** Of the ids that are drawn. */
  readonly seed: number;
  readonly pageSize: number;
  readonly batchLimit: number;
  /** 0: every slice is one step. */
  readonly sliceMs: number;
  readonly maxDeleteRatio: number;
  readonly tombstoneTtlMs: number;
  readonly processes: readonly ProcessPlan[];
  readonly events: readonly Event[];
}
