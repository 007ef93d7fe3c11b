import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import type { CallOptions } from '@floecat/storage-spi';
import {
  StorageAccessDeniedError,
  StorageFullError,
  StorageMisconfiguredError,
  StorageUnavailableError,
} from '@floecat/storage-spi';

import type { BackupTarget } from './backup-target.ts';
import { checkFileName } from './backup-target.ts';

/** What a file is called while it is written; no name of a backup begins with a dot. */
const TEMPORARY = '.tmp-';

/** A folder of this machine, made with the first file. A process of another machine has to find it under the same path. */
export class FolderTarget implements BackupTarget {
  readonly location: string;

  constructor(folder: string) {
    this.location = resolve(folder);
  }

  /** Written under another name, flushed, renamed; then its folder is flushed, and every folder that is new. */
  async put(name: string, bytes: Uint8Array, { signal }: CallOptions = {}): Promise<void> {
    checkFileName('put', name);
    const path = join(this.location, name);
    const folder = dirname(path);
    const temporary = join(folder, `${TEMPORARY}${randomUUID()}`);
    try {
      await makeFolder(folder);
      signal?.throwIfAborted();
      await writeFlushed(temporary, bytes);
      await rename(temporary, path);
      await flushFolder(folder);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      signal?.throwIfAborted();
      throw fileError('put', path, error);
    }
  }

  async get(name: string, { signal }: CallOptions = {}): Promise<Uint8Array | undefined> {
    checkFileName('get', name);
    const path = join(this.location, name);
    try {
      return await readFile(path, signal && { signal });
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      signal?.throwIfAborted();
      throw fileError('get', path, error);
    }
  }

  async *list(prefix: string, { signal }: CallOptions = {}): AsyncGenerator<string> {
    const folder = join(this.location, prefix);
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return [];
      throw fileError('list', folder, error);
    });
    signal?.throwIfAborted();
    // A folder sorts as its files do: by the slash behind its name.
    const names = entries
      .filter(({ name }) => !name.startsWith('.'))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    for (const name of names.toSorted(byBytes))
      if (name.endsWith('/')) yield* this.list(prefix + name, signal && { signal });
      else yield prefix + name;
  }

  /** Removes the folders that are empty then, too. */
  async delete(name: string): Promise<void> {
    checkFileName('delete', name);
    const path = join(this.location, name);
    try {
      await unlink(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw fileError('delete', path, error);
    }
    let folder = dirname(path);
    for (; folder !== this.location; folder = dirname(folder)) {
      await discardTemporaries(folder);
      if (
        !(await rmdir(folder).then(
          () => true,
          () => false,
        ))
      )
        break;
    }
    await flushFolder(folder).catch((error: unknown) => {
      throw fileError('delete', folder, error);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let at = folder; at.length >= first.length; at = dirname(at)) await flushFolder(dirname(at));
}

async function writeFlushed(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What a process that was killed left behind. Another one that writes at this moment fails, and tells. */
async function discardTemporaries(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  if (!names.every((name) => name.startsWith(TEMPORARY))) return;
  for (const name of names) await unlink(join(folder, name)).catch(() => undefined);
}

function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

function fileError(operation: string, path: string, cause: unknown): Error {
  const errno = errnoOf(cause);
  const message = `${operation} ${path} failed (${errno ?? String(cause)})`;
  const context = { operation, key: path, cause };
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new StorageFullError(`${message}: no room is left where the backup lies; make room`, context);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StorageAccessDeniedError(
        `${message}: this process needs read and write access there`,
        context,
      );
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return new StorageMisconfiguredError(`${message}: choose another folder for the backups`, context);
    default:
      return new StorageUnavailableError(`${message}: check the disk before you try again`, context);
  }
}
