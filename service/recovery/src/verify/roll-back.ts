import { create, equals } from '@bufbuild/protobuf';
import { EnvelopeSchema, TombstoneSchema } from '@floecat/proto/envelope';
import type { Dropped, Loaded, OwnerRef, RepositoryContext } from '@floecat/repository';
import {
  BlobWriter,
  changeOf,
  commitOne,
  dropOf,
  isDropped,
  KINDS,
  repositoryContext,
  ResourceConflictError,
} from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import { wholeVersion } from '../blobs/rescue-blob.ts';
import { callOf } from '../recovery-context.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { examineOwner, isRow, readRow } from './examine-owner.ts';
import type { Root } from './owner-facts.ts';
import type { FindingKind } from './finding.ts';
import { referencesOf, rootUriOf } from './owner-facts.ts';
import type { Repair } from './repair.ts';
import type { Applied } from './repair-plan.ts';
import { asBefore } from './root-before.ts';

/**
 * Gives an owner the content of its version before, by an ordinary commit over the row as it was seen: a new version with
 * a root of its own, which names the lost one as the one before it. So its history stays one chain, and whoever rebuilds
 * pointers from blobs comes to the same state. All that the old content names is put in the change, as in any commit:
 * nothing reached it any more.
 */
export async function rollBack(
  context: RecoveryContext,
  owner: OwnerRef,
  { owner: seen, to }: Extract<Repair, { readonly do: 'roll-back' }>,
): Promise<Applied> {
  const what = owner.key;
  const { state } = seen;
  if (state === undefined || state === 'TOMBSTONE')
    return { outcome: 'failed', what, because: 'what was dropped is not rolled back' };
  const blob = await wholeVersion(context, to.uri);
  const old = blob && asBefore(owner, seen, blob);
  const { schema } = KINDS[owner.collection];
  const isDone = (root: Root): boolean =>
    old !== undefined && !isDropped(root) && equals(schema, root.resource, old.resource);
  const stands = await standsAs(context, owner, seen, isDone);
  if (stands) return { what, ...stands };
  if (!old) return { outcome: 'failed', what, because: `${to.uri} is not there any more` };
  const repository = repositoryOf(context, owner);
  const writer = new BlobWriter(repository);
  for (const uri of new Set(referencesOf({ owner }, old))) {
    const part = await wholeVersion(context, uri);
    if (!part) return { outcome: 'failed', what, because: `${uri}, which it names, is not there any more` };
    await writer.put({ uri, bytes: part.bytes, message: part.header.message ?? '' }, callOf(context));
  }
  // As if the lost root had held what the one before it holds.
  const previous: Loaded = { ...old, pointer: seen, meta: { ...old.meta, blobUri: rootUriOf(seen) } };
  const change = changeOf(KINDS[owner.collection], {
    owner,
    resource: old.resource,
    state,
    previous,
    writer,
  });
  return committed(seen, () => commitOne<Loaded>(repository, change, callOf(context)));
}

/** Writes the root of a tombstone anew: all that it has to say is that, and when, its owner was dropped. */
export async function buryAgain(
  context: RecoveryContext,
  owner: OwnerRef,
  { owner: seen }: Extract<Repair, { readonly do: 'bury-again' }>,
): Promise<Applied> {
  const stands = await standsAs(context, owner, seen, isDropped);
  if (stands) return { what: owner.key, ...stands };
  const tombstone = create(TombstoneSchema, {
    kind: owner.collection,
    id: owner.id,
    droppedAtMs: BigInt(seen.updatedAt),
  });
  const previous: Dropped = {
    owner,
    pointer: seen,
    envelope: create(EnvelopeSchema),
    meta: {
      pointerKey: seen.key,
      blobUri: rootUriOf(seen),
      version: seen.version,
      etag: '',
      time: seen.updatedAt,
    },
    tombstone,
  };
  const now = context.clock.now();
  const change = dropOf(previous, { state: 'TOMBSTONE', label: owner.id, now, keepNames: false });
  return committed(seen, () => commitOne<Dropped>(repositoryOf(context, owner), change, callOf(context)));
}

const BROKEN: ReadonlySet<string> = new Set<FindingKind>([
  'root-missing',
  'root-damaged',
  'root-mismatch',
  'blob-missing',
  'blob-damaged',
]);

/** Why there is nothing to do: it is whole, or not as it was seen. */
async function standsAs(
  context: RecoveryContext,
  owner: OwnerRef,
  seen: Pointer,
  isDone: (root: Root) => boolean,
): Promise<Pick<Applied, 'outcome' | 'because'> | undefined> {
  const row = await readRow(context, owner.key);
  if (!row || !isRow(row)) return { outcome: 'changed', because: 'its row is gone' };
  const { found, root } = await examineOwner(context, owner, true);
  const isBroken = !root || found.some(({ kind }) => BROKEN.has(kind));
  if (row.writeId === seen.writeId) return isBroken ? undefined : { outcome: 'already' };
  if (!isBroken && row.prevWriteId === seen.writeId && isDone(root)) return { outcome: 'already' };
  return { outcome: 'changed', because: 'it was written since' };
}

async function committed(was: Pointer, commit: () => Promise<Loaded | Dropped>): Promise<Applied> {
  try {
    const { pointer } = await commit();
    return { outcome: 'repaired', what: was.key, was, now: pointer };
  } catch (error) {
    if (!(error instanceof ResourceConflictError)) throw error;
    return { outcome: 'changed', what: was.key, because: error.message };
  }
}

function repositoryOf({ storage, clock, random }: RecoveryContext, owner: OwnerRef): RepositoryContext {
  return repositoryContext(storage, owner.account, { clock, random, cache: { blobBytes: 0 } });
}
