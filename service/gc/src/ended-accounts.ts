import { accountOwner, endedAccountKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';

/**
 * Notes that the last pointer of an account is collected now, so that the blob collector knows it to have no pointers any
 * more, rather than to have lost them.
 */
export async function noteEndOfAccount(context: GcContext, account: string, row: Pointer): Promise<void> {
  const { system } = context.storage;
  const key = endedAccountKey(account);
  const noted = await system.get(key, callOf(context));
  await system.compareAndSet(key, noted ?? 0, { kind: 'value', value: row.incarnation }, callOf(context));
}

/** Whether the account's last pointer was collected, and it was not made again since. */
export async function isAccountEnded(context: GcContext, account: string): Promise<boolean> {
  const { pointers, system } = context.storage;
  const call = callOf(context);
  const row = await system.get(endedAccountKey(account), call);
  if (!row) return false;
  const now = await pointers.get(accountOwner(account).key, call);
  return !now || (row.kind === 'value' && row.value === now.incarnation);
}

/** Forgets an end once nothing is left of the account. */
export async function forgetEndOfAccount(context: GcContext, account: string): Promise<void> {
  const { system } = context.storage;
  const row = await system.get(endedAccountKey(account), callOf(context));
  if (row) await system.compareAndDelete(row.key, row, callOf(context));
}
