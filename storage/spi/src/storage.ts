import type { BlobStore } from './blob-store.ts';
import type { PointerStore } from './pointer-store.ts';
import type { SecretsManager } from './secrets-manager.ts';

/** Format of rows, blobs and layout that this code writes. A store with a newer one is refused. */
export const STORAGE_FORMAT = 1;

/** Settings that every process of a store must share; a difference refuses the start. */
export interface LayoutSettings {
  /** Shards of the pointer table. 1 where the backend has none. */
  readonly shards: number;
  /** How long the pointer collector leaves a new thing alone, ms. */
  readonly pointerGraceMs: number;
  /** How long the blob collector leaves a new blob alone, ms. */
  readonly casGraceMs: number;
  /** How long a condemned blob is kept, ms. */
  readonly casRetentionMs: number;
}

export const DEFAULT_LAYOUT: LayoutSettings = {
  shards: 1,
  pointerGraceMs: 3_600_000,
  casGraceMs: 3_600_000,
  casRetentionMs: 7 * 24 * 3_600_000,
};

/** The layout row: fixed when the store was made. Table and bucket belong together by these ids. */
export interface StoreLayout extends LayoutSettings {
  readonly format: number;
  readonly storeId: string;
  readonly tableId: string;
  /** Grows each time a table is joined to an existing bucket. */
  readonly epoch: number;
}

/** The stores of one backend, opened together. */
export interface Storage extends AsyncDisposable {
  readonly pointers: PointerStore;
  /**
   * The store's own rows: leases, run records, registered backups. The same laws as `pointers`, in a space of its own:
   * a row of one is never seen by the other. Keys of at most `MAX_SYSTEM_KEY_BYTES` (1,020).
   */
  readonly system: PointerStore;
  readonly blobs: BlobStore;
  readonly secrets: SecretsManager;
  readonly layout: StoreLayout;
  /** Closes all of them. A second close does nothing. */
  close(): Promise<void>;
}
