import type { Collection, OwnerRef } from '@floecat/repository';
import { accountOwner, ownerOfBlob, ownersPrefix, shapeOfKey } from '@floecat/repository';
import type { BlobVersionListing, Pointer } from '@floecat/storage-spi';
import { compareUtf8, prefixOf } from '@floecat/storage-spi';

import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import { blobVersions, pointersBelow } from './list-pages.ts';
import type { OwnerEvidence, PointerSource } from './owner-evidence.ts';

export interface OwnersOf {
  readonly account: string;
  readonly collection: Collection;
  /** Of statistics and scan bundles: only those that hang on this table. */
  readonly table?: string;
  readonly backup?: PointerSource;
  /**
   * `walked`: also owners of which there is nothing but a live row. `met` (default): the live rows of those that blobs or the
   * backup tell of. `none`: no row is looked at.
   */
  readonly live?: 'walked' | 'met' | 'none';
}

const BATCH = 256;
/** Ids of one length, none of which begins another: their order is the same in keys and in URIs. */
const PLAIN_ID = /^[0-9a-f-]{36}(?:\/\d{19})?$/;

/**
 * The owners of one collection, each once, in batches, with what there is of them: in the blobs, in a backup, in the
 * table. In memory is a batch, and of each owner all its versions.
 */
export async function* walkOwners(
  context: RecoveryContext,
  where: OwnersOf,
): AsyncGenerator<readonly OwnerEvidence[]> {
  let batch: OwnerEvidence[] = [];
  for await (const evidence of mergeOwners(context, where)) {
    batch.push(evidence);
    if (batch.length < BATCH) continue;
    yield await withLive(context, where, batch);
    batch = [];
  }
  if (batch.length > 0) yield await withLive(context, where, batch);
}

/** What there is of one owner. */
export async function evidenceOf(
  context: RecoveryContext,
  owner: OwnerRef,
  backup: PointerSource | undefined,
): Promise<OwnerEvidence> {
  const call = callOf(context);
  const versions: BlobVersionListing[] = [];
  for await (const version of blobVersions(context, owner.blobPrefix)) versions.push(version);
  const [saved, live] = await Promise.all([
    backup?.pointer(owner.key, call),
    context.storage.pointers.get(owner.key, call),
  ]);
  return { owner, versions, ...(saved && { backup: saved }), ...(live && { live }) };
}

type Found = Omit<OwnerEvidence, 'versions'> & { readonly versions?: OwnerEvidence['versions'] };

/** By canonical key, as far as the order of the URIs is that of the keys; where it is not, nothing is told twice. */
async function* mergeOwners(context: RecoveryContext, where: OwnersOf): AsyncGenerator<OwnerEvidence> {
  const { backup, live } = where;
  const streams: AsyncGenerator<Found>[] = [ownersInBlobs(context, where)];
  if (backup)
    streams.push(
      ownersInRows(where, backup.pointers(rowsPrefix(where), undefined, callOf(context)), 'backup'),
    );
  if (live === 'walked')
    streams.push(
      ownersInRows(where, pointersBelow(context, context.storage.pointers, rowsPrefix(where)), 'live'),
    );
  try {
    const heads = await Promise.all(streams.map(next));
    for (;;) {
      let least: Found | undefined;
      for (const head of heads)
        if (head && (!least || compareUtf8(head.owner.key, least.owner.key) < 0)) least = head;
      if (!least) return;
      const { owner } = least;
      const parts: Found[] = [];
      for (const [i, head] of heads.entries()) {
        if (head?.owner.key !== owner.key) continue;
        parts.push(head);
        heads[i] = await next(streams[i] as AsyncGenerator<Found>);
      }
      const found: Found = Object.assign({}, ...parts);
      const whole = await confirmed(context, where, found);
      if (whole) yield whole;
    }
  } finally {
    for (const stream of streams) await stream.return(undefined);
  }
}

async function next(stream: AsyncGenerator<Found>): Promise<Found | undefined> {
  const result = await stream.next();
  return result.done ? undefined : result.value;
}

/** What one stream did not have beside the other may only stand elsewhere in it. */
async function confirmed(
  context: RecoveryContext,
  { backup }: OwnersOf,
  found: Found,
): Promise<OwnerEvidence | undefined> {
  const { owner, versions } = found;
  if (owner.collection === 'accounts' || PLAIN_ID.test(owner.id))
    return { ...found, versions: versions ?? [] };
  const call = callOf(context);
  if (!versions) {
    const page = await context.storage.blobs.listVersions(owner.blobPrefix, { ...call, limit: 1 });
    // The stream of the blobs comes to it, or came.
    return page.versions.length > 0 ? undefined : { ...found, versions: [] };
  }
  const saved = found.backup ?? (await backup?.pointer(owner.key, call));
  return { ...found, versions, ...(saved && { backup: saved }) };
}

async function* ownersInBlobs(
  context: RecoveryContext,
  { account, collection, table }: OwnersOf,
): AsyncGenerator<Found> {
  const prefix = prefixOf('accounts', account, collection, ...(table === undefined ? [] : [table]));
  let open: { readonly owner: OwnerRef; readonly versions: BlobVersionListing[] } | undefined;
  for await (const version of blobVersions(context, prefix)) {
    const owner =
      open && version.uri.startsWith(open.owner.blobPrefix) ? open.owner : ownerOfBlob(version.uri)?.owner;
    if (owner?.collection !== collection || owner.account !== account) continue;
    if (open?.owner.key !== owner.key) {
      if (open) yield open;
      open = { owner, versions: [] };
    }
    open.versions.push(version);
  }
  if (open) yield open;
}

async function* ownersInRows(
  { account, collection }: OwnersOf,
  rows: AsyncIterable<Pointer>,
  what: 'backup' | 'live',
): AsyncGenerator<Found> {
  for await (const row of rows) {
    const shape = shapeOfKey(row.key);
    if (shape?.is !== 'canonical') continue;
    const { owner } = shape;
    if (owner.account !== account || owner.collection !== collection) continue;
    yield what === 'backup' ? { owner, backup: row } : { owner, live: row };
  }
}

/** What the canonical keys start with. Those of snapshots lie among other rows of their tables. */
function rowsPrefix({ account, collection, table }: OwnersOf): string {
  switch (collection) {
    case 'accounts':
      return accountOwner(account).key;
    case 'statistics':
    case 'scan-bundles':
      return prefixOf('accounts', account, 'tables', ...(table === undefined ? [] : [table]));
    default:
      return ownersPrefix(account, collection);
  }
}

async function withLive(
  context: RecoveryContext,
  { live = 'met' }: OwnersOf,
  batch: readonly OwnerEvidence[],
): Promise<readonly OwnerEvidence[]> {
  if (live === 'none') return batch;
  const missing = batch.filter((each) => !each.live);
  if (missing.length === 0) return batch;
  const keys = missing.map(({ owner }) => owner.key);
  const rows = await context.storage.pointers.getBatch(keys, callOf(context));
  const found = new Map(rows.flatMap((row) => (row ? [[row.key, row]] : [])));
  return batch.map((each) => {
    const row = each.live ?? found.get(each.owner.key);
    return row ? { ...each, live: row } : each;
  });
}
