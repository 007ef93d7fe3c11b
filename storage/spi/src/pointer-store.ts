import type {
  BatchOperation,
  BatchResult,
  CasResult,
  DeleteResult,
  Expected,
  ImportMode,
  ImportReport,
  Pointer,
  PointerPage,
  PointerWrite,
} from './pointer.ts';

export interface CallOptions {
  /** Aborted before sending: not applied. Aborted in flight: a write ends in `STORAGE_UNKNOWN_OUTCOME`. */
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends CallOptions {
  /** Default `strong`: sees every write acknowledged before the call began, by whichever client. */
  readonly consistency?: 'strong' | 'eventual';
  /** Also answer expired rows that were not reaped yet. For collectors. Default false. */
  readonly includeExpired?: boolean;
}

export interface WriteOptions extends CallOptions {
  /** UUID that identifies this write in the row and makes a repetition recognisable. Default: a fresh one. */
  readonly writeId?: string;
}

export interface ListOptions extends ReadOptions {
  /** 1 to 1,000, default 1,000; more is clamped, less refused. */
  readonly limit?: number;
  /** From an earlier page of the same prefix. Another `limit` is allowed. */
  readonly pageToken?: string;
}

/**
 * Versioned entries `key -> blob URI` (or small value), changed only by compare-and-set.
 *
 * Keys are well-formed Unicode strings of 1 to 1,024 UTF-8 bytes, compared byte for byte, never normalised or
 * decoded; order is UTF-8 byte order. Reads and listings are strongly consistent unless asked otherwise. A row is
 * absent to every operation from its `expiresAt` on, reaped or not.
 *
 * A conditional write ends in exactly one of: applied; conflict (certainly not applied, with the current pointer,
 * both as a result); `StorageUnknownOutcomeError` (may have been applied); another `StorageError` (not applied).
 * Every operation throws `InvalidArgumentError` before any I/O on a bad argument and `StorageClosedError` after
 * `close`.
 */
export interface PointerStore extends AsyncDisposable {
  /** The pointer at `key`, or `undefined`. */
  get(key: string, options?: ReadOptions): Promise<Pointer | undefined>;

  /** The pointers at 0 to any number of keys, in the order asked, `undefined` where absent. Not a snapshot. */
  getBatch(keys: readonly string[], options?: ReadOptions): Promise<readonly (Pointer | undefined)[]>;

  /**
   * Writes `next` if the pointer is as `expected`: 0 creates version 1 under a new incarnation, a version or a
   * pointer replaces it at version + 1. At most 400 KB a pointer.
   */
  compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult>;

  /** Deletes the pointer if it is as `expected` (never 0). `includeExpired` lets a collector reap. */
  compareAndDelete(
    key: string,
    expected: Expected,
    options?: WriteOptions & { readonly includeExpired?: boolean },
  ): Promise<DeleteResult>;

  /**
   * 0 to 100 operations on distinct keys, at most 4 MB, all or none. All share one write id. A check on a shared
   * parent makes that row hot.
   */
  compareAndSetBatch(operations: readonly BatchOperation[], options?: WriteOptions): Promise<BatchResult>;

  /**
   * Pointers whose key starts with `prefix` (a plain string prefix; empty means all), in key order. A key present
   * throughout the walk appears exactly once. Tokens survive a restart; one that is damaged, or of another prefix
   * or store, is `INVALID_ARGUMENT`.
   */
  listPointersByPrefix(prefix: string, options?: ListOptions): Promise<PointerPage>;

  /** A token that continues a listing of `prefix` after `key`, which need not exist but must start with `prefix`. */
  pageTokenAfterKey(prefix: string, key: string): Promise<string>;

  /**
   * Deletes what starts with `prefix`, each row on condition that it is as it was listed; a row that changed
   * meanwhile is skipped. `unconditional` deletes without conditions: for subtrees that nobody else writes. An
   * empty prefix needs `everything`. Expired rows may go too, uncounted. Not atomic: an error leaves a part deleted.
   */
  deleteByPrefix(
    prefix: string,
    options?: CallOptions & { readonly unconditional?: boolean; readonly everything?: boolean },
  ): Promise<{ readonly deleted: number; readonly skipped: number }>;

  /** How many unexpired pointers start with `prefix`. */
  countByPrefix(prefix: string, options?: ReadOptions): Promise<number>;

  /** Writes rows with version, write ids, incarnation, state and expiry as given. Only recovery calls it. */
  importPointers(entries: readonly Pointer[], mode: ImportMode, options?: CallOptions): Promise<ImportReport>;

  /** Waits for what is under way, then releases what the store holds. A second close does nothing. */
  close(): Promise<void>;
}
