import { ACCOUNT_DIRECTORY, ownerOfBlob, shapeOfKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import { blobVersions, pointersBelow } from './list-pages.ts';
import type { PointerSource } from './owner-evidence.ts';

export interface AccountsFrom {
  readonly backup?: PointerSource;
  /**
   * Also those that only blobs tell of, which takes a listing of them all: no store can tell its folders. Default false.
   */
  readonly blobs?: boolean;
}

/** The accounts of the directory, of a backup and of the blobs, in the order of their names. All names are in memory. */
export async function accountsOf(context: RecoveryContext, from: AccountsFrom = {}): Promise<string[]> {
  const found = new Set<string>();
  const take = ({ key }: Pointer): void => {
    const shape = shapeOfKey(key);
    if (shape?.is === 'canonical') found.add(shape.owner.account);
  };
  for await (const row of pointersBelow(context, context.storage.pointers, ACCOUNT_DIRECTORY)) take(row);
  if (from.backup)
    for await (const row of from.backup.pointers(ACCOUNT_DIRECTORY, undefined, callOf(context))) take(row);
  if (from.blobs) {
    let seen = 0;
    for await (const { uri } of blobVersions(context, '/accounts/')) {
      const account = ownerOfBlob(uri)?.owner.account;
      if (account !== undefined) found.add(account);
      if (++seen % 10_000 === 0)
        context.onProgress?.({ phase: 'looking for accounts', done: seen, unit: 'blobs' });
    }
  }
  return [...found].toSorted();
}
