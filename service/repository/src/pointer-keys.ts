import { createHash } from 'node:crypto';

import { InvalidArgumentError, joinKey, lastSegment, prefixOf, splitKey } from '@floecat/storage-spi';

/**
 * Every pointer key that the product writes.
 *
 * | key | holds | canonical |
 * |---|---|---|
 * | `/floecat/directory/accounts/all/by-id/{account}` | account | yes |
 * | `/accounts/{account}/catalogs/by-id/{catalog}` | catalog | yes |
 * | `/accounts/{account}/catalogs/by-name/{name}` | catalog id | |
 * | `/accounts/{account}/namespaces/by-id/{namespace}` | namespace | yes |
 * | `/accounts/{account}/catalogs/{catalog}/namespaces/by-path/{parent levels}/{level}` | namespace id | |
 * | `/accounts/{account}/tables/by-id/{table}` | table | yes |
 * | `/accounts/{account}/namespaces/{namespace}/tables/by-name/{name}` | table id | |
 * | `/accounts/{account}/views/by-id/{view}` | view | yes |
 * | `/accounts/{account}/namespaces/{namespace}/views/by-name/{name}` | view id | |
 * | `/accounts/{account}/tables/{table}/snapshots/by-id/{19 digits}/statistics` | statistics | yes |
 * | `/accounts/{account}/tables/{table}/snapshots/by-id/{19 digits}/scan-bundle` | scan bundle | yes |
 * | `/accounts/{account}/idempotency/{2 hex digits}/{key}` | record of an idempotent run; expires | |
 *
 * The digits begin the SHA-256 of the idempotency key: they spread records, which are written hot, over the shards.
 *
 * The levels of a parent namespace are one segment, joined by U+001F, so that the children of each namespace lie
 * side by side and one page of a listing is one page of the store; the parent of the outermost is empty.
 */

export const ACCOUNT_DIRECTORY = '/floecat/directory/accounts/all/by-id/';

/** Separates the levels of a namespace, in keys as in the Iceberg REST protocol; no level contains it. */
export const LEVEL_SEPARATOR = '\u001f';

/** What the owners of a collection are called; also the name of their kind's type. */
const TYPES = {
  accounts: 'account',
  catalogs: 'catalog',
  namespaces: 'namespace',
  tables: 'table',
  views: 'view',
  statistics: 'snapshot',
  'scan-bundles': 'snapshot',
} as const;

export type ResourceType = (typeof TYPES)[Collection];

export function typeOfCollection(collection: Collection): ResourceType {
  return TYPES[collection];
}

export type Collection =
  | 'accounts'
  | 'catalogs'
  | 'namespaces'
  | 'tables'
  | 'views'
  | 'statistics'
  | 'scan-bundles';

/** An owner: the pointer that leads to its root, and where its blobs lie. */
export interface OwnerRef {
  readonly account: string;
  readonly collection: Collection;
  readonly id: string;
  /** Canonical pointer key. */
  readonly key: string;
  /** What the URI of each of its blobs starts with. */
  readonly blobPrefix: string;
}

export function accountOwner(account: string): OwnerRef {
  return {
    account,
    collection: 'accounts',
    id: account,
    key: ACCOUNT_DIRECTORY + lastPart(joinKey(account)),
    blobPrefix: prefixOf('accounts', account, 'accounts', account),
  };
}

/** An owner whose canonical pointer is `/accounts/{account}/{collection}/by-id/{id}`. */
export function ownerById(
  account: string,
  collection: 'catalogs' | 'namespaces' | 'tables' | 'views',
  id: string,
): OwnerRef {
  return {
    account,
    collection,
    id,
    key: joinKey('accounts', account, collection, 'by-id', id),
    blobPrefix: prefixOf('accounts', account, collection, id),
  };
}

export type SnapshotPart = 'statistics' | 'scan-bundle';

