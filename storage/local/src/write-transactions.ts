import { statfsSync } from 'node:fs';
import { constants } from 'node:os';

import type { Pointer } from '@floecat/storage-spi';
import { StorageCorruptionError } from '@floecat/storage-spi';
import { TransactionFlags } from 'lmdb';

import type { PointerTable, RowSpace } from './pointer-table.ts';
import { PAGE_BYTES, POINTER_SPACE, SYSTEM_SPACE } from './pointer-table.ts';
import { encodeRow, RowDecoder } from './row-codec.ts';
import type { WritableRows, WriteRequest } from './write-requests.ts';
import { applyRequest, rowsOf, weightOf } from './write-requests.ts';
import type { WriteFailure, WriterResult, WriterSettings } from './writer-protocol.ts';

const MDB_MAP_FULL = -30792;
/** How LMDB says, in the error of a commit, that it failed while it wrote pages that nothing refers to yet. */
const PAGE_WRITE = 'Attempting to write page';
/** What a transaction leaves free at least: for its free list, and for who writes at the same time. */
const RESERVE_BYTES = 1024 * 1024;
/** With less left on the disk than this, a write that came up short is taken for a full disk. */
const NO_ROOM_BYTES = 8 * 1024 * 1024;
/** What a row makes LMDB write at most besides its value: the pages from the root to its leaf, and one split off. */
const ROW_BYTES = 5 * PAGE_BYTES;
/** Of a UTF-16 unit at most; weights count those. */
const UTF8_BYTES = 3;
const COMMITS_BETWEEN_READER_CHECKS = 4096;

/**
 * Runs requests in write transactions, many in one. The transactions are synchronous: a commit that fails throws
 * here, so that it is known which requests were lost. For that reason this has a thread of its own.
 */
export class WriteTransactions {
  readonly #table: PointerTable;
  readonly #settings: WriterSettings;
  readonly #rows: Readonly<Record<RowSpace['name'], WritableRows>>;
  readonly #flags: TransactionFlags;
  #dead: WriteFailure | undefined;
  #commits = 0;

  constructor(table: PointerTable, settings: WriterSettings) {
    this.#table = table;
    this.#settings = settings;
    this.#rows = { pointers: writableRows(table, POINTER_SPACE), system: writableRows(table, SYSTEM_SPACE) };
    const { ABORTABLE, SYNCHRONOUS_COMMIT, NO_SYNC_FLUSH } = TransactionFlags;
    const flags = ABORTABLE | SYNCHRONOUS_COMMIT | (settings.flush ? 0 : NO_SYNC_FLUSH);
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the typings know no combined flags
    this.#flags = flags;
  }

  /** Commits a group together; one request of it never changes the outcome of another. */
  run(group: readonly WriteRequest[]): WriterResult[] {
    const dead = this.#dead;
    if (dead) return group.map(() => ({ failure: { kind: 'failed', message: dead.message } }));
    const results: WriterResult[] = [];
    const shortage = this.#shortage(group);
    if (shortage && group.length > 1) return group.flatMap((request) => this.run([request]));
    if (shortage) return [{ failure: shortage }];
    try {
      this.#transact(() => {
        for (const request of group) results.push(this.#attempt(request));
      });
    } catch (error) {
      const failure = this.#failureOf(error as Error & { code?: unknown });
      // One of them may be what is too large.
      if (failure.kind === 'full' && group.length > 1) return group.flatMap((request) => this.run([request]));
      if (failure.kind !== 'full') this.#dead = failure;
      return group.map(() => ({ failure }));
    }
    if (++this.#commits % COMMITS_BETWEEN_READER_CHECKS === 0) this.#table.rows.readerCheck();
    return results;
  }

  /**
   * Refuses while there is still room: LMDB's own report of a disk that is full overruns a buffer, and may end the
   * process.
   */
  #shortage(group: readonly WriteRequest[]): WriteFailure | undefined {
    let needed = RESERVE_BYTES;
    for (const request of group) needed += UTF8_BYTES * weightOf(request) + rowsOf(request) * ROW_BYTES;
    const free = this.#freeBytes();
    if (free >= needed) return undefined;
    return { kind: 'full', message: `${free} bytes are free, and this may need ${needed}` };
  }

  #freeBytes(): number {
    try {
      const { bavail, bsize } = statfsSync(this.#settings.folder);
      return bavail * bsize;
    } catch {
      // The folder was moved, but the file in it is open: LMDB will tell.
      return Infinity;
    }
  }

  #attempt(request: WriteRequest): WriterResult {
    try {
      return { answer: applyRequest(request, this.#rows[request.space]) };
    } catch (error) {
      // It decides before it writes, so the transaction is as it was.
      if (!(error instanceof StorageCorruptionError)) throw error;
      return { failure: { kind: 'damaged', key: error.key ?? '', message: error.message } };
    }
  }

  /** Nothing may be returned into the library: a promise would keep the transaction open. */
  #transact(body: () => void): void {
    this.#table.rows.transactionSync(() => {
      body();
    }, this.#flags);
  }

  #failureOf(error: Error & { code?: unknown }): WriteFailure {
    const message = `${error.message} (${String(error.code)})`;
    // Only a failure on the last page, which makes the transaction current, leaves the environment broken.
    if (!this.#stillWorks()) return { kind: 'unknown', message };
    return { kind: this.#isFull(error) ? 'full' : 'failed', message };
  }

  #stillWorks(): boolean {
    try {
      this.#transact(() => undefined);
      return true;
    } catch {
      return false;
    }
  }

  #isFull({ code, message }: Error & { code?: unknown }): boolean {
    const { ENOSPC, EDQUOT, EIO } = constants.errno;
    if (code === MDB_MAP_FULL) return true;
    // Without that remark the flush failed, and a flush that failed is not repeated.
    if (code === ENOSPC || code === EDQUOT) return message.includes(PAGE_WRITE);
    if (code !== EIO || message.includes(PAGE_WRITE)) return false;
    // LMDB says EIO also where the disk took only a part of what was written.
    return this.#freeBytes() < NO_ROOM_BYTES;
  }
}

function writableRows({ rows }: PointerTable, space: RowSpace): WritableRows {
  const decoder = new RowDecoder();
  return {
    get(key: string): Pointer | undefined {
      const bytes = rows.getBinaryFast(space.tableKey(key));
      return bytes && decoder.decode(key, bytes, bytes.length);
    },
    has: (key: string) => rows.getBinaryFast(space.tableKey(key)) !== undefined,
    put(pointer: Pointer): void {
      void rows.put(space.tableKey(pointer.key), encodeRow(pointer));
    },
    remove(key: string): void {
      void rows.remove(space.tableKey(key));
    },
  };
}
