import type { BackupReader } from '../backup/backup-reader.ts';
import type { RestoredBackup } from './recover-options.ts';

/** A backup as a restore reads it. */
export function restoredBackup(reader: BackupReader): RestoredBackup {
  return {
    startedAt: reader.manifest.startedAt,
    pointer: (key, options) => reader.pointer(key, options),
    pointers: (prefix, after, options) => reader.pointers(prefix, after, options),
  };
}
