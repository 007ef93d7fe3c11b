import { RecoveryRefusedError } from '../errors.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import { openBackup } from './backup-reader.ts';
import type { Registration } from './backup-row.ts';
import { BackupRow } from './backup-row.ts';
import type { BackupTarget } from './backup-target.ts';

/**
 * Registers a complete backup, and those that it builds on, in a table that does not know it: after a restore, so that
 * the collector keeps what it refers to and others can build on it. Answers the ids that were registered now; one that is
 * registered already is left.
 *
 * Only where all that it refers to is there: blobs that were deleted before are not brought back, and the collector ends
 * its passes while a registered backup holds a pointer whose blob is gone.
 *
 * Throws `RecoveryRefusedError` where the backup is of another store, or registered otherwise: being removed, or elsewhere.
 */
export async function registerBackup(
  context: Pick<RecoveryContext, 'storage' | 'random' | 'signal'>,
  target: BackupTarget,
  id: string,
): Promise<string[]> {
  const { storage, random } = context;
  const call = callOf(context);
  const top = await openBackup(target, id, call);
  const registered: string[] = [];
  // The oldest first: what is registered has its bases registered.
  for (const each of [id, ...top.bases].toReversed()) {
    const { manifest, manifestSha256 } = await openBackup(target, each, call);
    if (manifest.layout.storeId !== storage.layout.storeId)
      throw new RecoveryRefusedError(
        `backup ${each} is of store ${manifest.layout.storeId}, and this is ${storage.layout.storeId}: its blobs are not here`,
      );
    const row = await BackupRow.read(storage, random, each, call);
    const value: Registration = {
      location: target.location,
      state: 'complete',
      ...(manifest.since && { since: manifest.since.id }),
      startedAt: manifest.startedAt,
      endedAt: manifest.endedAt,
      pointers: manifest.pointers,
      bytes: manifest.bytes,
      manifestSha256,
    };
    if (row.value) {
      const { state, location } = row.value;
      if (state === 'complete' && location === target.location && row.value.manifestSha256 === manifestSha256)
        continue;
      throw new RecoveryRefusedError(
        `backup ${each} is registered already, at ${location}, and is ${state}: see floecat backup ls`,
      );
    }
    await row.save(value, call);
    registered.push(each);
  }
  return registered;
}
