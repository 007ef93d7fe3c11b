import { compareUtf8 } from '@floecat/storage-spi';

import type { RecoveryContext } from '../recovery-context.ts';
import { damaged } from './backup-codec.ts';
import type { OpenBackupOptions } from './backup-reader.ts';
import { openBackup } from './backup-reader.ts';
import type { BackupTarget } from './backup-target.ts';
import { fileOf } from './backup-target.ts';
import { MANIFEST_FILE } from './manifest.ts';

export interface VerifiedBackup {
  readonly id: string;
  readonly manifestSha256: string;
  readonly bases: readonly string[];
  /** Pointers that the chain holds. */
  readonly pointers: number;
}

export interface VerifyBackupOptions extends OpenBackupOptions {
  readonly onProgress?: RecoveryContext['onProgress'];
}

/**
 * Reads a backup whole, with those that it builds on: every file's SHA-256, the order of the keys, and that it holds as
 * many pointers as its walk met. Throws `StorageCorruptionError`, naming the file.
 */
export async function verifyBackup(
  target: BackupTarget,
  id: string,
  { onProgress, ...options }: VerifyBackupOptions = {},
): Promise<VerifiedBackup> {
  const reader = await openBackup(target, id, options);
  const name = `${target.location}/${fileOf(id, MANIFEST_FILE)}`;
  const total = reader.manifest.pointers;
  let pointers = 0;
  let last: string | undefined;
  for await (const batch of reader.batches('', undefined, options)) {
    for (const { key } of batch) {
      if (last !== undefined && compareUtf8(last, key) >= 0)
        throw damaged(name, `names segments that hold ${JSON.stringify(key)} out of order`);
      last = key;
    }
    pointers += batch.length;
    onProgress?.({ phase: `reading backup ${id}`, done: pointers, total, unit: 'pointers' });
  }
  if (pointers !== total)
    throw damaged(name, `tells of ${total} pointers, and its segments hold ${pointers}`);
  const { manifestSha256, bases } = reader;
  return { id, manifestSha256, bases, pointers };
}
