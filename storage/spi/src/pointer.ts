/** Where an owner stands in its life; only canonical pointers carry one. */
export type OwnerState = 'STAGED' | 'LIVE' | 'DELETING' | 'TOMBSTONE';

export const OWNER_STATES: readonly OwnerState[] = ['STAGED', 'LIVE', 'DELETING', 'TOMBSTONE'];

/** What a pointer holds: the URI of a blob, or a small value of its own. */
export type PointerTarget =
  | { readonly kind: 'blob'; readonly blobUri: string }
  | { readonly kind: 'value'; readonly value: string };

/**
 * What a caller writes. `expiresAt` is in epoch seconds: from then on the pointer is absent to every operation.
 * It is refused together with `state`, because owners never expire. A write replaces all of it: a state or an
 * expiry that is not given again is gone.
 */
export type PointerWrite = PointerTarget & {
  readonly state?: OwnerState;
  readonly expiresAt?: number;
};

/** A stored pointer. Frozen; the store set everything beside what {@link PointerWrite} gives. */
export type Pointer = PointerWrite & {
  readonly key: string;
  /** 1 for a create, then one more with each write. */
  readonly version: number;
  /** UUID of the write that made this version. */
  readonly writeId: string;
  /** UUID of the write that made the version before; absent at version 1. */
  readonly prevWriteId?: string;
  /** Write id of the create. A key that was deleted and created again has another one. */
  readonly incarnation: string;
  /** Epoch milliseconds, by the store's clock. */
  readonly updatedAt: number;
};

/**
 * What a conditional write expects to find: 0 for "absent", a version, or a pointer read earlier. The pointer form
 * also compares the write id, so a key that was deleted and created again is never taken for the old one. Prefer it.
 */
export type Expected = number | Pointer;

export type CasResult =
  | { readonly applied: true; readonly pointer: Pointer }
  | { readonly applied: false; readonly current: Pointer | undefined };

export type DeleteResult =
  | { readonly applied: true; readonly deleted: Pointer }
  | { readonly applied: false; readonly current: Pointer | undefined };

export type BatchOperation =
  /** Create (expected 0) or replace. */
  | { readonly op: 'upsert'; readonly key: string; readonly expected: Expected; readonly next: PointerWrite }
  | { readonly op: 'delete'; readonly key: string; readonly expected: Expected }
  /** The version is as expected; never bumps it. */
  | { readonly op: 'check'; readonly key: string; readonly expected: Expected }
  /** The owner is the same incarnation and in one of `states`, at whatever version. */
  | {
      readonly op: 'check-owner';
      readonly key: string;
      readonly incarnation: string;
      readonly states: readonly OwnerState[];
    }
  | { readonly op: 'check-absent'; readonly key: string };

export type BatchOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly current: Pointer | undefined };

export type BatchResult =
  /**
   * Per operation: the pointer as it now is after an upsert or a check, else `undefined`. A check-owner answers no
   * pointer, since it does not say which one it expects, and a store need not read the row to hold it.
   */
  | { readonly applied: true; readonly pointers: readonly (Pointer | undefined)[] }
  /** Per operation: whether its condition held and, where it did not, what is there. */
  | { readonly applied: false; readonly outcomes: readonly BatchOutcome[] };

export interface PointerPage {
  readonly pointers: readonly Pointer[];
  /** Absent on the last page. A page may be empty and still have one: go on. */
  readonly nextPageToken?: string;
}

/**
 * `if-absent` leaves what exists; `if-lower` also raises a row of the same incarnation that has a lower version. An
 * expired row does not exist.
 */
export type ImportMode = 'if-absent' | 'if-lower';

export interface ImportReport {
  readonly imported: number;
  /** What was left alone, with the row that is there. */
  readonly left: readonly {
    readonly key: string;
    readonly reason: 'present' | 'not-lower' | 'other-incarnation';
    readonly current: Pointer;
  }[];
}
