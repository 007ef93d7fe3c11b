import { Buffer } from 'node:buffer';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

import type { StoreLayout } from '@floecat/storage-spi';
import { StorageCorruptionError } from '@floecat/storage-spi';
import type { Database, GetOptions } from 'lmdb';
import { open } from 'lmdb';

/** Address space, not disk: room for some fifty million pointers before the map has to move. LMDB grows it then. */
const MAP_BYTES = 16 * 2 ** 30;
export const PAGE_BYTES = 4096;
/** Each process that has the store open takes one or two. */
const MAX_READERS = 512;

/** Rows by key: keys as UTF-8, values as they come, never copied. */
export interface RowDatabase extends Database<Buffer, string> {
  /** The typings lack the options. The buffer is used again by the next read; its `length` is the value's. */
  getBinaryFast(key: string, options?: GetOptions): Buffer | undefined;
}

/**
 * The LMDB environment of one store. Pointers are in its unnamed database, which a transaction reaches without a
 * lookup. Keys that begin with {@link SYSTEM_BYTE}, which no UTF-8 string does, are the store's own: they sort after
 * all pointers, and every scan ends before them.
 */
export interface PointerTable {
  readonly rows: RowDatabase;
  close(): Promise<void>;
}

export const SYSTEM_BYTE = 0xff;
/** What the keys of system rows begin with, and the layout row's does not. */
const SYSTEM_PREFIX = Buffer.concat([Buffer.of(SYSTEM_BYTE), Buffer.from('rows')]);
/** How {@link SYSTEM_PREFIX} reads: its first byte is none of UTF-8. */
const SYSTEM_PREFIX_READ = '\ufffdrows';
const LAYOUT_KEY = Buffer.concat([Buffer.of(SYSTEM_BYTE), Buffer.from('layout')]);

/**
 * Opens the environment in `folder`, or makes it. A commit returns once it is flushed: without overlapping sync,
 * LMDB flushes the data, then writes the page that makes it current through a descriptor that flushes too.
 */
export function openPointerTable(folder: string): PointerTable {
  const rows = open<Buffer, string>({
    path: folder,
    // Or a folder with a dot in its name would be taken for a file.
    noSubdir: false,
    pageSize: PAGE_BYTES,
    mapSize: MAP_BYTES,
    maxReaders: MAX_READERS,
    overlappingSync: false,
    keyEncoder: KEYS,
    encoder: VALUES,
  });
  return { rows, close: () => rows.close() };
}

/** Where the rows of one store lie in the table. */
export interface RowSpace {
  readonly name: 'pointers' | 'system';
  /** The table's key for a row's. */
  tableKey(key: string): string;
  /** The row's key, of the table's as a scan reads it. */
  rowKey(read: string): string;
  /** Below every table key of the space: no row's key is empty. */
  readonly first: string;
  /** Rows that start with `prefix` end before this table key. */
  end(prefix: string): string;
}

// The typings know keys as strings only; the encoder takes bytes as they are.
const asKey = (bytes: Uint8Array): string => bytes as unknown as string;

export const POINTER_SPACE: RowSpace = {
  name: 'pointers',
  tableKey: (key) => key,
  rowKey: (read) => read,
  first: '\0',
  end: (prefix) => asKey(prefix === '' ? Buffer.of(SYSTEM_BYTE) : successorOf(Buffer.from(prefix, 'utf8'))),
};

export const SYSTEM_SPACE: RowSpace = {
  name: 'system',
  tableKey: (key) => asKey(systemKey(key)),
  rowKey: (read) => read.slice(SYSTEM_PREFIX_READ.length),
  first: asKey(SYSTEM_PREFIX),
  end: (prefix) => asKey(successorOf(systemKey(prefix))),
};

function systemKey(key: string): Buffer {
  return Buffer.concat([SYSTEM_PREFIX, Buffer.from(key, 'utf8')]);
}

/** Above every key that starts with these bytes. The last of them is below 0xFF, so it can be raised. */
function successorOf(bytes: Buffer): Buffer {
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) + 1;
  return bytes;
}

const KEYS = {
  writeKey(key: string | Uint8Array, target: Buffer, start: number): number {
    if (typeof key === 'string') return start + target.write(key, start, 'utf8');
    target.set(key, start);
    return start + key.length;
  },
  readKey(source: Buffer, start: number, end: number): string {
    return source.toString('utf8', start, end);
  },
};

const VALUES = {
  encode: (value: Buffer): Buffer => value,
  decode: (value: Buffer): Buffer => value,
};

/** Which file the table in `folder` is, whatever it is called; `undefined` if there is none. */
export function tableFileOf(folder: string): string | undefined {
  const found = statSync(join(folder, 'data.mdb'), { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

export function readLayout(table: PointerTable, folder: string): StoreLayout | undefined {
  const bytes = table.rows.getBinary(LAYOUT_KEY as unknown as string);
  if (bytes === undefined) return undefined;
  const json = bytes.subarray(4);
  if (bytes.length < 4 || bytes.readUInt32LE(0) !== crc32(json))
    throw new StorageCorruptionError(
      `the layout row in ${folder} fails its checksum; restore the pointer table (floecat restore)`,
      { operation: 'open' },
    );
  return JSON.parse(json.toString('utf8')) as StoreLayout;
}

export function writeLayout(table: PointerTable, layout: StoreLayout): void {
  const json = Buffer.from(JSON.stringify(layout), 'utf8');
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(json));
  table.rows.transactionSync(() => {
    void table.rows.put(LAYOUT_KEY as unknown as string, Buffer.concat([checksum, json]));
  });
}
