import type { OwnerRef } from '@floecat/repository';
import { shapeOfKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { prefixOf } from '@floecat/storage-spi';

import { BackupUnfinishedError, openBackupsToDelete } from './backups.ts';
import { noteEndOfAccount } from './ended-accounts.ts';
import { GcUnreadableError } from './errors.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';

/** Whether a tombstone has stood for as long as it must. */
export function isAged({ settings, now }: GcContext, row: Pointer): boolean {
  return now - row.updatedAt >= settings.tombstoneTtlMs;
}

/**
 * Ends an aged tombstone, unless its owner has any other blob left, or a kept backup holds the owner: a rebuild or a
 * restore that did not find the tombstone would bring the owner back. Answers whether it is gone.
 */
export async function endTombstone(context: GcContext, row: Pointer): Promise<boolean> {
  const { pointers } = context.storage;
  const call = callOf(context);
  const shape = shapeOfKey(row.key);
  if (shape?.is !== 'canonical' || row.kind !== 'blob')
    throw new GcUnreadableError(
      `the tombstone ${JSON.stringify(row.key)} is of no shape that this version knows`,
      {
        key: row.key,
      },
    );
  const { owner } = shape;
  const isAccount = owner.collection === 'accounts';
  // A whole account is an owner too: of everything in it.
  const below = isAccount ? prefixOf('accounts', owner.account) : owner.blobPrefix;
  if (!(await isAlone(context, below, row.blobUri))) return false;
  if (isAccount && !(await hasNoPointers(context, owner))) return false;
  if (await isKept(context, owner)) return false;
  if (isAccount) await noteEndOfAccount(context, owner.account, row);
  const again = await pointers.get(row.key, call);
  if (again?.writeId !== row.writeId) return false;
  return (await pointers.compareAndDelete(row.key, again, call)).applied;
}

/** Whether a backup holds the owner, or may come to. */
async function isKept(context: GcContext, { key }: OwnerRef): Promise<boolean> {
  try {
    for (const backup of await openBackupsToDelete(context))
      if (await backup.pointer(key, callOf(context))) return true;
    return false;
  } catch (error) {
    if (error instanceof BackupUnfinishedError) return true;
    throw error;
  }
}

/** Whether there is no blob, in any version, below `prefix` but this one. */
async function isAlone(context: GcContext, prefix: string, uri: string): Promise<boolean> {
  const { blobs } = context.storage;
  const call = callOf(context);
  let pageToken: string | undefined;
  do {
    const page = await blobs.listVersions(prefix, { ...call, ...(pageToken && { pageToken }) });
    if (page.versions.some((version) => version.uri !== uri)) return false;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return true;
}

async function hasNoPointers(context: GcContext, { account }: OwnerRef): Promise<boolean> {
  return (await context.storage.pointers.countByPrefix(prefixOf('accounts', account), callOf(context))) === 0;
}
