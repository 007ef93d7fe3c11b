import { joinKey } from '@floecat/storage-spi';

/**
 * Every key of the store's own rows (`Storage.system`).
 *
 * | key | holds |
 * |---|---|
 * | `/leases/gc/{collector}` | who collects now; expires |
 * | `/gc/{collector}/turn` | the account that the next run begins after |
 * | `/gc/{collector}/accounts/{account}` | how far a collector is with an account |
 * | `/gc/cas/pardons/{account}/{SHA-256 of a run or URI}` | a condemnation that was taken back |
 * | `/gc/ended-accounts/{account}` | an account whose last pointer was collected, and may have blobs left |
 * | `/gc/clock` | nothing; written to learn the store's time |
 * | `/gc/runs/{collector}/{time}-{id}` | what a run did; expires |
 * | `/seed/{account}/{catalog}` | whether the demonstration lake was registered |
 * | `/recovery/rebuild` | that the table is being made from the blobs, and is not done |
 * | `/backups/{id}` | a backup, registered before its walk begins, until its blobs are not needed any more |
 * | `/verify/{id}` | how far a verification is; expires |
 */

export const BACKUPS_PREFIX = '/backups/';
export const GC_CLOCK_KEY = '/gc/clock';
export const REBUILD_KEY = '/recovery/rebuild';

export function leaseKey(collector: string): string {
  return joinKey('leases', 'gc', collector);
}

export function collectorStatesPrefix(collector: string): string {
  return joinKey('gc', collector, 'accounts') + '/';
}

export function turnKey(collector: string): string {
  return joinKey('gc', collector, 'turn');
}

export function collectorStateKey(collector: string, account: string): string {
  return joinKey('gc', collector, 'accounts', account);
}

export function pardonsPrefix(account: string): string {
  return joinKey('gc', 'cas', 'pardons', account) + '/';
}

export const ENDED_ACCOUNTS_PREFIX = '/gc/ended-accounts/';

export function endedAccountKey(account: string): string {
  return joinKey('gc', 'ended-accounts', account);
}

export function runsPrefix(collector: string): string {
  return joinKey('gc', 'runs', collector) + '/';
}

export function backupKey(id: string): string {
  return BACKUPS_PREFIX + joinKey(id).slice(1);
}

export function seedKey(account: string, catalog: string): string {
  return joinKey('seed', account, catalog);
}

export function verifyRunKey(id: string): string {
  return joinKey('verify', id);
}
