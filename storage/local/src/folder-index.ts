import { stat } from 'node:fs/promises';

import { compareUtf8 } from '@floecat/storage-spi';

import type { BlobFolder } from './blob-folder.ts';
import { readBlobFolder } from './blob-folder.ts';
import { isMissing } from './file-errors.ts';
import type { NamedEntry } from './name-tree.ts';

/** A folder with fewer is read faster than it is looked up. */
const MIN_CHILDREN = 512;
const HELD_FOLDERS = 2;
/** File systems stamp changes with a clock that ticks; what changed within this may change again under the same stamp. */
const SETTLED_MS = 1_000;

/** A segment as the blob of that name, or as the folder of what is below it. */
export interface Stop {
  readonly isTree: boolean;
  readonly child: NamedEntry;
}

/** What stands in a folder, in the order of a walk. */
export interface IndexedFolder extends BlobFolder {
  readonly stops: readonly Stop[];
}

/** `a-b` sorts between `a` and `a/`. */
export function textOf({ isTree, child }: Stop): string {
  return isTree ? `${child.segment}/` : child.segment;
}

interface Stamp {
  readonly ino: bigint;
  readonly mtimeNs: bigint;
}

interface Held {
  readonly stamp: Stamp;
  readonly folder: IndexedFolder;
}

/**
 * Folders in the order of a walk. Large ones are held, and used again for as long as the file system says that nothing
 * came into them or left them: each page of a listing begins at the top, and would otherwise read and sort a million
 * names to list a thousand.
 */
export class FolderIndex {
  readonly #held = new Map<string, Held>();

  async read(path: string): Promise<IndexedFolder> {
    const held = this.#held.get(path);
    if (held) {
      const now = await stampOf(path);
      if (now?.ino === held.stamp.ino && now.mtimeNs === held.stamp.mtimeNs) return held.folder;
      this.#held.delete(path);
    }
    return this.#readAnew(path);
  }

  async #readAnew(path: string): Promise<IndexedFolder> {
    // Stamps are of the machine's time, whatever the clock of the store says.
    const began = Date.now();
    const contents = await readBlobFolder(path);
    const folder = { ...contents, stops: stopsOf(contents.children) };
    // Most are small, and are not worth a look at their stamps.
    if (!isWorthHolding(contents)) return folder;
    const stamp = await stampOf(path);
    // Nothing came or went since before it was read.
    if (stamp && Number(stamp.mtimeNs / 1_000_000n) < began - SETTLED_MS) this.#hold(path, { stamp, folder });
    return folder;
  }

  #hold(path: string, held: Held): void {
    this.#held.set(path, held);
    if (this.#held.size <= HELD_FOLDERS) return;
    const [oldest] = this.#held.keys();
    if (oldest !== undefined) this.#held.delete(oldest);
  }
}

function stopsOf(children: readonly NamedEntry[]): Stop[] {
  const stops = children.flatMap((child): { readonly text: string; readonly stop: Stop }[] => [
    { text: child.segment, stop: { isTree: false, child } },
    { text: `${child.segment}/`, stop: { isTree: true, child } },
  ]);
  return stops.sort((a, b) => compareUtf8(a.text, b.text)).map(({ stop }) => stop);
}

/** The name of a long segment goes on in a folder of its own, whose changes do not show here. */
function isWorthHolding({ children }: BlobFolder): boolean {
  return children.length >= MIN_CHILDREN && children.every(({ path }) => !path.includes('/'));
}

async function stampOf(path: string): Promise<Stamp | undefined> {
  try {
    const { ino, mtimeNs } = await stat(path, { bigint: true });
    return { ino, mtimeNs };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
