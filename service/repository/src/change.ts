import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import { TombstoneSchema } from '@floecat/proto/envelope';
import type { OwnerState } from '@floecat/storage-spi';
import { InvalidArgumentError } from '@floecat/storage-spi';

import type { BlobWriter, Payload } from './blob-writer.ts';
import type { OwnerRef } from './pointer-keys.ts';
import type { ResourceKind } from './resource-kind.ts';
import type { Dropped, Loaded } from './root-blob.ts';
import { isDropped } from './root-blob.ts';

/** The next state of one owner. Made by {@link changeOf} or {@link dropOf}. */
export interface Change {
  readonly owner: OwnerRef;
  /** For people. */
  readonly label: string;
  readonly previous: Loaded | Dropped | undefined;
  readonly state: OwnerState;
  /** Name pointers that it has afterwards, each with its version, and those that it loses. */
  readonly names: readonly { readonly key: string; readonly version: number; readonly isNew: boolean }[];
  readonly lostNames: readonly string[];
  /** Keys that must be absent. */
  readonly rivals: readonly string[];
  /** Blobs that the commit is to put. */
  readonly payloads: readonly Payload[];
  /** Put blobs that the resource names before the commit. */
  readonly writer: BlobWriter | undefined;
  readonly message: { readonly type: string; readonly schemaVersion: number; readonly bytes: Uint8Array };
  /** What is loaded once it is applied, beside pointer, envelope and meta. */
  readonly content: Pick<Loaded, 'resource'> | Pick<Dropped, 'tombstone'>;
}

/**
 * The change that gives `owner` this resource and state. Without `previous` it is a create. What the resource
 * names must be put in this change (`payloads`, or before through `writer`) or carried over from the previous root.
 * Its name pointers follow from the resource.
 */
export function changeOf<D extends DescMessage>(
  kind: ResourceKind<D>,
  change: {
    readonly owner: OwnerRef;
    readonly resource: MessageShape<D>;
    readonly state: Exclude<OwnerState, 'TOMBSTONE'>;
    readonly previous?: Loaded<D> | Dropped;
    readonly payloads?: readonly Payload[];
    readonly writer?: BlobWriter;
    /** For people; default: the resource's own name. */
    readonly label?: string;
  },
): Change {
  const { owner, previous, resource, state, payloads = [], writer, label = kind.label(resource) } = change;
  if (kind.owner(owner.account, kind.id(resource)).key !== owner.key)
    throw refused(owner, `the resource has the id ${kind.id(resource)}`);
  const known = new Set(payloads.map((payload) => payload.uri));
  if (previous && !isDropped(previous)) for (const uri of kind.references(previous.resource)) known.add(uri);
  for (const uri of kind.references(resource)) {
    if (!uri.startsWith(owner.blobPrefix)) throw refused(owner, `${uri} is a blob of another owner`);
    if (!known.has(uri) && writer?.has(uri) !== true)
      throw refused(owner, `${uri} is neither put in this change nor in the previous root`);
  }
  // Closed to new children, it keeps the names it has; staged, it has none yet.
  const names = state === 'LIVE' ? kind.names(owner.account, resource) : namesOf(previous);
  const told = nameChanges(previous, names);
  const renames = told.lostNames.length > 0;
  if (renames && kind.namesLieBelow && previous?.pointer.state !== 'DELETING')
    throw refused(owner, 'a name that others lie below changes only while it is closed');
  const takesName = told.names.some(({ isNew }) => isNew);
  return {
    owner,
    label,
    previous,
    state,
    ...told,
    rivals: takesName ? kind.rivals(owner.account, resource) : [],
    payloads,
    writer,
    message: {
      type: kind.schema.typeName,
      schemaVersion: kind.schemaVersion,
      bytes: toBinary(kind.schema, resource),
    },
    content: { resource },
  };
}

/**
 * The change that leaves of `previous` a tombstone: in state DELETING, while children and dependents are taken away, or
 * TOMBSTONE. What it still names stays so only with `keepNames`.
 */
export function dropOf(
  previous: Loaded | Dropped,
  drop: {
    readonly state: 'DELETING' | 'TOMBSTONE';
    readonly label: string;
    readonly now: number;
    readonly keepNames: boolean;
  },
): Change {
  const { owner } = previous;
  const tombstone = isDropped(previous)
    ? previous.tombstone
    : create(TombstoneSchema, {
        kind: owner.collection,
        id: owner.id,
        names: namesOf(previous),
        droppedAtMs: BigInt(drop.now),
      });
  return {
    owner,
    label: drop.label,
    previous,
    state: drop.state,
    ...nameChanges(previous, drop.keepNames ? namesOf(previous) : []),
    rivals: [],
    payloads: [],
    writer: undefined,
    message: {
      type: TombstoneSchema.typeName,
      schemaVersion: 1,
      bytes: toBinary(TombstoneSchema, tombstone),
    },
    content: { tombstone },
  };
}

/** Keys of the name pointers that an owner has. */
export function namesOf(root: Loaded | Dropped | undefined): string[] {
  return root?.envelope.names.map(({ key }) => key) ?? [];
}

function nameChanges(
  previous: Loaded | Dropped | undefined,
  next: readonly string[],
): Pick<Change, 'names' | 'lostNames'> {
  const before = new Map(previous?.envelope.names.map(({ key, version }) => [key, Number(version)]));
  return {
    names: next.map((key) => ({ key, version: before.get(key) ?? 1, isNew: !before.has(key) })),
    lostNames: [...before.keys()].filter((key) => !next.includes(key)),
  };
}

function refused(owner: OwnerRef, why: string): InvalidArgumentError {
  return new InvalidArgumentError(`commit of ${owner.key}: ${why}`, { operation: 'commit', key: owner.key });
}
