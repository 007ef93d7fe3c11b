import type { Collection, OwnerRef } from '@floecat/repository';
import { accountOwner, ownersPrefix, shapeOfKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { compareUtf8, prefixOf } from '@floecat/storage-spi';

import type { KeptBackup } from './backups.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';
import type { OwnerMark, OwnerPointers } from './owner-roots.ts';
import { markOwners, ROOTS_AT_A_TIME } from './owner-roots.ts';

/** Owners to walk over, and how many pointers are listed at a time. */
export interface OwnersOf {
  readonly account: string;
  readonly collection: Collection;
  readonly pageSize: number;
}

/**
 * The owners of one collection of an account, each with what it needs, in the order of their canonical keys, after the
 * key `after`: those with a live pointer, and those that a backup holds.
 */
export async function* walkOwners(
  context: GcContext,
  backups: readonly KeptBackup[],
  where: OwnersOf,
  after: string | undefined,
): AsyncGenerator<OwnerMark> {
  let batch: OwnerPointers[] = [];
  // One batch is read while the one before is used.
  let ahead: ReturnType<typeof readRoots> = Promise.resolve([]);
  const begin = (): ReturnType<typeof readRoots> => {
    const reading = readRoots(context, batch);
    // Its error is thrown where it is awaited, which may be never.
    reading.catch(() => undefined);
    batch = [];
    return reading;
  };
  for await (const owner of mergeOwners(context, backups, where, after)) {
    batch.push(owner);
    if (batch.length < ROOTS_AT_A_TIME) continue;
    const before = await ahead;
    ahead = begin();
    yield* present(before);
  }
  yield* present(await ahead);
  yield* present(await begin());
}

function* present(marks: readonly (OwnerMark | undefined)[]): Generator<OwnerMark> {
  for (const mark of marks) if (mark) yield mark;
}

async function readRoots(
  context: GcContext,
  batch: readonly OwnerPointers[],
): Promise<readonly (OwnerMark | undefined)[]> {
  try {
    return await markOwners(context, batch);
  } catch (error) {
    if (context.safety['abort-on-failed-page']) throw error;
    return [];
  }
}

/** Live pointers and those of the backups, by key. */
async function* mergeOwners(
  context: GcContext,
  backups: readonly KeptBackup[],
  where: OwnersOf,
  after: string | undefined,
): AsyncGenerator<OwnerPointers> {
  const prefix = canonicalPrefix(where.account, where.collection);
  const streams = [
    livePointers(context, where, prefix, after),
    ...backups.map((backup) => iterator(backup.pointers(prefix, after, callOf(context)))),
  ];
  try {
    const heads = await Promise.all(streams.map((stream) => nextOf(stream, where)));
    for (;;) {
      let least: Head | undefined;
      for (const head of heads)
        if (head && (!least || compareUtf8(head.pointer.key, least.pointer.key) < 0)) least = head;
      if (!least) return;
      const { owner } = least;
      let live: Pointer | undefined;
      const kept: Pointer[] = [];
      for (const [i, head] of heads.entries()) {
        if (head?.pointer.key !== owner.key) continue;
        if (i === 0) live = head.pointer;
        else kept.push(head.pointer);
        heads[i] = await nextOf(streams[i] as AsyncIterator<Pointer>, where);
      }
      yield { owner, live, kept };
    }
  } finally {
    for (const stream of streams) await stream.return?.();
  }
}

interface Head {
  readonly owner: OwnerRef;
  readonly pointer: Pointer;
}

/** The next pointer of `stream` that is canonical and of this account and collection. */
async function nextOf(
  stream: AsyncIterator<Pointer>,
  { account, collection }: OwnersOf,
): Promise<Head | undefined> {
  for (;;) {
    const result = await stream.next();
    if (result.done) return undefined;
    const pointer = result.value;
    const shape = shapeOfKey(pointer.key);
    if (shape?.is !== 'canonical') continue;
    const { owner } = shape;
    if (owner.account === account && owner.collection === collection) return { owner, pointer };
  }
}

async function* livePointers(
  context: GcContext,
  { account, collection, pageSize }: OwnersOf,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<Pointer> {
  const { pointers } = context.storage;
  const call = callOf(context);
  if (collection === 'accounts') {
    const own = await pointers.get(accountOwner(account).key, call);
    if (own && after === undefined) yield own;
    return;
  }
  let pageToken = after === undefined ? undefined : await pointers.pageTokenAfterKey(prefix, after);
  do {
    try {
      const page = await pointers.listPointersByPrefix(prefix, {
        ...call,
        limit: pageSize,
        ...(pageToken && { pageToken }),
      });
      yield* page.pointers;
      pageToken = page.nextPageToken;
    } catch (error) {
      if (context.safety['abort-on-failed-page']) throw error;
      return;
    }
  } while (pageToken !== undefined);
}

/** What the canonical keys of a collection start with. Those of snapshots lie among other rows of their tables. */
function canonicalPrefix(account: string, collection: Collection): string {
  switch (collection) {
    case 'accounts':
      return accountOwner(account).key;
    case 'statistics':
    case 'scan-bundles':
      return prefixOf('accounts', account, 'tables');
    default:
      return ownersPrefix(account, collection);
  }
}

function iterator(iterable: AsyncIterable<Pointer>): AsyncIterator<Pointer> {
  return iterable[Symbol.asyncIterator]();
}
