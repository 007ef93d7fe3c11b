import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { BatchOperation, CallOptions, Pointer } from '@floecat/storage-spi';

import { ResourceConflictError, ResourceNotFoundError } from './errors.ts';
import { idIn } from './name-path.ts';
import type { OwnerRef } from './pointer-keys.ts';
import { typeOfCollection } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { ResourceKind } from './resource-kind.ts';

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
 * The conditions that a parent is there, live and so takes children, and still has the name that theirs lie below: one
 * that was renamed is as live as before. Throws where they do not hold now.
 */
export async function parentChecks(
  { storage }: RepositoryContext,
  { owner, name }: Parent,
  options: CallOptions,
): Promise<BatchOperation[]> {
  const type = typeOfCollection(owner.collection);
  const keys = name === undefined ? [owner.key] : [owner.key, name];
  const [row, nameRow] = await storage.pointers.getBatch(keys, options);
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

/** The condition that a parent is still the same and takes children. */
export function isAlive({ pointer }: { readonly pointer: Pointer }): BatchOperation {
  const { key, incarnation } = pointer;
  return { op: 'check-owner', key, incarnation, states: ['LIVE'] };
}
