import type { Buffer } from 'node:buffer';

import type { Pointer } from '@floecat/storage-spi';
import type { Transaction } from 'lmdb';
import * as lmdb from 'lmdb';

import type { RowDatabase, RowSpace } from './pointer-table.ts';
import { RowDecoder } from './row-codec.ts';

/**
 * Ends the snapshot of a read transaction. The library calls it once a turn for the transaction of its own; it is
 * not in its typings. The exact version is pinned, and a test shows that reads are as fresh as this makes them.
 */
const native = (lmdb as unknown as { nativeAddon: { resetTxn(address: number): void } }).nativeAddon;

/** Called for each row; false ends the scan. The bytes are good until it returns. */
export type RowVisitor = (key: string, bytes: Buffer) => boolean;

/**
 * Reads that see every commit made before they began, by any thread or process. The library would keep one snapshot
 * for a whole turn of the event loop; here each read has its own and lets go of it at once, so that none keeps old
 * pages from being used again.
 */
export class LatestReads {
  readonly decoder = new RowDecoder();
  readonly #rows: RowDatabase;
  readonly #space: RowSpace;
  readonly #transaction: Transaction & { readonly address: number };
  readonly #options: { readonly transaction: Transaction };

  constructor(rows: RowDatabase, space: RowSpace) {
    this.#rows = rows;
    this.#space = space;
    this.#transaction = rows.useReadTransaction() as Transaction & { readonly address: number };
    this.#options = { transaction: this.#transaction };
    this.#release();
  }

  /** The row at `key`, expired or not. */
  get(key: string): Pointer | undefined {
    try {
      const bytes = this.#rows.getBinaryFast(this.#space.tableKey(key), this.#options);
      return bytes && this.decoder.decode(key, bytes, bytes.length);
    } finally {
      this.#release();
    }
  }

  /** Visits, in one snapshot, the rows that start with `prefix` and whose key is above `after`, in key order. */
  scan(prefix: string, after: string | undefined, visit: RowVisitor): void {
    const space = this.#space;
    const from = prefix === '' ? space.first : space.tableKey(prefix);
    const range = {
      ...this.#options,
      // The least key above another one has one more zero byte.
      start: after === undefined ? from : space.tableKey(`${after}\0`),
      end: space.end(prefix),
    };
    try {
      for (const { key, value } of this.#rows.getRange(range)) if (!visit(space.rowKey(key), value)) break;
    } finally {
      this.#release();
    }
  }

  close(): void {
    this.#transaction.done();
  }

  #release(): void {
    native.resetTxn(this.#transaction.address);
  }
}
