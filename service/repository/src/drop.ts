import type { DescMessage } from '@bufbuild/protobuf';
import type { CallOptions, Pointer } from '@floecat/storage-spi';
import { mapBounded } from '@floecat/storage-spi';

import { changeOf, dropOf, namesOf } from './change.ts';
import type { ChangeOptions } from './commit.ts';
import { alsoOf } from './commit.ts';
import { commitOne } from './commit-one.ts';
import { ResourceConflictError, ResourceNotEmptyError } from './errors.ts';
import { loadRoot } from './load.ts';
import { bears, idIn } from './name-path.ts';
import type { OwnerRef } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { ChildNames, ResourceKind } from './resource-kind.ts';
import { deletePrefix, deleteRow } from './retry/delete-rows.ts';
import { withRetriedReads } from './retry/retried-reads.ts';
import type { Dropped, Loaded } from './root-blob.ts';
import { isDropped } from './root-blob.ts';

/** Children of one parent that are dropped at a time. */
const CHILD_CONCURRENCY = 4;
/** How often a drop is tried anew because somebody wrote to the same owner. */
const DROP_ATTEMPTS = 32;

export interface DropOptions extends ChangeOptions {
  /** Drop its children too, before it. Default false: one that has children is refused. */
  readonly recursive?: boolean;
}

/** What a drop did. */
export interface DropReport {
  /** What is left of the owner; `undefined` for one that never had a name, of which nothing is left. */
  readonly tombstone: Dropped | undefined;
  /** Rows of its dependents that were deleted. */
  readonly dependents: number;
}

/**
 * Drops an owner as it was seen, or goes on with a drop that was begun. What has neither children nor dependents becomes
 * a tombstone in one transaction. What is dropped with its children or dependents is first decided upon: in state
 * DELETING under a tombstone, no reader sees it, nothing can be created in it, and whoever meets it can finish.
 * Throws {@link ResourceNotEmptyError}, or `ResourceConflictError` where somebody wrote to it since it was seen.
 */
export async function dropOwner<D extends DescMessage>(
  given: RepositoryContext,
  kind: ResourceKind<D>,
  seen: Loaded<D> | Dropped,
  options: DropOptions = {},
): Promise<DropReport> {
  const context = withRetriedReads(given);
  const { recursive = false, also, signal } = options;
  const call = signal ? { signal } : {};
  // What rides along does so in the commit from which on no reader sees the owner.
  const deciding = { ...call, also };
  if (isDropped(seen)) return finishDrop(context, kind, seen, deciding);
  const { owner } = seen;
  const hasChildren = kind.children(owner, namesOf(seen)).length > 0;
  if (hasChildren && !recursive && seen.pointer.state !== 'STAGED')
    return { tombstone: await dropEmpty(context, kind, seen, deciding), dependents: 0 };
  if (!hasChildren && kind.dependents(owner) === undefined)
    return { tombstone: await bury(context, kind, seen, deciding), dependents: 0 };
  const change = dropOf(seen, {
    state: 'DELETING',
    label: kind.label(seen.resource),
    now: context.clock.now(),
    keepNames: kind.namesLieBelow,
  });
  const decided = await commitOne<Dropped>(context, change, { ...call, also: await alsoOf(also) });
  return finishDrop(context, kind, decided, call);
}

/**
 * Drops what has no children. It is closed first, so that none is created while they are looked for; a drop that is
 * interrupted there leaves it as it was, but closed, until {@link reopen}.
 */
async function dropEmpty<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  seen: Loaded<D>,
  { also, ...options }: ChangeOptions,
): Promise<Dropped> {
  const children = kind.children(seen.owner, namesOf(seen));
  await refuseChildren(context, kind, seen, children, options);
  const closed = await close(context, kind, seen, options);
  await ifEmpty(context, kind, closed, children, options);
  return bury(context, kind, closed, { ...options, also });
}

/** Closes an owner to new children; readers still see it. */
export async function close<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  seen: Loaded<D>,
  options: CallOptions,
): Promise<Loaded<D>> {
  const { owner, resource } = seen;
  const change = changeOf(kind, { owner, previous: seen, resource, state: 'DELETING' });
  return commitOne<Loaded<D>>(context, change, options);
}

/** Makes a closed owner take children again. */
export async function reopen<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  closed: Loaded<D>,
  options: CallOptions,
): Promise<Loaded<D>> {
  const { owner, resource } = closed;
  const change = changeOf(kind, { owner, previous: closed, resource, state: 'LIVE' });
  return commitOne<Loaded<D>>(context, change, options);
}

