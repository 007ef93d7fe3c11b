import { countedPrefix, referencesOf, rootUriOf } from './owner-facts.ts';
import type { BlobTrouble, Root } from './owner-facts.ts';
import { callOf } from '../recovery-context.ts';
import { troublesOf } from './examine-owner.ts';
import { judgeOwner } from './judge-owner.ts';
import type { OwnerRead } from './read-owners.ts';
import type { VerifyRun } from './verify-run.ts';
import { examineAndTell } from './verify-run.ts';

/**
 * Judges an owner by what listings and batches showed, which may be of different moments. One that is not spotless is
 * examined, and only what that finds is told.
 */
export async function screenOwner(
  run: VerifyRun,
  read: OwnerRead,
  current: ReadonlySet<string>,
): Promise<void> {
  const { context } = run;
  const { owner, pointer, root, reached, rows } = read;
  if (!root) return examineAndTell(run, owner);
  const missing = [...reached].filter((uri) => !current.has(uri) && uri !== rootUriOf(pointer));
  const troubles =
    missing.length > 0 ? new Map(missing.map((uri) => [uri, 'missing' as const])) : await readDeep(run, root);
  const counted = countedPrefix(root);
  const stored =
    counted === undefined
      ? undefined
      : await context.storage.pointers.countByPrefix(counted, callOf(context));
  const limits = { now: context.clock.now(), graceMs: context.storage.layout.pointerGraceMs };
  const found = judgeOwner({ owner, pointer, root, rows, troubles, stored }, limits);
  if (found.length > 0) await examineAndTell(run, owner);
}

async function readDeep(
  { context, scope, tally }: VerifyRun,
  root: Root,
): Promise<ReadonlyMap<string, BlobTrouble>> {
  if (!scope.deep) return new Map();
  return troublesOf(context, root, referencesOf(root, root), true, (bytes) =>
    tally.count({ blobsRead: 1, bytesRead: bytes }),
  );
}
