import { splitKey } from '@floecat/storage-spi';

import type { Collection, OwnerRef } from './pointer-keys.ts';
import { ACCOUNT_DIRECTORY, accountOwner, ownerById, snapshotOwner } from './pointer-keys.ts';

/** Collections whose owners have a canonical pointer by id. */
export type ByIdCollection = 'catalogs' | 'namespaces' | 'tables' | 'views';

/** In the order of their blobs' URIs. */
export const COLLECTIONS: readonly Collection[] = [
  'accounts',
  'catalogs',
  'namespaces',
  'scan-bundles',
  'statistics',
  'tables',
  'views',
];

/** Blobs that are no account's: the lists of what collectors condemned. */
export const COLLECTOR_BLOBS_PREFIX = '/floecat/gc/';

const DIGITS = /^\d{19}$/;
const BLOB_NAME = /^[0-9a-f]{64}\.pb$/;

/** What a pointer key is, of those that the product writes: see `pointer-keys.ts`. */
export type KeyShape =
  | {
      readonly is: 'canonical';
      readonly owner: OwnerRef;
      /** What it hangs on, and is nothing without. */
      readonly parent?: OwnerRef;
    }
  /** A name, whose value is the id of an owner in `collection`. */
  | { readonly is: 'name'; readonly account: string; readonly collection: ByIdCollection }
  /** The record of an idempotent run, which expires. */
  | { readonly is: 'record' };

/** The shape of `key`; `undefined` for one that this version does not know. */
export function shapeOfKey(key: string): KeyShape | undefined {
  const shape = parseKey(key);
  // A key that another spelling leads to is not the one that the owner's writers use.
  return shape?.is === 'canonical' && shape.owner.key !== key ? undefined : shape;
}

function parseKey(key: string): KeyShape | undefined {
  const parts = partsOf(key);
  if (!parts) return undefined;
  if (key.startsWith(ACCOUNT_DIRECTORY))
    return parts.length === 6 ? { is: 'canonical', owner: accountOwner(parts[5] ?? '') } : undefined;
  const [root, account = '', family = '', third = '', fourth = '', fifth = '', sixth = '', ...more] = parts;
  if (root !== 'accounts') return undefined;
  const at = parts.length;
  if (family === 'idempotency') return at > 3 ? { is: 'record' } : undefined;
  if (isById(family) && third === 'by-id' && at === 5)
    return { is: 'canonical', owner: ownerById(account, family, fourth) };
  const name = (collection: ByIdCollection): KeyShape => ({ is: 'name', account, collection });
  switch (family) {
    case 'catalogs':
      if (third === 'by-name' && at === 5) return name('catalogs');
      return fourth === 'namespaces' && fifth === 'by-path' && more.length === 1
        ? name('namespaces')
        : undefined;
    case 'namespaces':
      if ((fourth === 'tables' || fourth === 'views') && fifth === 'by-name' && at === 7) return name(fourth);
      return undefined;
    case 'tables': {
      if (fourth !== 'snapshots' || fifth !== 'by-id' || !isSnapshot(sixth) || more.length !== 1)
        return undefined;
      const [part] = more;
      if (part !== 'statistics' && part !== 'scan-bundle') return undefined;
      const owner = snapshotOwner(account, third, BigInt(sixth), part);
      return { is: 'canonical', owner, parent: ownerById(account, 'tables', third) };
    }
    default:
      return undefined;
  }
}

/** Whose a blob is. */
export interface BlobOwner {
  readonly owner: OwnerRef;
  /** Roots lie in their owner's own folder, all else below it. */
  readonly isRoot: boolean;
}

/** The owner of the blob at `uri`; `undefined` for one whose shape this version does not know. */
export function ownerOfBlob(uri: string): BlobOwner | undefined {
  const parts = partsOf(uri);
  if (!parts || !BLOB_NAME.test(parts.at(-1) ?? '')) return undefined;
  const [root, account = '', collection = '', id = '', digits = ''] = parts;
  if (root !== 'accounts') return undefined;
  const found = (owner: OwnerRef, depth: number): BlobOwner | undefined =>
    uri.startsWith(owner.blobPrefix) && parts.length > depth
      ? { owner, isRoot: parts.length === depth + 1 }
      : undefined;
  if (isById(collection)) return found(ownerById(account, collection, id), 4);
  if (collection === 'accounts') return id === account ? found(accountOwner(account), 4) : undefined;
  if (collection !== 'statistics' && collection !== 'scan-bundles') return undefined;
  if (!isSnapshot(digits)) return undefined;
  const part = collection === 'statistics' ? 'statistics' : 'scan-bundle';
  return found(snapshotOwner(account, id, BigInt(digits), part), 5);
}

/** A path in its raw segments, or `undefined` where it is none that `joinKey` wrote. */
function partsOf(path: string): string[] | undefined {
  if (!path.startsWith('/')) return undefined;
  try {
    return splitKey(path);
  } catch {
    return undefined;
  }
}

function isById(collection: string): collection is ByIdCollection {
  return ['catalogs', 'namespaces', 'tables', 'views'].includes(collection);
}

function isSnapshot(digits: string): boolean {
  return DIGITS.test(digits) && BigInt(digits) <= 9_223_372_036_854_775_807n;
}
