import type { DescMessage } from '@bufbuild/protobuf';
import type { Blob, CallOptions, Pointer, ReadOptions } from '@floecat/storage-spi';
import { StorageCorruptionError, StorageNotFoundError, mapBounded } from '@floecat/storage-spi';

import { ResourceConflictError } from './errors.ts';
import type { OwnerRef } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { ResourceKind } from './resource-kind.ts';
import type { Dropped, Loaded } from './root-blob.ts';
import { decodeRoot, isDropped } from './root-blob.ts';

/** Roots that a rival write replaced between the two round trips are loaded again, this many at a time. */
const RELOAD_CONCURRENCY = 16;

/** The owner's resource or tombstone, in whatever state, or `undefined`. */
export async function loadRoot<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  owner: OwnerRef,
  options?: ReadOptions,
): Promise<Loaded<D> | Dropped | undefined> {
  return follow(context, kind, owner, await context.storage.pointers.get(owner.key, options), options);
}

/** As {@link loadRoot}, from a pointer that was read before. */
export async function follow<D extends DescMessage>(
  { storage }: RepositoryContext,
  kind: ResourceKind<D>,
  owner: OwnerRef,
  from: Pointer | undefined,
  options?: CallOptions,
): Promise<Loaded<D> | Dropped | undefined> {
  let pointer = from;
  for (;;) {
    if (!pointer) return undefined;
    const uri = blobUriOf(pointer);
    try {
      return decodeRoot(kind, owner, pointer, await storage.blobs.get(uri, options));
    } catch (error) {
      if (!(error instanceof StorageNotFoundError)) throw error;
      // A root that a newer write replaced may be collected between the two reads.
      const again = await storage.pointers.get(owner.key, options && callOf(options));
      if (again?.writeId === pointer.writeId) throw danglingPointer(pointer, uri, error);
      pointer = again;
    }
  }
}

/** The owner's resource in whatever state; `undefined` where there is none, or it was dropped. */
export async function load<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  owner: OwnerRef,
  options?: ReadOptions,
): Promise<Loaded<D> | undefined> {
  const root = await loadRoot(context, kind, owner, options);
  return root && !isDropped(root) ? root : undefined;
}

/** A row of a listing whose resource cannot be told, because what is stored of it is damaged or gone. */
export interface DamagedRow {
  readonly key: string;
  readonly cause: StorageCorruptionError;
}

/**
 * As {@link loadRoot}, for many, in order, with two round trips. What is damaged does not hide the others: it is
 * `undefined`, and told in `damaged`.
 */
export async function loadMany<D extends DescMessage>(
  context: RepositoryContext,
  kind: ResourceKind<D>,
  owners: readonly OwnerRef[],
  options: ReadOptions = {},
): Promise<{ roots: (Loaded<D> | Dropped | undefined)[]; damaged: DamagedRow[] }> {
  const rows = await context.storage.pointers.getBatch(
    owners.map((owner) => owner.key),
    options,
  );
  const call = callOf(options);
  const damaged: (DamagedRow | undefined)[] = [];
  const blobs = await fetchRoots(context, rows, call);
  const roots = await mapBounded(owners, RELOAD_CONCURRENCY, async (owner, i) => {
    const row = rows[i];
    const blob = row && blobs.get(row);
    try {
      return row && blob ? decodeRoot(kind, owner, row, blob) : await follow(context, kind, owner, row, call);
    } catch (cause) {
      if (!(cause instanceof StorageCorruptionError)) throw cause;
      damaged[i] = { key: owner.key, cause };
      return undefined;
    }
  });
  return { roots, damaged: damaged.filter((row) => row !== undefined) };
}

/** The blobs of `rows` that one request answers. None where one is damaged: each is then fetched by itself. */
async function fetchRoots(
  { storage }: RepositoryContext,
  rows: readonly (Pointer | undefined)[],
  options: CallOptions,
): Promise<Map<Pointer, Blob | undefined>> {
  const present = rows.filter((row) => row?.kind === 'blob');
  try {
    const uris = present.map((row) => row.blobUri);
    const fetched = await storage.blobs.getBatch(uris, options);
    return new Map(present.map((row, i) => [row, fetched[i]]));
  } catch (error) {
    if (!(error instanceof StorageCorruptionError)) throw error;
    return new Map();
  }
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

/** Only what every call takes: a second look at a pointer is always a strong one. */
function callOf({ signal }: CallOptions): CallOptions {
  return signal ? { signal } : {};
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
