import type { Collection } from '@floecat/repository';

import type { SegmentRef } from './condemned.ts';
import type { Problem } from './slice-result.ts';

/** What a pass has counted so far, in blob versions unless it says otherwise. */
export interface CasCounts {
  /** Owners with a live pointer, or in a backup. */
  readonly owners: number;
  readonly versions: number;
  readonly bytes: number;
  /** Reached by their owner. */
  readonly alive: number;
  /** Reached by nobody, and not older than the grace. */
  readonly young: number;
  readonly condemned: number;
  readonly condemnedBytes: number;
  /** Of these, in no list before. */
  readonly newlyCondemned: number;
  /** Of these, without an owner at all. */
  readonly newlyOwnerless: number;
  /** Condemned for as long as the retention. */
  readonly due: number;
  /** In the account's folder, but of no shape that is known: left alone. */
  readonly unknown: number;
  readonly deleted: number;
  readonly deletedBytes: number;
  /** Reached again, pardoned, or needed by a backup since they were condemned. */
  readonly spared: number;
  /** Could not be deleted; tried again by the next pass. */
  readonly failed: number;
}

export const NO_COUNTS: CasCounts = {
  owners: 0,
  versions: 0,
  bytes: 0,
  alive: 0,
  young: 0,
  condemned: 0,
  condemnedBytes: 0,
  newlyCondemned: 0,
  newlyOwnerless: 0,
  due: 0,
  unknown: 0,
  deleted: 0,
  deletedBytes: 0,
  spared: 0,
  failed: 0,
};

/** A mark that is under way. */
export interface MarkState {
  readonly pass: string;
  /** Epoch ms by the blob store's clock: when the pass began. */
  readonly startedAt: number;
  /** Of the next page of blob versions; absent for the first. */
  readonly pageToken?: string;
  /** The last owner that is done with. */
  readonly after?: { readonly collection: Collection; readonly key: string };
  /** The URI whose versions were looked at last, and whether its newest one was among them: a page may part them. */
  readonly uri?: { readonly text: string; readonly hasLatest: boolean };
  /** Segment of the list before that is needed next. */
  readonly previousSegment: number;
  readonly segments: readonly SegmentRef[];
  readonly counts: CasCounts;
  /** Some of what has no known shape. */
  readonly unknownExamples: readonly string[];
  /** Pardons that this mark takes into account, and that end with it. */
  readonly pardons: readonly string[];
}

/** A list that took effect. */
export interface PublishedList {
  readonly pass: string;
  /** When its mark began; what a sweep takes for now. */
  readonly startedAt: number;
  /** Epoch ms, by the store's clock: from when on what it newly condemns counts as condemned. */
  readonly publishedAt: number;
  readonly segments: readonly SegmentRef[];
  readonly counts: CasCounts;
  /** The run that published it. */
  readonly publishedBy: string;
}

/** How far a list was swept. */
export interface SweepPosition {
  readonly segment: number;
  readonly entry: number;
  /** Why nothing may be deleted; roots are marked all the same. */
  readonly refusal?: Problem;
}

/** What the blob collector remembers of one account. */
export interface CasState {
  readonly list?: PublishedList;
  /** How far the list was swept; absent once all of it was. */
  readonly sweep?: SweepPosition;
  readonly mark?: MarkState;
  /** Why the last pass did not end as it should. */
  readonly trouble?: Problem & { readonly at: number };
}

export function addCounts(a: CasCounts, b: Partial<CasCounts>): CasCounts {
  const sum: Record<string, number> = { ...a };
  for (const [name, value] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + value;
  return sum as unknown as CasCounts;
}
