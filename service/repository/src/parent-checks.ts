import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { BatchOperation, CallOptions, Pointer } from '@floecat/storage-spi';

import { reopen } from './drop.ts';
import { ResourceConflictError, ResourceNotFoundError } from './errors.ts';
import { KINDS } from './kinds.ts';
import { follow } from './load.ts';
import { idIn } from './name-path.ts';
import type { OwnerRef } from './pointer-keys.ts';
import { typeOfCollection } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { ResourceKind } from './resource-kind.ts';
import { isDropped } from './root-blob.ts';

/** What a new name of a resource rests on. */
export interface Parent {
  readonly owner: OwnerRef;
  /** Name pointer of the parent that the new name lies below. */
  readonly name: string | undefined;
}

export function parentOf<D extends DescMessage>(
  kind: ResourceKind<D>,
  account: string,
  resource: MessageShape<D>,
): Parent | undefined {
  const owner = kind.parent(account, resource);
  return owner && { owner, name: kind.nameAbove(account, resource) };
}

/**
 * How long a parent stays closed for a drop or a rename that was interrupted, once somebody wants to create something in
 * it. Both take much less; one that is still under way then is refused, and starts over.
 */
const CLOSED_AT_MOST_MS = 60_000;

/**
 * The conditions that a parent is there, live and so takes children, and still has the name that theirs lie below: one
 * that was renamed is as live as before. Throws where they do not hold now.
 */
export async function parentChecks(
  context: RepositoryContext,
  { owner, name }: Parent,
  options: CallOptions,
): Promise<BatchOperation[]> {
  const type = typeOfCollection(owner.collection);
  const keys = name === undefined ? [owner.key] : [owner.key, name];
  const [found, nameRow] = await context.storage.pointers.getBatch(keys, options);
  const row = found?.state === 'DELETING' ? await reopened(context, owner, found, options) : found;
  if (row?.state === 'DELETING')
    throw new ResourceConflictError(
      `${type} ${owner.id} takes nothing new: it is being dropped or renamed, or that was interrupted; try again later`,
      { conflicts: [{ key: owner.key, current: row }] },
    );
  if (row?.state !== 'LIVE') throw new ResourceNotFoundError(type, owner.id);
  if (name === undefined) return [isAlive({ pointer: row })];
  if (nameRow === undefined || idIn(nameRow) !== owner.id)
    throw new ResourceConflictError(`${type} ${owner.id} was renamed meanwhile: read it again`, {
      conflicts: [{ key: name, current: nameRow }],
    });
  return [isAlive({ pointer: row }), { op: 'check', key: name, expected: nameRow }];
}

/** The row of a parent that was closed too long ago, opened again; else `row`. */
async function reopened(
  context: RepositoryContext,
  owner: OwnerRef,
  row: Pointer,
  options: CallOptions,
): Promise<Pointer> {
  if (context.clock.now() - row.updatedAt <= CLOSED_AT_MOST_MS) return row;
  const kind = KINDS[owner.collection];
  const root = await follow(context, kind, owner, row, options);
  if (!root || isDropped(root) || root.pointer.writeId !== row.writeId) return row;
  return (await reopen(context, kind, root, options)).pointer;
}

/** The condition that a parent is still the same and takes children. */
export function isAlive({ pointer }: { readonly pointer: Pointer }): BatchOperation {
  const { key, incarnation } = pointer;
  return { op: 'check-owner', key, incarnation, states: ['LIVE'] };
}
