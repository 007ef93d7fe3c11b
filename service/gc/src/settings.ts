/** How one collector works. Times in milliseconds. */
export interface CollectorSettings {
  readonly enabled: boolean;
  /** From the start of one run to the start of the next, whichever process makes it. */
  readonly tickEveryMs: number;
  /** Rows or versions of one page, 1 to 1,000. */
  readonly pageSize: number;
  /** Deletes at most before it is checked again that table and bucket belong together. */
  readonly batchLimit: number;
  /** How long it works on one account before the next one gets its turn. */
  readonly sliceMs: number;
  /** How long one run takes at most; the next one goes on from there. */
  readonly maxTickMs: number;
  /** Accounts listed at a time. */
  readonly accountsPageSize: number;
}

/** The grace of the pointer and of the blob collector and the retention are in the layout row, not here. */
export interface GcSettings {
  readonly idempotency: CollectorSettings & {
    /** How long after its expiry a row is left alone. */
    readonly minAgeMs: number;
  };
  readonly pointer: CollectorSettings;
  readonly cas: CollectorSettings;
  /** How long a tombstone stands at least. */
  readonly tombstoneTtlMs: number;
  /** What part of an account's blob versions one pass may delete, 0 to 1. */
  readonly maxDeleteRatio: number;
}

const HOUR_MS = 3_600_000;

const COLLECTOR: CollectorSettings = {
  enabled: true,
  tickEveryMs: HOUR_MS,
  pageSize: 1_000,
  batchLimit: 1_000,
  sliceMs: 5_000,
  maxTickMs: 600_000,
  accountsPageSize: 100,
};

/** As the properties have them where nothing is set. */
export const DEFAULT_GC_SETTINGS: GcSettings = {
  idempotency: { ...COLLECTOR, minAgeMs: HOUR_MS },
  pointer: COLLECTOR,
  cas: COLLECTOR,
  tombstoneTtlMs: 30 * 24 * HOUR_MS,
  maxDeleteRatio: 0.5,
};

export type CollectorName = 'idempotency' | 'pointer' | 'cas';

/** In the order in which they help each other: rows first, then what they led to. */
export const COLLECTORS: readonly CollectorName[] = ['idempotency', 'pointer', 'cas'];
