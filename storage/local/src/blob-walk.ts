import { join } from 'node:path';

import { compareUtf8 } from '@floecat/storage-spi';

import type { BlobFolder } from './blob-folder.ts';
import { readBlobFolder } from './blob-folder.ts';
import { folderOfUri } from './file-names.ts';

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

/** A segment as the blob of that name, or (`text` ends in `/`) as the folder of what is below it. */
interface Stop {
  readonly text: string;
  readonly isTree: boolean;
  readonly child: BlobFolder['children'][number];
}

/**
 * The blobs whose URI starts with `prefix`, in UTF-8 order of the URI. `a-b` sorts between `a` and `a/b`, so a
 * segment stands in the order twice: as a blob, and with its `/` as all that is below it.
 */
export class BlobWalk {
  readonly #root: string;
  readonly #prefix: string;
  readonly #from: WalkFrom | undefined;

  constructor(root: string, prefix: string, from?: WalkFrom) {
    this.#root = root;
    this.#prefix = prefix;
    this.#from = from;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WalkedBlob> {
    const base = this.#prefix.slice(0, this.#prefix.lastIndexOf('/') + 1) || '/';
    const folder = base === '/' ? '.' : folderOfUri(base.slice(0, -1));
    yield* this.#walk(base, folder, await this.#read(folder));
  }

  async *#walk(base: string, folder: string, contents: BlobFolder): AsyncGenerator<WalkedBlob> {
    const stops = this.#stops(base, contents);
    const reads = new Map<string, Promise<BlobFolder>>();
    const load = (stop: Stop): Promise<BlobFolder> => {
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
    for (const [i, stop] of stops.entries()) {
      for (const ahead of stops.slice(i, i + READ_AHEAD)) void load(ahead);
      const path = join(folder, stop.child.path);
      const found = await load(stop);
      if (stop.isTree) {
        reads.delete(path);
        yield* this.#walk(base + stop.text, path, found);
      } else {
        if (found.children.length === 0) reads.set(path, EMPTIED);
        if (found.versions.length > 0)
          yield { uri: base + stop.text, folder: path, versions: found.versions, lost: found.lost };
      }
    }
  }

  #stops(base: string, contents: BlobFolder): Stop[] {
    const stops: Stop[] = [];
    for (const child of contents.children) {
      const uri = base + child.segment;
      if (this.#wantsBlob(uri)) stops.push({ text: child.segment, isTree: false, child });
      if (this.#wantsTree(uri + '/')) stops.push({ text: child.segment + '/', isTree: true, child });
    }
    return stops.sort((a, b) => compareUtf8(a.text, b.text));
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

  #read(folder: string): Promise<BlobFolder> {
    return readBlobFolder(join(this.#root, folder));
  }
}

/** Stands in for a folder without children until its second stop, so that what it held can be let go. */
const EMPTIED: Promise<BlobFolder> = Promise.resolve({ versions: [], lost: new Set(), children: [] });
