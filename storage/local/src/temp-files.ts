import type { FileHandle } from 'node:fs/promises';
import { open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { ErrorContext, RandomSource } from '@floecat/storage-spi';

import { errnoOf, fileError } from './file-errors.ts';
import type { Health } from './health.ts';
import type { StepHook } from './write-steps.ts';

/** A temporary file that was not finished in this time has lost its owner; one that lives fails and tries again. */
const STALE_MS = 3_600_000;
const MAX_ATTEMPTS = 100;

export interface TempFilesConfig {
  /** Where they are made; in the file system of what they become. */
  readonly folder: string;
  readonly mode: number;
  readonly flush: boolean;
  readonly random: RandomSource;
  readonly health: Health;
  readonly onStep: StepHook;
}

/** Files that are written and flushed before they get their name. */
export class TempFiles {
  readonly #config: TempFilesConfig;

  constructor(config: TempFilesConfig) {
    this.#config = config;
  }

  /** The path of a new file that durably holds `parts`. Leaves nothing behind when it fails. */
  async write(parts: readonly Uint8Array[], context: ErrorContext): Promise<string> {
    const { health, onStep } = this.#config;
    const { path, file } = await this.#make(context);
    try {
      onStep('temp-write', path);
      await writeAll(file, parts);
      if (this.#config.flush) await this.#flush(file, path);
      return path;
    } catch (error) {
      await this.discard(path);
      throw health.failed ? health.closed(context) : fileError(error, `writing ${path}`, context);
    } finally {
      await file.close();
    }
  }

  async discard(path: string): Promise<void> {
    await unlink(path).catch(() => undefined);
  }

  /** Whether the folder is there at all. */
  isReady(): Promise<boolean> {
    return stat(this.#config.folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
  }

  /** Removes what a writer left that is gone. Age is told by the file system's own clock. */
  async removeStale(context: ErrorContext): Promise<void> {
    const { folder } = this.#config;
    const names = await readdir(folder);
    if (names.length === 0) return;
    const probe = await this.write([], context);
    const { mtimeMs: now } = await stat(probe);
    await this.discard(probe);
    for (const name of names) {
      const path = join(folder, name);
      const age = await stat(path).then(
        ({ mtimeMs }) => now - mtimeMs,
        () => 0,
      );
      if (age > STALE_MS) await this.discard(path);
    }
  }

  async #make(context: ErrorContext): Promise<{ path: string; file: FileHandle }> {
    const { folder, mode, random, onStep } = this.#config;
    for (let attempt = 1; ; attempt++) {
      const path = join(folder, random.uuid());
      onStep('temp-create', path);
      try {
        return { path, file: await open(path, 'wx', mode) };
      } catch (error) {
        // Two sources of random numbers that were seeded alike.
        if (errnoOf(error) !== 'EEXIST' || attempt === MAX_ATTEMPTS)
          throw fileError(error, `making ${path}`, context);
      }
    }
  }

  async #flush(file: FileHandle, path: string): Promise<void> {
    const { health, onStep } = this.#config;
    onStep('file-sync', path);
    try {
      await file.sync();
    } catch (error) {
      if (errnoOf(error) !== 'ENOSPC' && errnoOf(error) !== 'EDQUOT') health.poison(error);
      throw error;
    }
  }
}

async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let left = parts.filter((part) => part.length > 0);
  while (left.length > 0) {
    const { bytesWritten } = await file.writev(left);
    if (bytesWritten === 0) throw Object.assign(new Error('a write wrote nothing'), { code: 'EIO' });
    left = without(left, bytesWritten);
  }
}

/** What is left of `parts` after their first `count` bytes. */
function without(parts: readonly Uint8Array[], count: number): Uint8Array[] {
  const left: Uint8Array[] = [];
  let skip = count;
  for (const part of parts) {
    if (skip < part.length) left.push(part.subarray(skip));
    skip = Math.max(0, skip - part.length);
  }
  return left;
}
