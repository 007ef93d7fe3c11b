import type { OwnerRef } from '@floecat/repository';
import type { Blob, Pointer } from '@floecat/storage-spi';
import { mapBounded, StorageCorruptionError, StorageNotFoundError } from '@floecat/storage-spi';

import { hasItsDigest, wholeVersion } from '../blobs/rescue-blob.ts';
import { callOf } from '../recovery-context.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import type { Suspicion } from './finding.ts';
import { judgeOwner } from './judge-owner.ts';
import type { BlobTrouble, Root } from './owner-facts.ts';
import {
  countedPrefix,
  isRoot,
  keysBeside,
  referencesOf,
  rootIn,
  rootUriOf,
  troubleOfRow,
  unreadableAs,
} from './owner-facts.ts';

/** Blobs of one owner that are read at a time; each is at most 64 MiB. */
export const BLOBS_AT_A_TIME = 4;
/** Looks at an owner that somebody writes to all the time. */
const MAX_LOOKS = 16;

export interface OwnerExam {
  /** Where it could be read, from whichever version. */
  readonly root?: Root;
  /** What is certain. */
  readonly found: readonly Suspicion[];
}

/**
 * Looks at one owner with strong reads until it stands still: its row is the same after everything else was read, so all
 * of it was so at one moment, whatever writers and collectors do. Of an owner that never stands still, that is certain
 * which every look has found.
 */
export async function examineOwner(
  context: RecoveryContext,
  owner: OwnerRef,
  deep: boolean,
): Promise<OwnerExam> {
  const everyTime = new Map<string, Suspicion>();
  let exam: OwnerExam = { found: [] };
  for (let look = 1; look <= MAX_LOOKS; look++) {
    const row = await readRow(context, owner.key);
    if (row === undefined) return { found: [] };
    if (!isRow(row)) return { found: [row] };
    exam = await lookAt(context, owner, row, deep);
    if (exam.found.length === 0) return exam;
    const again = await readRow(context, owner.key);
    if (again && isRow(again) && again.writeId === row.writeId) return exam;
    const now = new Map(exam.found.map((one) => [`${one.kind} ${one.uri ?? ''}`, one]));
    for (const id of everyTime.keys()) if (!now.has(id)) everyTime.delete(id);
    if (look === 1) for (const [id, one] of now) everyTime.set(id, one);
  }
  return { ...exam, found: [...everyTime.values()] };
}

export function isRow(read: Pointer | Suspicion): read is Pointer {
  return 'writeId' in read;
}

/** A strong read of a row. */
export async function readRow(
  context: RecoveryContext,
  key: string,
): Promise<Pointer | Suspicion | undefined> {
  try {
    return await context.storage.pointers.get(key, callOf(context));
  } catch (error) {
    if (!(error instanceof StorageCorruptionError)) throw error;
    return { kind: 'row-damaged', key, detail: error.message };
  }
}

async function lookAt(
  context: RecoveryContext,
  owner: OwnerRef,
  pointer: Pointer,
  deep: boolean,
): Promise<OwnerExam> {
  const { storage, clock } = context;
  const wrong = troubleOfRow(pointer);
  if (wrong) return { found: [wrong] };
  const uri = rootUriOf(pointer);
  const current = await readBlob(context, uri);
  const found: Suspicion[] = [];
  if (current === 'missing' || current === 'damaged')
    found.push({ kind: `root-${current}`, key: owner.key, uri, row: pointer });
  // What it names is told from another version, so that one repair brings back all of it.
  const blob = current === 'missing' || current === 'damaged' ? await wholeVersion(context, uri) : current;
  if (!blob) return { found };
  const root = rootIn(owner, pointer, blob);
  if (!isRoot(root)) return { found: [...found, root] };

  const rows = new Map<string, Pointer | undefined>();
  // One after the other, the parent last: what hangs on it goes only once it is closed.
  for (const key of keysBeside(root)) {
    const row = await readRow(context, key);
    // One that is damaged has a finding of its own.
    if (row && !isRow(row)) return { root, found };
    rows.set(key, row);
  }
  const troubles = await troublesOf(context, root, referencesOf({ owner }, root), deep);
  const counted = countedPrefix(root);
  const facts = {
    owner,
    pointer,
    root,
    rows,
    troubles,
    stored:
      counted === undefined ? undefined : await storage.pointers.countByPrefix(counted, callOf(context)),
  };
  const limits = { now: clock.now(), graceMs: storage.layout.pointerGraceMs };
  return { root, found: [...found, ...judgeOwner(facts, limits)] };
}

/** Which of these blobs are not as `root` needs them. Without `deep`, only whether they are there. */
export async function troublesOf(
  context: RecoveryContext,
  root: Root,
  uris: readonly string[],
  deep: boolean,
  onRead?: (bytes: number) => void,
): Promise<Map<string, BlobTrouble>> {
  const troubles = new Map<string, BlobTrouble>();
  await mapBounded([...new Set(uris)], BLOBS_AT_A_TIME, async (uri) => {
    const blob = await readBlob(context, uri, deep);
    if (blob === 'missing' || blob === 'damaged') troubles.set(uri, blob);
    else if (deep) {
      onRead?.(blob.bytes.length);
      const unreadable = unreadableAs(root, blob);
      if (unreadable !== undefined) troubles.set(uri, { unreadable });
    }
  });
  return troubles;
}

/** The blob, whole; without `deep`, its header with no bytes. */
export async function readBlob(
  context: RecoveryContext,
  uri: string,
  deep = true,
): Promise<Blob | 'missing' | 'damaged'> {
  const { blobs } = context.storage;
  try {
    if (!deep) return { header: await blobs.head(uri, callOf(context)), bytes: new Uint8Array() };
    const blob = await blobs.get(uri, callOf(context));
    return hasItsDigest(uri, blob) ? blob : 'damaged';
  } catch (error) {
    if (error instanceof StorageNotFoundError) return 'missing';
    if (error instanceof StorageCorruptionError) return 'damaged';
    throw error;
  }
}
