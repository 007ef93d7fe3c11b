import { BACKUPS_PREFIX } from '@floecat/repository';
import type { CallOptions, Pointer } from '@floecat/storage-spi';

import { GcRefusedError } from './errors.ts';
import type { GcContext } from './gc-context.ts';
import { callOf } from './gc-context.ts';

/** What a kept backup holds. Both calls throw where the backup cannot be read. */
export interface KeptBackup {
  readonly id: string;
  /** The canonical pointer at `key`, as it was backed up. */
  pointer(key: string, options?: CallOptions): Promise<Pointer | undefined>;
  /** Pointers whose key starts with `prefix` and is above `after`, in UTF-8 order of the keys. */
  pointers(prefix: string, after: string | undefined, options?: CallOptions): AsyncIterable<Pointer>;
}

/** Opens the backup that a system row below `/backups/` registers. Throws where it cannot. */
export type ReadBackup = (registration: Pointer, options?: CallOptions) => Promise<KeptBackup>;

/** Every backup that is registered at this moment, opened. One that cannot be read ends the pass. */
export async function openBackups(context: GcContext): Promise<KeptBackup[]> {
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
