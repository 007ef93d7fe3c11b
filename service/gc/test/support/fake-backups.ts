import type { KeptBackup, ReadBackup } from '@floecat/gc';
import { backupKey, BACKUPS_PREFIX } from '@floecat/repository';
import type { Pointer, Storage } from '@floecat/storage-spi';
import { compareUtf8 } from '@floecat/storage-spi';

/** Backups that are kept in memory: their pointers, as they were when they were taken. */
export class FakeBackups {
  readonly #pointers = new Map<string, readonly Pointer[]>();

  /** Registers a backup, then walks, as a real one does. */
  async take(
    storage: Storage,
    id: string,
    rows: () => Promise<readonly Pointer[]>,
    expiresAt?: number,
  ): Promise<void> {
    await storage.system.compareAndSet(backupKey(id), 0, {
      kind: 'value',
      value: '{}',
      ...(expiresAt !== undefined && { expiresAt }),
    });
    this.#pointers.set(id, await rows());
  }

  async end(storage: Storage, id: string): Promise<void> {
    const row = await storage.system.get(backupKey(id));
    if (row) await storage.system.compareAndDelete(row.key, row);
  }

  readonly read: ReadBackup = async ({ key }): Promise<KeptBackup> => {
    const id = key.slice(BACKUPS_PREFIX.length);
    const rows = this.#pointers.get(id);
    if (!rows) throw new Error(`backup ${id} cannot be read`);
    return {
      id,
      pointer: async (wanted) => rows.find((row) => row.key === wanted),
      pointers: async function* (prefix, after) {
        for (const row of rows)
          if (row.key.startsWith(prefix) && (after === undefined || compareUtf8(row.key, after) > 0))
            yield row;
      },
    };
  };
}
