import type { StorageSettings } from '@floecat/config';
import { folderBesideStore, openObjectFolder } from '@floecat/config';
import type { BackupTarget } from '@floecat/recovery';
import { FolderTarget, KeptBackups } from '@floecat/recovery';
import type { Storage } from '@floecat/storage-spi';

/**
 * Opens where backups lie: a folder, or `s3://bucket/prefix` with the store's own access to S3. Throws
 * `InvalidArgumentError` for a place that is the store's own.
 */
export async function openBackupTarget(
  settings: StorageSettings,
  location: string,
  cwd: string = process.cwd(),
): Promise<BackupTarget> {
  if (/^s3:\/\//i.test(location)) return openObjectFolder(settings, location);
  return new FolderTarget(await folderBesideStore(settings, location, cwd));
}

/** What the collectors read registered backups with. Close it once they are done. */
export function keptBackups(storage: Storage, settings: StorageSettings): KeptBackups {
  return new KeptBackups({ storage, openTarget: (location) => openBackupTarget(settings, location) });
}
