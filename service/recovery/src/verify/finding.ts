import type { Pointer } from '@floecat/storage-spi';

import type { Repair } from './repair.ts';

/**
 * `error`: something acknowledged cannot be read or found. `warning`: what is stored contradicts itself, and everything
 * can still be read. `note`: work that a collector has not done yet; no fault of the store.
 */
export type Severity = 'error' | 'warning' | 'note';

/** Every kind of finding, with what it means and what to do where no repair can be planned. */
export const FINDINGS = {
  'root-missing': ['error', 'The pointer leads to a blob that is gone.'],
  'root-damaged': ['error', 'The pointer leads to a blob whose bytes are damaged.'],
  'root-mismatch': ['error', 'The pointer leads to a blob that is not the one it was written with.'],
  'blob-missing': ['error', 'The root names a blob that is gone.'],
  'blob-damaged': ['error', 'The root names a blob whose bytes are damaged.'],
  'blob-foreign': ['error', 'The root names a blob of another owner, which may be collected with that one.'],
  'row-damaged': ['error', 'The row cannot be read.'],
  'row-mistaken': ['error', 'The row holds a value where it should lead to a blob, or the reverse.'],
  'newer-format': ['error', 'A newer version of this software wrote it, and this one cannot judge it.'],
  'name-missing': ['error', 'A resource has a name by which nobody finds it: the row of the name is gone.'],
  'name-taken': ['error', 'A resource has a name whose row leads to another one.'],
  'name-dangling': ['warning', 'A name leads to a resource that does not exist or was dropped.'],
  'name-stale': ['warning', 'A name leads to a resource that does not have it.'],
  'parent-missing': ['warning', 'What it lies in does not exist or was dropped.'],
  'snapshot-half': ['warning', "A snapshot's statistics are there without its scan bundle, or the reverse."],
  'snapshot-missing': ['warning', 'The table has more snapshots than are stored beside it.'],
  'state-wrong': ['error', 'The state, or the expiry, of the row is not one that it can have.'],
  'unknown-key': [
    'warning',
    'A row whose key this version does not know; collectors delete nothing beside it.',
  ],
  'unknown-uri': ['warning', 'A blob whose name this version does not know; collectors leave it alone.'],
  'record-endless': ['warning', 'The record of an idempotent run that never expires.'],
  'record-expired': ['note', 'A record that expired more than a day ago and was not reaped.'],
  'left-behind': ['note', 'Begun and not finished for longer than the grace.'],
} as const satisfies Readonly<Record<string, readonly [Severity, string]>>;

export type FindingKind = keyof typeof FINDINGS;

/** Something that does not hold together, seen twice. */
export interface Finding {
  readonly kind: FindingKind;
  readonly severity: Severity;
  /** Key of the row that it is about; empty for a blob of no known owner. */
  readonly key: string;
  /** The blob that it is about, if it is about one. */
  readonly uri?: string;
  /** The row as it was seen, where it could be read. */
  readonly row?: Pointer;
  /** What it means, for people. */
  readonly means: string;
  /** What would repair it, for people. */
  readonly advice: string;
  /** The repair that a plan proposes; absent where there is none. */
  readonly repair?: Repair;
}

/** A finding before anybody looked for a repair. */
export interface Suspicion {
  readonly kind: FindingKind;
  readonly key: string;
  readonly uri?: string;
  readonly row?: Pointer;
  /** Key of the name that is missing. */
  readonly name?: string;
  /** What it is in this case, after the sentence that all of its kind have. */
  readonly detail?: string;
}

export function findingOf(
  { kind, detail, name: _name, ...what }: Suspicion,
  advice: string,
  repair?: Repair,
): Finding {
  const [severity, meaning] = FINDINGS[kind];
  const means = detail === undefined ? meaning : `${meaning} ${detail}`;
  return { kind, severity, ...what, means, advice, ...(repair && { repair }) };
}
