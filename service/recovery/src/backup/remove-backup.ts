import type { CallOptions } from '@floecat/storage-spi';
import { StorageNotFoundError, StoragePreconditionFailedError } from '@floecat/storage-spi';

import { RecoveryRefusedError } from '../errors.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import { BackupRow } from './backup-row.ts';
import type { BackupTarget } from './backup-target.ts';
import { checkFileName, fileOf } from './backup-target.ts';
import { MANIFEST_FILE } from './manifest.ts';

const ATTEMPTS = 5;

export interface RemoveBackupOptions {
  /** Also those that build on it, the newest first. Default: it is refused while there are any. */
  readonly withDependents?: boolean;
  /** Opens where a backup lies, as it is registered. */
  readonly openTarget: (location: string) => Promise<BackupTarget>;
  /** Only takes away the row of a backup whose files are out of reach for good; they are left. Default false. */
  readonly rowOnly?: boolean;
}

/**
 * Removes a registered backup, in whatever state, and answers the ids of what was removed. First its row says so: from
 * then on it holds nothing, and nothing can build on it. Then its files go, the manifest before the segments, so that
 * what is left of it never looks whole. Then the row. Where that was interrupted it is done by doing it again.
 *
 * Throws `StorageNotFoundError` where it is not registered, `RecoveryRefusedError` where another one builds on it.
 */
export async function removeBackup(
  context: Pick<RecoveryContext, 'storage' | 'random' | 'signal'>,
  id: string,
  options: RemoveBackupOptions,
): Promise<string[]> {
  const { storage, random } = context;
  const call = callOf(context);
  checkFileName('removeBackup', id);
  const removed: string[] = [];
  for (let attempt = 1; ; attempt++) {
    // Before the others are looked at: one that is registered over it after this has changed its row.
    const row = await BackupRow.read(storage, random, id, call);
    if (!row.value)
      throw new StorageNotFoundError(
        `no backup ${id} is registered in this store: floecat backup ls lists those that are`,
        { operation: 'removeBackup', key: row.key },
      );
    const dependents = await dependentsOf(context, id);
    if (dependents.length > 0 && !options.withDependents)
      throw new RecoveryRefusedError(
        `${dependents.join(', ')} builds on backup ${id}: remove that first, or both with --with-dependents`,
      );
    for (const dependent of dependents) removed.push(...(await removeBackup(context, dependent, options)));
    // Before anything is lost by it: where it lies may be out of reach today.
    await using target = options.rowOnly ? undefined : await options.openTarget(row.value.location);
    try {
      if (row.value.state !== 'removing') await row.save({ ...row.value, state: 'removing' }, call);
    } catch (error) {
      if (!(error instanceof StoragePreconditionFailedError) || attempt === ATTEMPTS) throw error;
      continue;
    }
    if (target) await removeFiles(target, id, call);
    await row.clear(call);
    return [...removed, id];
  }
}

/** Deletes every file of a backup that no row tells of. */
export async function removeFiles(
  target: BackupTarget,
  id: string,
  options: CallOptions = {},
): Promise<void> {
  await target.delete(fileOf(id, MANIFEST_FILE), options);
  for await (const name of target.list(fileOf(id, ''), options)) await target.delete(name, options);
}

/** Registered backups that build directly on `id` and hold something, or may come to. */
async function dependentsOf(
  context: Pick<RecoveryContext, 'storage' | 'random' | 'signal'>,
  id: string,
): Promise<string[]> {
  const rows = await BackupRow.readAll(context.storage, context.random, callOf(context));
  return rows
    .filter(({ value }) => value?.since === id && (value.state === 'complete' || value.state === 'writing'))
    .map((row) => row.id);
}
