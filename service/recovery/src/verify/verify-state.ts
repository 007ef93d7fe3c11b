import type { FindingKind, Severity } from './finding.ts';
import type { OwnerPosition } from './owner-walk.ts';

/** What was looked at so far. */
export interface VerifyCounts {
  readonly owners: number;
  readonly names: number;
  readonly records: number;
  /** Rows of every kind. */
  readonly rows: number;
  /** Blob versions, and the bytes in them. */
  readonly versions: number;
  readonly versionBytes: number;
  /** Blobs beside the roots that were read whole, and their bytes. */
  readonly blobsRead: number;
  readonly bytesRead: number;
  /**
   * Versions older than the grace that nothing reaches, and their bytes: superseded roots, what was dropped, what was put
   * and never committed. The collector takes them in its time, but for those that a kept backup reaches.
   */
  readonly orphans: number;
  readonly orphanBytes: number;
  /** Records that expired and were not reaped yet. */
  readonly expiredRecords: number;
}

export const NO_COUNTS: VerifyCounts = {
  owners: 0,
  names: 0,
  records: 0,
  rows: 0,
  versions: 0,
  versionBytes: 0,
  blobsRead: 0,
  bytesRead: 0,
  orphans: 0,
  orphanBytes: 0,
  expiredRecords: 0,
};

/** Which store's parts are looked at, and how closely. Fixed for all of a run. */
export interface VerifyScope {
  /** Whether every reached blob is read. */
  readonly deep: boolean;
  /** Share of the owners and names that are looked at, up to 1. */
  readonly sample: number;
  /** Which ones these are. */
  readonly seed: string;
  /** Only these accounts; absent for the whole store. */
  readonly accounts?: readonly string[];
}

/** Where a run stands: first all owners in step with the blobs, then all rows. */
export interface VerifyPosition {
  readonly phase: 'blobs' | 'rows';
  /** Of `accounts`, the one that is walked. */
  readonly account: number;
  /** Of the listing of blobs. */
  readonly pageToken?: string;
  /** The last owner that was looked at. */
  readonly after?: OwnerPosition;
  /** The last row that was looked at. */
  readonly afterKey?: string;
}

/** A run as its system row keeps it. */
export interface VerifyState {
  readonly format: 1;
  readonly scope: VerifyScope;
  /** Epoch ms, by the clock of the process that began it. */
  readonly startedAt: number;
  readonly position: VerifyPosition;
  readonly counts: VerifyCounts;
  readonly findings: Readonly<Partial<Record<FindingKind, number>>>;
}

/** What a run found, all in all. */
export interface VerifyReport {
  /** Id of the run, which resumes it while it is not over. */
  readonly run: string;
  readonly scope: VerifyScope;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly counts: VerifyCounts;
  readonly findings: VerifyState['findings'];
  readonly severities: Readonly<Record<Severity, number>>;
}
