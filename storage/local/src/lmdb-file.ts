import { Buffer } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import { StorageCorruptionError } from '@floecat/storage-spi';

/**
 * Looks at an LMDB file before it is mapped: behind the end of a truncated file there is nothing to read, and the
 * process would be killed for trying. Offsets are those of LMDB's data format 2 on 64-bit little-endian machines.
 */
const PAGE_HEADER = 24;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const META = 0x08;
const BRANCH = 0x01;
const LEAF = 0x02;
const BIG_DATA = 0x01;
const NO_ROOT = 0xffffffffffffffffn;

interface Meta {
  readonly pageBytes: number;
  readonly roots: readonly bigint[];
  readonly lastPage: number;
  readonly transaction: bigint;
}

/**
 * Throws `StorageCorruptionError` if the file is no LMDB file or misses pages that its newest snapshot uses. A
 * healthy file may end before its last page, where that is free; so a short one is walked, all others are not.
 */
export function checkLmdbFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    for (let meta = newestMeta(path, file); ;) {
      try {
        checkSnapshot(path, file, meta);
        return;
      } catch (error) {
        // Where others commit meanwhile, pages of an older snapshot are used again.
        const newer = newestMeta(path, file);
        if (newer.transaction === meta.transaction) throw error;
        meta = newer;
      }
    }
  } finally {
    closeSync(file);
  }
}

/** The size is read after the snapshot that it is compared with: the file only grows. */
function checkSnapshot(path: string, file: number, meta: Meta): void {
  const { size } = fstatSync(file);
  if (size >= (meta.lastPage + 1) * meta.pageBytes) return;
  for (const root of meta.roots) new TreeCheck(path, file, size, meta.pageBytes).check(root);
}

function newestMeta(path: string, file: number): Meta {
  const first = readMeta(path, file, 0);
  const second = readMeta(path, file, first.pageBytes);
  return second.transaction > first.transaction ? second : first;
}

function readMeta(path: string, file: number, at: number): Meta {
  const bytes = Buffer.alloc(PAGE_HEADER + 144);
  if (readSync(file, bytes, 0, bytes.length, at) < bytes.length)
    throw truncated(path, fstatSync(file).size, at + bytes.length);
  const pageBytes = bytes.readUInt32LE(PAGE_HEADER + 24);
  if (
    (bytes.readUInt16LE(18) & META) === 0 ||
    bytes.readUInt32LE(PAGE_HEADER) !== MAGIC ||
    (bytes.readUInt32LE(PAGE_HEADER + 4) & 0xffff) !== DATA_VERSION ||
    pageBytes < 512 ||
    pageBytes > 65_536
  )
    throw damagedFile(path, `page at byte ${at} is no meta page of a pointer table`);
  return {
    pageBytes,
    roots: [bytes.readBigUInt64LE(PAGE_HEADER + 64), bytes.readBigUInt64LE(PAGE_HEADER + 112)],
    lastPage: Number(bytes.readBigUInt64LE(PAGE_HEADER + 120)),
    transaction: bytes.readBigUInt64LE(PAGE_HEADER + 128),
  };
}

/** Visits every page that a tree uses, without the pages of big values, and requires all to lie in the file. */
class TreeCheck {
  readonly #path: string;
  readonly #file: number;
  readonly #size: number;
  readonly #pageBytes: number;

  constructor(path: string, file: number, size: number, pageBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
    this.#pageBytes = pageBytes;
  }

  check(root: bigint): void {
    const waiting = root === NO_ROOT ? [] : [root];
    for (let page = waiting.pop(); page !== undefined; page = waiting.pop())
      waiting.push(...this.#pagesBelow(page));
  }

  #pagesBelow(page: bigint): bigint[] {
    const bytes = this.#read(page);
    const flags = bytes.readUInt16LE(18);
    if ((flags & (BRANCH | LEAF)) === 0)
      throw damagedFile(this.#path, `page ${page} is part of a tree, but is no branch and no leaf`);
    const below: bigint[] = [];
    const nodes = bytes.readUInt16LE(20) >> 1;
    for (let i = 0; i < nodes; i++) {
      const node = bytes.subarray(bytes.readUInt16LE(PAGE_HEADER + 2 * i) + PAGE_HEADER);
      if (flags & BRANCH) below.push(BigInt(node.readUInt32LE(0)) | (BigInt(node.readUInt16LE(4)) << 32n));
      else this.#requireValue(node);
    }
    return below;
  }

  /** A value too big for its leaf has pages of its own: the first one and their number follow the key. */
  #requireValue(node: Buffer): void {
    if ((node.readUInt16LE(4) & BIG_DATA) === 0) return;
    const at = 8 + node.readUInt16LE(6);
    this.#require((node.readBigUInt64LE(at) + node.readBigUInt64LE(at + 16)) * BigInt(this.#pageBytes));
  }

  #read(page: bigint): Buffer {
    const bytes = Buffer.alloc(this.#pageBytes);
    this.#require((page + 1n) * BigInt(this.#pageBytes));
    readSync(this.#file, bytes, 0, bytes.length, Number(page) * this.#pageBytes);
    return bytes;
  }

  #require(bytes: bigint): void {
    if (bytes > BigInt(this.#size)) throw truncated(this.#path, this.#size, Number(bytes));
  }
}

function truncated(path: string, size: number, needed: number): StorageCorruptionError {
  return damagedFile(path, `it has ${size} bytes and needs at least ${needed}`);
}

function damagedFile(path: string, why: string): StorageCorruptionError {
  return new StorageCorruptionError(
    `open: the pointer table ${path} is damaged: ${why}. Move it away and run floecat restore (from a backup) or floecat rebuild (from the blobs)`,
    { operation: 'open' },
  );
}
