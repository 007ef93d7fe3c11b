import { link, mkdir, open, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { ErrorContext, RandomSource } from '@floecat/storage-spi';
import { StorageAbortRetryableError, StorageUnknownOutcomeError } from '@floecat/storage-spi';

import { errnoOf, fileError, isMissing } from './file-errors.ts';
import { FolderSync } from './folder-sync.ts';
import type { Health } from './health.ts';
import { TempFiles } from './temp-files.ts';
import type { StepHook } from './write-steps.ts';

/** How often to make a folder again that others keep removing. */
const MAX_ATTEMPTS = 100;

export interface DurableFilesConfig {
  /** Everything is kept below this folder, which is never made here: without it every call fails. */
  readonly root: string;
  /** Where files are written first; absolute, below the root. */
  readonly tempFolder: string;
  readonly fileMode: number;
  readonly folderMode: number;
  readonly flush: boolean;
  readonly random: RandomSource;
  readonly health: Health;
  readonly onStep: StepHook;
}

/**
 * Files that are there wholly and durably, or not at all: written under a temporary name, flushed, renamed, then the
 * folder flushed and every folder that may be new, innermost first. Folders are given relative to the root.
 */
export class DurableFiles {
  readonly #config: DurableFilesConfig;
  readonly #folders: FolderSync;
  readonly temps: TempFiles;

  constructor(config: DurableFilesConfig) {
    this.#config = config;
    this.#folders = new FolderSync(config);
    this.temps = new TempFiles({ ...config, folder: config.tempFolder, mode: config.fileMode });
  }

  /** Writes a file, over one of that name, and makes the folders it needs. */
  async write(
    folder: string,
    name: string,
    parts: readonly Uint8Array[],
    context: ErrorContext,
  ): Promise<void> {
    const temp = await this.temps.write(parts, context);
    try {
      await this.#nameIt(temp, folder, name);
    } catch (error) {
      await this.temps.discard(temp);
      await this.#removeEmpty(folder);
      if (isMissing(error) && (await this.temps.isReady()))
        throw new StorageAbortRetryableError(
          `${context.operation}: others removed what this call made; not applied, retry`,
          { ...context, cause: error },
        );
      throw fileError(error, `naming ${this.path(folder, name)}`, context);
    }
    await this.#settle(folder, context);
  }

  /** Writes a file unless there is one, also against other processes. False if there was one. */
  async create(
    folder: string,
    name: string,
    parts: readonly Uint8Array[],
    context: ErrorContext,
  ): Promise<boolean> {
    const temp = await this.temps.write(parts, context);
    let made = true;
    try {
      this.#config.onStep('rename', join(folder, name));
      await link(temp, this.path(folder, name));
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw fileError(error, `linking ${this.path(folder, name)}`, context);
      made = false;
    } finally {
      await this.temps.discard(temp);
    }
    // Also where another made it: that one may not have come to this yet.
    await this.#settle(folder, context);
    return made;
  }

  /** An empty file, made if the folder is there. */
  async touch(folder: string, name: string, context: ErrorContext): Promise<void> {
    try {
      const file = await open(this.path(folder, name), 'a', this.#config.fileMode);
      await file.close();
    } catch (error) {
      if (isMissing(error)) return;
      throw fileError(error, `making ${this.path(folder, name)}`, context);
    }
    await this.#settle(folder, context);
  }

  /** Removes files of one folder, then the folder and those above it as far as they are empty. */
  async remove(folder: string, names: readonly string[], context: ErrorContext): Promise<void> {
    let removed = false;
    for (const name of names) {
      try {
        this.#config.onStep('unlink', join(folder, name));
        await unlink(this.path(folder, name));
        removed = true;
      } catch (error) {
        if (!isMissing(error)) throw fileError(error, `deleting ${this.path(folder, name)}`, context);
      }
    }
    if (removed) await this.#settle(await this.#removeEmpty(folder), context);
  }

  /** Makes a folder and those above it. */
  async makeFolder(folder: string, context: ErrorContext): Promise<void> {
    try {
      await this.#makeFolders(folder);
    } catch (error) {
      throw fileError(error, `making the folder ${this.path(folder)}`, context);
    }
    await this.#settle(folder, context);
  }

  path(...names: string[]): string {
    return join(this.#config.root, ...names);
  }

  /** A folder may be new, or be removed by a rival that found it empty, at any time before the name is in it. */
  async #nameIt(temp: string, folder: string, name: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.#config.onStep('rename', join(folder, name));
      try {
        await rename(temp, this.path(folder, name));
        return;
      } catch (error) {
        if (!isMissing(error) || attempt === MAX_ATTEMPTS) throw error;
      }
      await this.#makeFolders(folder);
    }
  }

  async #makeFolders(folder: string): Promise<void> {
    if (folder === '.') {
      await stat(this.path('.'));
      return;
    }
    for (let attempt = 1; ; attempt++) {
      try {
        await mkdir(this.path(folder), { mode: this.#config.folderMode });
        return;
      } catch (error) {
        if (errnoOf(error) === 'EEXIST') return;
        if (!isMissing(error) || attempt === MAX_ATTEMPTS) throw error;
      }
      await this.#makeFolders(dirname(folder));
    }
  }

  /** Names have changed, so this has to end well before anything is acknowledged. */
  async #settle(folder: string, context: ErrorContext): Promise<void> {
    try {
      await this.#folders.sync(folder);
    } catch (error) {
      throw new StorageUnknownOutcomeError(
        `${context.operation}: flushing the folder ${this.path(folder)} failed; the change may not survive a power cut, so read before you repeat it`,
        { ...context, cause: error },
      );
    }
  }

  /** Answers the innermost folder that is left. */
  async #removeEmpty(folder: string): Promise<string> {
    let left = folder;
    while (left !== '.') {
      const gone = await rmdir(this.path(left)).then(() => true, isMissing);
      if (!gone) break;
      left = dirname(left);
    }
    return left;
  }
}