/** Throws unless a closed owner has none of these children, and opens it again before. */
export async function ifEmpty<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  closed: Loaded<D>,
  children: readonly ChildNames[],
  options: CallOptions,
): Promise<void> {
  try {
    await refuseChildren(context, kind, closed, children, options);
  } catch (error) {
    // Whoever moved it meanwhile has settled it; what failed here is what the caller has to know. It is done for a caller
    // too who has given up.
    await reopen(context, kind, closed, {}).catch(() => undefined);
    throw error;
  }
}

async function refuseChildren<D extends DescMessage>(
  { storage }: RepositoryContext,
  kind: ResourceKind<D>,
  parent: Loaded<D>,
  children: readonly ChildNames[],
  options: CallOptions,
): Promise<void> {
  for (const { kind: child, prefix } of children) {
    const { pointers } = await storage.pointers.listPointersByPrefix(prefix, { limit: 1, ...options });
    if (pointers.length === 0) continue;
    const label = kind.label(parent.resource);
    throw new ResourceNotEmptyError(
      kind.type,
      `${kind.type} ${label} is not empty: it has at least one ${child.type}; drop what is in it first, or drop it recursively`,
    );
  }
}

/** LIVE or closed to TOMBSTONE, its names with it. */
async function bury<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  seen: Loaded<D> | Dropped,
  { also, ...options }: ChangeOptions,
): Promise<Dropped> {
  const label = isDropped(seen) ? labelOf(seen) : kind.label(seen.resource);
  const now = context.clock.now();
  const change = dropOf(seen, { state: 'TOMBSTONE', label, now, keepNames: false });
  return commitOne<Dropped>(context, change, { ...options, also: await alsoOf(also) });
}

/** Goes on with a drop that was decided, from wherever it stopped. */
async function finishDrop<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  dropped: Dropped,
  { also, ...options }: ChangeOptions,
): Promise<DropReport> {
  const { owner, pointer, tombstone } = dropped;
  if (pointer.state === 'TOMBSTONE') return { tombstone: dropped, dependents: 0 };
  for (const child of kind.children(owner, tombstone.names))
    await dropChildren(context, owner.account, child, options);
  const dependents = await deleteDependents(context, kind.dependents(owner), options);
  if (kind.isNamed && tombstone.names.length === 0) {
    // Staged and never published: nobody saw it, and no name needs to be kept from coming back.
    await deleteRow(context, pointer, options);
    return { tombstone: undefined, dependents };
  }
  try {
    return { tombstone: await bury(context, kind, dropped, { ...options, also }), dependents };
  } catch (error) {
    const isMoved =
      error instanceof ResourceConflictError && error.conflicts.some(({ key }) => key === owner.key);
    if (!isMoved) throw error;
    // Nothing but another one that finishes it moves an owner from here.
    const now = await loadRoot(context, kind, owner, options);
    return { tombstone: now && isDropped(now) ? now : dropped, dependents };
  }
}

async function dropChildren(
  context: RepositoryContext,
  account: string,
  { kind, prefix }: ChildNames,
  options: CallOptions,
): Promise<void> {
  const { pointers } = context.storage;
  const drop = (row: Pointer): Promise<void> =>
    dropNamed(context, kind, kind.owner(account, idIn(row) ?? ''), row, options);
  let found: number;
  do {
    found = 0;
    let pageToken: string | undefined;
    do {
      const page = await pointers.listPointersByPrefix(prefix, {
        ...options,
        ...(pageToken && { pageToken }),
      });
      found += page.pointers.length;
      await mapBounded(page.pointers, CHILD_CONCURRENCY, drop);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    // Nothing is created in here any more; what came in while the drop was decided is found by another look.
  } while (found > 0);
}

/** Drops what a child's name leads to; a name that leads to nothing goes alone. */
async function dropNamed(
  context: RepositoryContext,
  kind: ResourceKind,
  owner: OwnerRef,
  row: Pointer,
  options: CallOptions,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted();
    const root = await loadRoot(context, kind, owner, options);
    const goesOn = root && isDropped(root) && root.pointer.state === 'DELETING';
    if (!root || !(goesOn || bears(root, row.key))) {
      // The owner was read after the name, and both change in one transaction: the row is gone, or was left behind.
      await deleteRow(context, row, options);
      return;
    }
    try {
      await dropOwner(context, kind, root, { recursive: true, ...options });
      return;
    } catch (error) {
      if (!(error instanceof ResourceConflictError) || attempt === DROP_ATTEMPTS) throw error;
    }
  }
}

async function deleteDependents(
  context: RepositoryContext,
  prefix: string | undefined,
  options: CallOptions,
): Promise<number> {
  if (prefix === undefined) return 0;
  let count = 0;
  for (;;) {
    const { deleted, skipped } = await deletePrefix(context, prefix, options);
    count += deleted;
    if (skipped === 0) return count;
  }
}

function labelOf({ owner }: Dropped): string {
  return `${owner.collection} ${owner.id}`;
}
