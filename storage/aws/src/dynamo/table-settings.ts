/** How the pointer table is made. */
export interface TableSettings {
  /** Default on demand. The maxima are units a second; none means no limit but the account's. */
  readonly throughput:
    | { readonly mode: 'on-demand'; readonly maxReadUnits?: number; readonly maxWriteUnits?: number }
    | { readonly mode: 'provisioned'; readonly readUnits: number; readonly writeUnits: number };
  /** Lets DynamoDB remove rows some time after `expires_at`. They are absent from then on in any case. Default true. */
  readonly ttlEnabled: boolean;
  /** Default true. */
  readonly pointInTimeRecovery: boolean;
  /** 1 to 35, default 35. */
  readonly recoveryDays: number;
  /** Default true. */
  readonly deletionProtection: boolean;
  /** A customer-managed key. Default: the key that AWS owns. */
  readonly kmsKeyId?: string;
  /** Default `STANDARD`. */
  readonly tableClass: 'STANDARD' | 'STANDARD_INFREQUENT_ACCESS';
  /** Of the table, set when it is made. Default none. */
  readonly tags: Readonly<Record<string, string>>;
  /**
   * Accepts a table with replicas in other regions. Conditions see one region only, so only one may ever be written
   * to. Default false: such a table is refused.
   */
  readonly allowReplicas: boolean;
}

export const DEFAULT_TABLE: TableSettings = {
  throughput: { mode: 'on-demand' },
  ttlEnabled: true,
  pointInTimeRecovery: true,
  recoveryDays: 35,
  deletionProtection: true,
  tableClass: 'STANDARD',
  tags: {},
  allowReplicas: false,
};

/** How long a new table may take to become active, and how often it is asked. Milliseconds. */
export const TABLE_WAIT = { limitMs: 300_000, pauseMs: 500 } as const;
