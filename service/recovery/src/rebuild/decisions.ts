import type { Root } from '../history/root.ts';
import type { Verdict } from '../history/verdict.ts';
import { RecoveryRefusedError } from '../errors.ts';

const FORMAT = 1;

/** What of an owner's rivals a person chose. */
export const NONE = 'none';

/** A state that may be an owner's newest. */
export interface CandidateState {
  /** What to write into `choose`. */
  readonly writeId: string;
  readonly version: number;
  /** ISO 8601, by the writer's clock. */
  readonly time: string;
  readonly state: string;
  readonly label: string;
  readonly names: readonly string[];
  /** Canonical keys of the owners that the same write changes: it is chosen for all of them, or for none. */
  readonly with: readonly string[];
  /** Its root blob, to look at with `floecat blobs`. */
  readonly blob: string;
}

/** An owner whose newest state nothing tells. */
export interface UndecidedOwner {
  readonly owner: string;
  readonly label: string;
  /** The newest state that is certain; it is what remains if none is chosen. */
  readonly certain?: { readonly version: number; readonly writeId: string; readonly time: string };
  readonly candidates: readonly CandidateState[];
  /** Write id of a candidate, `none`, or null as long as nobody has decided. */
  choose: string | null;
}

/** The file in which a person decides. */
export interface DecisionsFile {
  readonly format: number;
  readonly what: string;
  readonly storeId: string;
  readonly owners: readonly UndecidedOwner[];
}

const WHAT =
  'Owners of which two writes or more may be the newest, and nothing tells which was acknowledged. Set "choose" of each to the writeId of one of its candidates, or to "none", and run: floecat rebuild --decisions <this file>';

export function undecidedOwner(verdict: Verdict & { readonly is: 'ambiguous' }): UndecidedOwner {
  const { candidates, base, known } = verdict;
  const { owner } = known.facts;
  return {
    owner: owner.key,
    label: (base ?? candidates[0])?.label ?? owner.id,
    ...(base && { certain: { version: base.version, writeId: base.writeId, time: isoTime(base) } }),
    candidates: candidates.map((root) => ({
      writeId: root.writeId,
      version: root.version,
      time: isoTime(root),
      state: root.state,
      label: root.label,
      names: root.names.map(({ key }) => key),
      with: root.transaction.owners.map((each) => each.owner.key).filter((key) => key !== owner.key),
      blob: root.uri,
    })),
    choose: null,
  };
}

export function decisionsFile(storeId: string, owners: readonly UndecidedOwner[]): DecisionsFile {
  return { format: FORMAT, what: WHAT, storeId, owners };
}

/** Parses what a person gave back. Throws {@link RecoveryRefusedError} where it is no such file, or of another store. */
export function parseDecisions(text: string, storeId: string): DecisionsFile {
  let file: Partial<DecisionsFile>;
  try {
    file = JSON.parse(text) as Partial<DecisionsFile>;
  } catch (cause) {
    throw new RecoveryRefusedError('the file of decisions is no JSON: correct it', { cause });
  }
  if (file.format !== FORMAT || !Array.isArray(file.owners) || !file.owners.every(isUndecidedOwner))
    throw new RecoveryRefusedError(
      `the file of decisions is not one that this version writes (format ${FORMAT}): write it anew with floecat rebuild --ambiguous-to`,
    );
  if (file.storeId !== storeId)
    throw new RecoveryRefusedError(
      `the decisions are for store ${file.storeId}, and this is store ${storeId}: they do not belong together`,
    );
  return file as DecisionsFile;
}

/**
 * What each write id became by the decisions. Throws {@link RecoveryRefusedError} where a choice is no candidate, or a write
 * that changes several owners is chosen for one of them and not for another.
 */
export function fatesOf({ owners }: DecisionsFile): Map<string, 'applied' | 'rejected'> {
  const chosenFor = new Map<string, string>();
  const rejectedFor = new Map<string, string>();
  for (const { owner, candidates, choose } of owners) {
    if (choose === null) continue;
    if (choose !== NONE && !candidates.some(({ writeId }) => writeId === choose))
      throw new RecoveryRefusedError(
        `the decisions choose ${choose} for ${owner}, which is none of its candidates: choose one of their writeIds, or "${NONE}"`,
      );
    for (const { writeId } of candidates) (writeId === choose ? chosenFor : rejectedFor).set(writeId, owner);
  }
  for (const [writeId, owner] of chosenFor) {
    const other = rejectedFor.get(writeId);
    if (other !== undefined)
      throw new RecoveryRefusedError(
        `the decisions choose ${writeId} for ${owner} and not for ${other}, which the same write changes: choose it for both, or for neither`,
      );
  }
  return new Map([
    ...[...chosenFor.keys()].map((writeId) => [writeId, 'applied'] as const),
    ...[...rejectedFor.keys()].map((writeId) => [writeId, 'rejected'] as const),
  ]);
}

/** Whether the candidates are those of the file. */
export function hasSameCandidates(entry: UndecidedOwner, candidates: readonly Root[]): boolean {
  const listed = new Set(entry.candidates.map(({ writeId }) => writeId));
  return listed.size === candidates.length && candidates.every(({ writeId }) => listed.has(writeId));
}

function isUndecidedOwner(value: unknown): value is UndecidedOwner {
  const { owner, candidates, choose } = (value ?? {}) as Partial<UndecidedOwner>;
  return (
    typeof owner === 'string' &&
    (choose === null || typeof choose === 'string') &&
    Array.isArray(candidates) &&
    candidates.every((each) => typeof (each as Partial<CandidateState> | null)?.writeId === 'string')
  );
}

function isoTime({ timeMs }: Root): string {
  return new Date(timeMs).toISOString();
}