export function snapshotOwner(
  account: string,
  table: string,
  snapshotId: bigint,
  part: SnapshotPart,
): OwnerRef {
  const digits = snapshotDigits(snapshotId);
  const collection = part === 'statistics' ? 'statistics' : 'scan-bundles';
  return {
    account,
    collection,
    id: `${table}/${digits}`,
    key: snapshotsPrefix(account, table) + `${digits}/${part}`,
    blobPrefix: prefixOf('accounts', account, collection, table, digits),
  };
}

/** The owner of a snapshot's part by its `id`. */
export function snapshotOwnerOfId(account: string, id: string, part: SnapshotPart): OwnerRef {
  const at = id.lastIndexOf('/');
  return snapshotOwner(account, id.slice(0, at), BigInt(id.slice(at + 1)), part);
}

/** 19 digits, so that key order is the order of the ids. */
function snapshotDigits(snapshotId: bigint): string {
  if (snapshotId < 0n || snapshotId > 9_223_372_036_854_775_807n)
    throw new InvalidArgumentError(`snapshot id ${snapshotId} is not a positive 64-bit integer`);
  return snapshotId.toString().padStart(19, '0');
}

/** The snapshot id and part of a key below {@link snapshotsPrefix}. */
export function parseSnapshotKey(key: string): { snapshotId: bigint; part: string } {
  const part = lastSegment(key);
  const head = key.slice(0, key.lastIndexOf('/'));
  return { snapshotId: BigInt(lastSegment(head)), part };
}

/** All that hangs on a table. */
export function tableChildrenPrefix(account: string, table: string): string {
  return prefixOf('accounts', account, 'tables', table);
}

export function snapshotsPrefix(account: string, table: string): string {
  return prefixOf('accounts', account, 'tables', table, 'snapshots', 'by-id');
}

export function ownersPrefix(
  account: string,
  collection: 'catalogs' | 'namespaces' | 'tables' | 'views',
): string {
  return prefixOf('accounts', account, collection, 'by-id');
}

export function catalogNamesPrefix(account: string): string {
  return prefixOf('accounts', account, 'catalogs', 'by-name');
}

export function catalogNameKey(account: string, name: string): string {
  return joinKey('accounts', account, 'catalogs', 'by-name', name);
}

/** Names of the namespaces directly below `parent` (no levels: the outermost ones). */
export function namespacePathsPrefix(account: string, catalog: string, parent: readonly string[]): string {
  return prefixOf(
    'accounts',
    account,
    'catalogs',
    catalog,
    'namespaces',
    'by-path',
    parent.join(LEVEL_SEPARATOR),
  );
}

export function namespacePathKey(account: string, catalog: string, levels: readonly string[]): string {
  return namespacePathsPrefix(account, catalog, levels.slice(0, -1)) + lastPart(joinKey(levels.at(-1) ?? ''));
}

/** Catalog and levels of a key that {@link namespacePathKey} made. */
export function namespaceOfPathKey(key: string): { catalog: string; levels: string[] } {
  const [, , , catalog = '', , , parent = '', level = ''] = splitKey(key);
  return { catalog, levels: [...(parent === '' ? [] : parent.split(LEVEL_SEPARATOR)), level] };
}

export function relationNamesPrefix(
  account: string,
  namespace: string,
  collection: 'tables' | 'views',
): string {
  return prefixOf('accounts', account, 'namespaces', namespace, collection, 'by-name');
}

export function relationNameKey(
  account: string,
  namespace: string,
  collection: 'tables' | 'views',
  name: string,
): string {
  return joinKey('accounts', account, 'namespaces', namespace, collection, 'by-name', name);
}

/** Where the run with this idempotency key is recorded. */
export function idempotencyRecordKey(account: string, key: string): string {
  const spread = createHash('sha256').update(key).digest('hex').slice(0, 2);
  return joinKey('accounts', account, 'idempotency', spread, key);
}

/** What a name pointer names. */
export function nameKeyType(key: string): 'catalog' | 'namespace' | 'table' | 'view' {
  const [, , family, , collection] = splitKey(key);
  if (family === 'catalogs') return collection === 'namespaces' ? 'namespace' : 'catalog';
  return collection === 'views' ? 'view' : 'table';
}

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
