import type { DescMessage, MessageShape } from '@bufbuild/protobuf';

import type { StringPath } from './blob-references.ts';
import { stringsAt } from './blob-references.ts';
import type { Collection, OwnerRef, ResourceType } from './pointer-keys.ts';
import { typeOfCollection } from './pointer-keys.ts';

/** Where the names of an owner's children stand, and what they name. */
export interface ChildNames {
  readonly kind: ResourceKind;
  readonly prefix: string;
}

/** One kind of resource: all that creating, reading, listing, changing and dropping it has to know. */
export interface ResourceKind<D extends DescMessage = DescMessage> {
  readonly type: ResourceType;
  readonly collection: Collection;
  readonly schema: D;
  /** Grows when a stored message changes its meaning; a reader refuses a newer one. */
  readonly schemaVersion: number;
  /** Paths of the fields that name the owner's other blobs; {@link checkReferences} holds them against the message. */
  readonly blobs: readonly string[];
  /** Whether it is found by name. An account is found by its id alone, and what hangs on a table by the table. */
  readonly isNamed: boolean;
  /**
   * Whether the names of children lie below this one's own name. Then its name goes last when it is dropped, and
   * changes only while it is closed and has none.
   */
  readonly namesLieBelow: boolean;

  owner(account: string, id: string): OwnerRef;
  id(resource: MessageShape<D>): string;
  /** For people. */
  label(resource: MessageShape<D>): string;
  /** What it lies in, which has to be live to take it; `undefined` for an account. */
  parent(account: string, resource: MessageShape<D>): OwnerRef | undefined;
  /** Key of its parent's name pointer, where its own names lie below that name. */
  nameAbove(account: string, resource: MessageShape<D>): string | undefined;
  /** Keys of the name pointers that it has while it is live. */
  names(account: string, resource: MessageShape<D>): readonly string[];
  /** Keys that must be free for it to take a name: another kind shares its names. */
  rivals(account: string, resource: MessageShape<D>): readonly string[];
  /** Children with names of their own: it is dropped without them, or they are dropped first. */
  children(owner: OwnerRef, names: readonly string[]): readonly ChildNames[];
  /** What its rows without a name start with, such as a table's snapshots: they go with it. */
  dependents(owner: OwnerRef): string | undefined;
  /** URIs of the blobs, beside its root, that the resource names. */
  references(resource: MessageShape<D>): readonly string[];
}

type Optional<D extends DescMessage> = Pick<
  ResourceKind<D>,
  'names' | 'nameAbove' | 'rivals' | 'children' | 'dependents' | 'namesLieBelow'
>;

/** Declares a kind. What is left out is: no names, no children, no dependents. */
export function defineKind<D extends DescMessage>(
  declared: Pick<ResourceKind<D>, 'collection' | 'schema' | 'owner' | 'id' | 'label' | 'parent'> &
    Partial<Optional<D>> & { readonly blobs?: readonly StringPath<MessageShape<D>>[] },
): ResourceKind<D> {
  const blobs: readonly string[] = declared.blobs ?? [];
  const nothing: Optional<D> = {
    names: () => [],
    nameAbove: () => undefined,
    rivals: () => [],
    children: () => [],
    dependents: () => undefined,
    namesLieBelow: false,
  };
  return Object.freeze({
    ...nothing,
    ...declared,
    schemaVersion: 1,
    type: typeOfCollection(declared.collection),
    blobs,
    isNamed: declared.names !== undefined,
    references: (resource: MessageShape<D>) => blobs.flatMap((path) => stringsAt(resource, path)),
  });
}
