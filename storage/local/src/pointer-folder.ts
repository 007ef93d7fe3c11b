import { access, constants, link, mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { getSystemErrorName } from 'node:util';

import type { StorageError, StoreLayout } from '@floecat/storage-spi';
import { StorageCorruptionError, StorageFullError } from '@floecat/storage-spi';

import { flushFolder } from './data-folder.ts';
import { errnoOf, fileError, isMissing } from './file-errors.ts';
import { checkLmdbFile } from './lmdb-file.ts';
import type { PointerTable } from './pointer-table.ts';
import { openPointerTable, readLayout, writeLayout } from './pointer-table.ts';

const DATA_FILE = 'data.mdb';
const LOCK_FILE = 'lock.mdb';
/** More than LMDB writes when it makes its lock file and an empty table. */
const ROOM_TO_OPEN = 128 * 1024;
/** Begins the names of folders in which tables are made. */
const NEW_PREFIX = '.new-';
const CONTEXT = { operation: 'open' };
const MDB_INVALID = -30793;
const MDB_VERSION_MISMATCH = -30794;

export async function hasTable(folder: string): Promise<boolean> {
  try {
    await stat(join(folder, DATA_FILE));
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw fileError(error, `reading ${folder}`, CONTEXT);
  }
}

/** Makes a table that holds its layout row from its first moment on, or leaves the one that a rival made. */
export async function makeTable(folder: string, layout: StoreLayout, flush: boolean): Promise<void> {
  const made = await mkdtemp(join(folder, NEW_PREFIX)).catch((error: unknown) => {
    throw fileError(error, `making a folder in ${folder}`, CONTEXT);
  });
  try {
    await requireLockFile(made);
    const table = openPointerTable(made);
    try {
      writeLayout(table, layout);
    } finally {
      await table.close();
    }
    await link(join(made, DATA_FILE), join(folder, DATA_FILE));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' && !(await hasTable(folder)))
      throw tableError(error, `making the pointer table in ${folder}`);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  if (flush) await flushFolder(folder);
}

/** Opens a table that exists, after a look at its file. */
export async function openTable(folder: string): Promise<{ table: PointerTable; layout: StoreLayout }> {
  let table: PointerTable | undefined;
  try {
    checkLmdbFile(join(folder, DATA_FILE));
    await removeUnfinished(folder);
    await requireLockFile(folder);
    table = openPointerTable(folder);
    const layout = readLayout(table, folder);
    if (layout) return { table, layout };
    throw new StorageCorruptionError(
      `open: the pointer table in ${folder} has no layout row; restore it (floecat restore)`,
      CONTEXT,
    );
  } catch (error) {
    await table?.close();
    throw tableError(error, `opening the pointer table in ${folder}`);
  }
}

/**
 * LMDB maps its lock file, and writes to it. One that may not be written, or is new and finds no room, would end the
 * process.
 */
async function requireLockFile(folder: string): Promise<void> {
  const path = join(folder, LOCK_FILE);
  try {
    const { blocks } = await stat(path);
    await access(path, constants.R_OK | constants.W_OK);
    if (blocks > 0) return;
  } catch (error) {
    if (!isMissing(error)) throw fileError(error, `opening ${path}`, CONTEXT);
  }
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < ROOM_TO_OPEN)
    throw new StorageFullError(
      `open: no room is left for a lock file in ${folder}; nothing was written, make room`,
      CONTEXT,
    );
}

/** Those whose makers were stopped; there is a table, so no other is wanted. */
async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(NEW_PREFIX)) await rm(join(folder, name), { recursive: true, force: true });
}

/** LMDB's errors carry a number. */
function tableError(error: unknown, what: string): StorageError {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'number') return fileError(error, what, CONTEXT);
  if (code === MDB_INVALID || code === MDB_VERSION_MISMATCH)
    return new StorageCorruptionError(
      `open: ${what} failed (${(error as Error).message}); restore it (floecat restore)`,
      { ...CONTEXT, cause: error },
    );
  const errno = code > 0 ? getSystemErrorName(-code) : undefined;
  return fileError(
    Object.assign(new Error((error as Error).message, { cause: error }), { code: errno }),
    what,
    CONTEXT,
  );
}
