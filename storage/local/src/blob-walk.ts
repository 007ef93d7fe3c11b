import { join } from 'node:path';

import { compareUtf8 } from '@floecat/storage-spi';

import { folderOfUri } from './file-names.ts';
import type { FolderIndex, IndexedFolder, Stop } from './folder-index.ts';
import { textOf } from './folder-index.ts';

/** Folders read before they are needed. */
const READ_AHEAD = 16;

export interface WalkedBlob {
  readonly uri: string;
  /** Relative to the folder of all blobs. */
  readonly folder: string;
  /** Oldest first, at least one. */
  readonly versions: readonly string[];
  readonly lost: ReadonlySet<string>;
}

export interface WalkFrom {
  readonly uri: string;
  /** Whether to begin with this URI itself. */
  readonly inclusive: boolean;
}

/**
 * The blobs whose URI starts with `prefix`, in UTF-8 order of the URI. `a-b` sorts between `a` and `a/b`, so a
 * segment stands in the order twice: as a blob, and with its `/` as all that is below it.
 */
export class BlobWalk {
  readonly #root: string;
  readonly #folders: FolderIndex;
  readonly #prefix: string;
  readonly #from: WalkFrom | undefined;

  constructor(root: string, folders: FolderIndex, prefix: string, from?: WalkFrom) {
    this.#root = root;
    this.#folders = folders;
    this.#prefix = prefix;
    this.#from = from;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WalkedBlob> {
    const base = this.#prefix.slice(0, this.#prefix.lastIndexOf('/') + 1) || '/';
    const folder = base === '/' ? '.' : folderOfUri(base.slice(0, -1));
    yield* this.#walk(base, folder, await this.#read(folder));
  }

  async *#walk(base: string, folder: string, contents: IndexedFolder): AsyncGenerator<WalkedBlob> {
    const { stops } = contents;
    const reads = new Map<string, Promise<IndexedFolder>>();
    const load = (stop: Stop): Promise<IndexedFolder> => {
      const path = join(folder, stop.child.path);
      let read = reads.get(path);
      if (!read) {
        read = this.#read(path);
        // Read ahead, its error may never be asked for.
        read.catch(() => undefined);
        reads.set(path, read);
      }
      return read;
    };
    for (let i = this.#first(base, stops); i < stops.length; i++) {
      const stop = stops[i] as Stop;
      if (!this.#wants(base, stop)) continue;
      for (const ahead of stops.slice(i, i + READ_AHEAD)) if (this.#wants(base, ahead)) void load(ahead);
      const path = join(folder, stop.child.path);
      const found = await load(stop);
      if (stop.isTree) {
        reads.delete(path);
        yield* this.#walk(base + textOf(stop), path, found);
      } else {
        if (found.children.length === 0) reads.set(path, EMPTIED);
        if (found.versions.length > 0)
          yield { uri: base + textOf(stop), folder: path, versions: found.versions, lost: found.lost };
      }
    }
  }

  /** Where to begin: nothing before is wanted. A tree that `from` lies in stands right before where `from` would. */
  #first(base: string, stops: readonly Stop[]): number {
    const from = this.#from?.uri;
    if (from === undefined) return 0;
    let low = 0;
    let high = stops.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareUtf8(base + textOf(stops[middle] as Stop), from) < 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #wants(base: string, stop: Stop): boolean {
    const uri = base + textOf(stop);
    return stop.isTree ? this.#wantsTree(uri) : this.#wantsBlob(uri);
  }

  #wantsBlob(uri: string): boolean {
    if (!uri.startsWith(this.#prefix)) return false;
    if (!this.#from) return true;
    const order = compareUtf8(uri, this.#from.uri);
    return this.#from.inclusive ? order >= 0 : order > 0;
  }

  #wantsTree(tree: string): boolean {
    if (!tree.startsWith(this.#prefix) && !this.#prefix.startsWith(tree)) return false;
    const from = this.#from?.uri;
    return from === undefined || from.startsWith(tree) || compareUtf8(tree, from) > 0;
  }

  #read(folder: string): Promise<IndexedFolder> {
    return this.#folders.read(join(this.#root, folder));
  }
}

/** Stands in for a folder without children until its second stop, so that what it held can be let go. */
const EMPTIED: Promise<IndexedFolder> = Promise.resolve({
  versions: [],
  lost: new Set(),
  children: [],
  stops: [],
});
