import { BACKUPS_PREFIX } from '@floecat/repository';
import type { CallOptions, Pointer } from '@floecat/storage-spi';

import { GcRefusedError } from './errors.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';

/** What a kept backup holds. Both calls throw where the backup cannot be read. */
export interface KeptBackup {
  readonly id: string;
  /**
   * Present while the backup is being written: nobody knows what it is going to hold, and both calls throw. Nothing may
   * be deleted meanwhile; to condemn is harmless, since each delete is preceded by another look.
   */
  readonly unfinished?: {
    /** For people. */
    readonly why: string;
    /** Gives it up for good where nobody goes on with it; answers whether it is, and so holds nothing. */
    end(options?: CallOptions): Promise<boolean>;
  };
  /** The canonical pointer at `key`, as it was backed up. */
  pointer(key: string, options?: CallOptions): Promise<Pointer | undefined>;
  /** Pointers whose key starts with `prefix` and is above `after`, in UTF-8 order of the keys. */
  pointers(prefix: string, after: string | undefined, options?: CallOptions): AsyncIterable<Pointer>;
}

/** Opens the backup that a system row below `/backups/` registers. Throws where it cannot. */
export type ReadBackup = (registration: Pointer, options?: CallOptions) => Promise<KeptBackup>;

/** Thrown before deletes while a backup is being written. The next run goes on from there. */
export class BackupUnfinishedError extends GcRefusedError {}

/** Every backup that is registered at this moment and complete, opened. One that cannot be read ends the pass. */
export async function openBackups(context: GcContext): Promise<KeptBackup[]> {
  const all = await openAll(context);
  return all.filter(({ unfinished }) => !unfinished);
}

/** As {@link openBackups}, before deletes: throws {@link BackupUnfinishedError} while one is being written. */
export async function openBackupsToDelete(context: GcContext): Promise<KeptBackup[]> {
  const complete: KeptBackup[] = [];
  for (const backup of await openAll(context)) {
    const { unfinished } = backup;
    if (!unfinished) complete.push(backup);
    else if (!(await unfinished.end(callOf(context))))
      throw new BackupUnfinishedError(
        `${unfinished.why}; nothing is deleted until it is complete, removed, or was not written for a day`,
        { key: BACKUPS_PREFIX + backup.id },
      );
  }
  return complete;
}

/** One sentence for each backup that is being written. */
export async function unfinishedBackups(context: GcContext): Promise<string[]> {
  const all = await openAll(context);
  return all.flatMap(({ unfinished }) => (unfinished ? [`Nothing is deleted while ${unfinished.why}.`] : []));
}

async function openAll(context: GcContext): Promise<KeptBackup[]> {
  const { storage, readBackup } = context;
  const backups: KeptBackup[] = [];
  let pageToken: string | undefined;
  do {
    const page = await storage.system.listPointersByPrefix(BACKUPS_PREFIX, {
      ...callOf(context),
      ...(pageToken && { pageToken }),
    });
    for (const row of page.pointers) {
      if (!readBackup)
        throw new GcRefusedError(
          `the backup ${row.key.slice(BACKUPS_PREFIX.length)} is registered, and this process cannot read backups; nothing is collected, since the backup may need it`,
          { key: row.key },
        );
      backups.push(await readBackup(row, callOf(context)));
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return backups;
}
