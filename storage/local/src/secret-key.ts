import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';

import { StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { DurableFiles } from './durable-files.ts';
import { fileError, isMissing } from './file-errors.ts';
import { KEY_BYTES } from './secret-seal.ts';

const KEY_NAME = 'key';
/** Below it stand the sealed secrets. */
export const ACCOUNTS_FOLDER = 'accounts';
const CONTEXT = { operation: 'open' };

/** The key of the store's secrets, made with the first start. A key that is lost is never replaced by another. */
export async function openSecretKey(files: DurableFiles): Promise<Uint8Array> {
  const path = files.path(KEY_NAME);
  const found = await readKey(path);
  if (found) return found;
  if (await hasSecrets(files)) {
    // The key is made before any secret, so a rival that just made both is told apart from a lost key.
    const late = await readKey(path);
    if (late) return late;
    throw new StorageMisconfiguredError(
      `open: there are sealed secrets in ${files.path(ACCOUNTS_FOLDER)}, but their key ${path} is gone: put the key back from a backup; without it they cannot be opened`,
      CONTEXT,
    );
  }
  await files.create('.', KEY_NAME, [randomBytes(KEY_BYTES)], CONTEXT);
  const made = await readKey(path);
  if (made) return made;
  throw new StorageMisconfiguredError(
    `open: the key ${path} vanished while the store was opened; is another process deleting it?`,
    CONTEXT,
  );
}

async function readKey(path: string): Promise<Uint8Array | undefined> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0)
      throw new StorageMisconfiguredError(
        `open: other users may read the key of the secrets; run: chmod 600 ${path}`,
        CONTEXT,
      );
    const key = await readFile(path);
    if (key.length === KEY_BYTES) return key;
    throw new StorageCorruptionError(
      `open: the key of the secrets, ${path}, has ${key.length} bytes instead of ${KEY_BYTES}; put it back from a backup`,
      CONTEXT,
    );
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw fileError(error, `reading ${path}`, CONTEXT);
  }
}

async function hasSecrets(files: DurableFiles): Promise<boolean> {
  try {
    return (await readdir(files.path(ACCOUNTS_FOLDER))).length > 0;
  } catch (error) {
    if (isMissing(error)) return false;
    throw fileError(error, `reading ${files.path(ACCOUNTS_FOLDER)}`, CONTEXT);
  }
}
