import type { Collection, OwnerRef } from '@floecat/repository';
import { accountOwner, COLLECTIONS, ownersPrefix, shapeOfKey, snapshotsPrefix } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { escapeSegment, prefixOf } from '@floecat/storage-spi';

import type { RecoveryContext } from '../recovery-context.ts';
import { isRow, readRow } from './examine-owner.ts';
import { compareFolders, inFolderOrder, keyToStartAt } from './folder-order.ts';
import { walkRows } from './rows.ts';

/** An owner with its row, as it was listed. */
export interface ListedOwner {
  readonly owner: OwnerRef;
  readonly pointer: Pointer;
}

/** An owner to go on after. */
export interface OwnerPosition {
  readonly account: string;
  readonly collection: Collection;
  readonly id: string;
}

/**
 * The owners of these accounts, which come in the order of their folders, in the order of their blobs' URIs. One whose
 * row is damaged is passed over.
 */
export async function* walkOwners(
  context: RecoveryContext,
  accounts: AsyncIterable<string> | Iterable<string>,
  pageSize: number,
  after?: OwnerPosition,
): AsyncGenerator<ListedOwner> {
  for await (const account of accounts) {
    const order = after ? compareFolders(escapeSegment(account), escapeSegment(after.account)) : 1;
    if (order < 0) continue;
    for (const collection of COLLECTIONS) {
      const place =
        order === 0 && after ? COLLECTIONS.indexOf(collection) - COLLECTIONS.indexOf(after.collection) : 1;
      if (place >= 0)
        yield* walkCollection(context, account, collection, pageSize, place === 0 ? after?.id : undefined);
    }
  }
}

async function* walkCollection(
  context: RecoveryContext,
  account: string,
  collection: Collection,
  pageSize: number,
  after: string | undefined,
): AsyncGenerator<ListedOwner> {
  switch (collection) {
    case 'accounts': {
      const owner = accountOwner(account);
      const row = after === undefined ? await readRow(context, owner.key) : undefined;
      if (row && isRow(row)) yield { owner, pointer: row };
      return;
    }
    case 'statistics':
    case 'scan-bundles':
      yield* walkParts(context, account, collection, pageSize, after);
      return;
    default:
      yield* walkById(context, account, collection, pageSize, after);
  }
}

async function* walkById(
  context: RecoveryContext,
  account: string,
  collection: 'catalogs' | 'namespaces' | 'tables' | 'views',
  pageSize: number,
  after: string | undefined,
): AsyncGenerator<ListedOwner> {
  const prefix = ownersPrefix(account, collection);
  const last = after === undefined ? undefined : escapeSegment(after);
  const listed = listOwners(context, prefix, pageSize, last === undefined ? undefined : keyToStartAt(last));
  const nameOf = ({ owner }: ListedOwner): string => owner.key.slice(prefix.length);
  for await (const item of inFolderOrder(listed, nameOf))
    if (last === undefined || compareFolders(nameOf(item), last) > 0) yield item;
}

/** Those of a prefix by key, from `start` on, it included. */
async function* listOwners(
  context: RecoveryContext,
  prefix: string,
  pageSize: number,
  start: string | undefined,
): AsyncGenerator<ListedOwner> {
  if (start !== undefined && start !== '') {
    const first = await readRow(context, prefix + start);
    if (first && isRow(first)) yield* ownersOf([first]);
  }
  const after = start === undefined || start === '' ? undefined : prefix + start;
  for await (const page of walkRows(context, prefix, pageSize, after))
    if ('rows' in page) yield* ownersOf(page.rows);
}

/** Statistics or bundles of all tables. Their keys and their folders have one order. */
async function* walkParts(
  context: RecoveryContext,
  account: string,
  collection: Collection,
  pageSize: number,
  after: string | undefined,
): AsyncGenerator<ListedOwner> {
  const prefix = prefixOf('accounts', account, 'tables');
  const [table = '', digits = ''] = after?.split(/\/(?=\d{19}$)/) ?? [];
  const key = after === undefined ? undefined : `${snapshotsPrefix(account, table)}${digits}/\u{10ffff}`;
  for await (const page of walkRows(context, prefix, pageSize, key))
    if ('rows' in page)
      for (const item of ownersOf(page.rows)) if (item.owner.collection === collection) yield item;
}

function* ownersOf(rows: readonly Pointer[]): Generator<ListedOwner> {
  for (const pointer of rows) {
    const shape = shapeOfKey(pointer.key);
    if (shape?.is === 'canonical') yield { owner: shape.owner, pointer };
  }
}

/** The owner at a position. */
export function positionOf({ account, collection, id }: OwnerRef): OwnerPosition {
  return { account, collection, id };
}
