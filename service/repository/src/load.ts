import type { DescMessage } from '@bufbuild/protobuf';
import type { CallOptions, Pointer } from '@floecat/storage-spi';
import { StorageCorruptionError, StorageNotFoundError, mapBounded } from '@floecat/storage-spi';

import { ResourceConflictError } from './errors.ts';
import type { OwnerRef } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { ResourceKind } from './resource-kind.ts';
import type { Loaded } from './root-blob.ts';
import { decodeRoot } from './root-blob.ts';

/** Roots that a rival write replaced between the two round trips are loaded again, this many at a time. */
const RELOAD_CONCURRENCY = 16;

/** The owner's resource in whatever state, or `undefined`. */
export async function load<D extends DescMessage>(
  { storage }: RepositoryContext,
  kind: ResourceKind<D>,
  owner: OwnerRef,
  options?: CallOptions,
): Promise<Loaded<D> | undefined> {
  let pointer = await storage.pointers.get(owner.key, options);
  for (;;) {
    if (!pointer) return undefined;
    const uri = blobUriOf(pointer);
    try {
      return decodeRoot(kind, owner, pointer, await storage.blobs.get(uri, options));
    } catch (error) {
      if (!(error instanceof StorageNotFoundError)) throw error;
      // A root that a newer write replaced may be collected between the two reads.
      const again = await storage.pointers.get(owner.key, options);
      if (again?.writeId === pointer.writeId) throw danglingPointer(pointer, uri, error);
      pointer = again;
    }
  }
}

/** As {@link load}, for many, in order, with two round trips. */
export async function loadMany<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  owners: readonly OwnerRef[],
  options?: CallOptions,
): Promise<(Loaded<D> | undefined)[]> {
  const { pointers, blobs } = context.storage;
  const rows = await pointers.getBatch(
    owners.map((owner) => owner.key),
    options,
  );
  const present = rows.filter((row) => row !== undefined);
  const fetched = await blobs.getBatch(present.map(blobUriOf), options);
  const blobOf = new Map(present.map((row, i) => [row, fetched[i]]));
  return mapBounded(owners, RELOAD_CONCURRENCY, async (owner, i) => {
    const row = rows[i];
    if (!row) return undefined;
    const blob = blobOf.get(row);
    return blob ? decodeRoot(kind, owner, row, blob) : load(context, kind, owner, options);
  });
}

/**
 * The live resource that the name pointer at `nameKey` leads to. A name that its owner no longer bears, because a
 * rename or a drop came between the two reads, counts as absent.
 */
export async function loadByName<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  nameKey: string,
  ownerOf: (id: string) => OwnerRef,
  options?: CallOptions,
): Promise<Loaded<D> | undefined> {
  const id = await resolveName(context, nameKey, options);
  if (id === undefined) return undefined;
  const loaded = await load(context, kind, ownerOf(id), options);
  const borne =
    loaded?.pointer.state === 'LIVE' && loaded.envelope.names.some((name) => name.key === nameKey);
  return borne ? loaded : undefined;
}

/** The id that a name pointer holds. */
export async function resolveName(
  { storage }: RepositoryContext,
  nameKey: string,
  options?: CallOptions,
): Promise<string | undefined> {
  const pointer = await storage.pointers.get(nameKey, options);
  return pointer?.kind === 'value' ? pointer.value : undefined;
}

/**
 * Reads blobs that a loaded root names. One that is missing is corruption, unless the owner has moved on meanwhile and a
 * collector took what the old root named: then `ResourceConflictError` asks to load it again.
 */
export async function readNamed<T>(
  { storage }: RepositoryContext,
  { pointer }: Loaded,
  read: () => Promise<T>,
  options?: CallOptions,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof StorageNotFoundError)) throw error;
    const again = await storage.pointers.get(pointer.key, options);
    if (again?.writeId === pointer.writeId) throw danglingPointer(pointer, error.key ?? 'a blob', error);
    throw new ResourceConflictError(`${pointer.key} was changed while it was read: read it again`, {
      cause: error,
    });
  }
}

function blobUriOf(pointer: Pointer): string {
  if (pointer.kind === 'blob') return pointer.blobUri;
  throw new StorageCorruptionError(
    `${pointer.key} should lead to a blob and holds a value: run floecat verify`,
    {
      operation: 'load',
      key: pointer.key,
    },
  );
}

function danglingPointer(pointer: Pointer, uri: string, cause: unknown): StorageCorruptionError {
  return new StorageCorruptionError(`${pointer.key} leads to ${uri}, which is gone: run floecat verify`, {
    operation: 'load',
    key: pointer.key,
    cause,
  });
}
