import { mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { LakeFile } from './table-builder.ts';

const STAGING_PREFIX = '.writing-';
/** Staging folders of writers that died are removed after this. No writer takes nearly as long. */
const STAGING_LIFETIME_MS = 3_600_000;

/**
 * Writes files into a folder so that each is there in full or not at all, and durable once {@link sync} returns.
 * Two writers of the same bytes do not disturb each other, nor one who reads.
 */
export class LakeFolder implements AsyncDisposable {
  readonly #folder: string;
  readonly #staging: string;
  readonly #touched = new Set<string>();
  #count = 0;

  private constructor(folder: string, staging: string) {
    this.#folder = folder;
    this.#staging = staging;
  }

  /** Makes the folder if need be. `now` is in epoch ms. */
  static async open(folder: string, now: number): Promise<LakeFolder> {
    const made = await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder))
      if (name.startsWith(STAGING_PREFIX)) await removeStale(join(folder, name), now);
    const lake = new LakeFolder(folder, await mkdtemp(join(folder, STAGING_PREFIX)));
    if (made !== undefined) lake.#touch(dirname(made), folder);
    return lake;
  }

  /** Puts the file in its place, over one that is there. */
  async write({ path, bytes }: LakeFile): Promise<void> {
    const staged = join(this.#staging, String(this.#count++));
    const handle = await open(staged, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    const target = join(this.#folder, path);
    await mkdir(dirname(target), { recursive: true });
    await rename(staged, target);
    this.#touch(this.#folder, dirname(target));
  }

  /** Makes the names of the files written so far durable. */
  async sync(): Promise<void> {
    for (const folder of this.#touched) {
      const handle = await open(folder, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    this.#touched.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#staging, { recursive: true, force: true });
  }

  // Every folder from `top` down to `bottom` may have a new name in it.
  #touch(top: string, bottom: string): void {
    for (let folder = bottom; ; folder = dirname(folder)) {
      this.#touched.add(folder);
      if (folder === top || folder === dirname(folder)) return;
    }
  }
}

async function removeStale(path: string, now: number): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (now - mtimeMs > STAGING_LIFETIME_MS) await rm(path, { recursive: true, force: true });
  } catch (error) {
    // Another writer may finish, and remove its own, at this very moment.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
