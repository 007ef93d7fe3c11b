import type {
  BatchOperation,
  BatchResult,
  CallOptions,
  CasResult,
  Clock,
  DeleteResult,
  Expected,
  ImportMode,
  ImportReport,
  ListOptions,
  Pointer,
  PointerPage,
  PointerStore,
  PointerWrite,
  RandomSource,
  ReadOptions,
  WriteOptions,
} from '@floecat/storage-spi';
import {
  DEFAULT_PAGE_SIZE,
  isExpired,
  nextPointer,
  PageTokens,
  StorageCorruptionError,
} from '@floecat/storage-spi';

import type { Health } from './health.ts';
import { LatestReads } from './latest-reads.ts';
import { frozen, plain, seen, stored, written } from './plain-requests.ts';
import type { PointerTable, RowSpace } from './pointer-table.ts';
import type { PointerWriter } from './pointer-writer.ts';
import type { ListedRow } from './write-requests.ts';

/** Rows looked at before the event loop gets its turn. */
const ROWS_PER_TURN = 2_000;
/** Rows of one transaction of a call that writes many. */
const ROWS_PER_TRANSACTION = 1_000;

export interface LocalPointerStoreConfig {
  readonly table: PointerTable;
  readonly writer: PointerWriter;
  /** Which rows of the table are this store's. */
  readonly space: RowSpace;
  readonly storeId: string;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly health: Health;
  /** Called once it is closed: table and writer are shared. */
  readonly release: () => Promise<void>;
}

/**
 * Pointers in LMDB. Reads go to the newest snapshot without waiting; writes are decided and committed by a thread,
 * atomic between processes too, and acknowledged once flushed.
 *
 * A damaged row gives `STORAGE_CORRUPTION` that names its key, in every call that has to read it: `getBatch` fails
 * with it, a count or a conditional delete ends at it, and a listing ends the page before it, so that the call
 * which begins at it throws. `pageTokenAfterKey` goes on behind it; `deleteByPrefix` with `unconditional` removes it.
 */
export class LocalPointerStore implements PointerStore {
  readonly #config: LocalPointerStoreConfig;
  readonly #tokens: PageTokens;
  readonly #reads: LatestReads;

  constructor(config: LocalPointerStoreConfig) {
    this.#config = config;
    this.#tokens = new PageTokens(config.storeId);
    this.#reads = new LatestReads(config.table.rows, config.space);
  }

  async get(key: string, options?: ReadOptions): Promise<Pointer | undefined> {
    this.#config.health.check('get', key);
    return this.#visible(this.#reads.get(key), options);
  }

  async getBatch(keys: readonly string[], options?: ReadOptions): Promise<readonly (Pointer | undefined)[]> {
    this.#config.health.check('getBatch', keys[0] ?? '');
    const found: (Pointer | undefined)[] = [];
    for (const [i, key] of keys.entries()) {
      if (i > 0 && i % ROWS_PER_TURN === 0) await this.#nextTurn('getBatch', key, options);
      found.push(this.#visible(this.#reads.get(key), options));
    }
    return found;
  }

  async compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    const { clock, random, writer, health, space } = this.#config;
    health.check('compareAndSet', key);
    const write = { writeId: options?.writeId ?? random.uuid(), now: clock.now() };
    const answer = await writer.submit('compareAndSet', key, {
      kind: 'set',
      space: space.name,
      key,
      expected: seen(expected),
      next: written(next),
      ...write,
    });
    if (!answer.applied) return { applied: false, current: frozen(answer.current) };
    // Its version and ids are all that the next one takes over.
    return { applied: true, pointer: nextPointer(key, answer.previous as Pointer | undefined, next, write) };
  }

  async compareAndDelete(
    key: string,
    expected: Expected,
    options?: WriteOptions & { readonly includeExpired?: boolean },
  ): Promise<DeleteResult> {
    const { clock, writer, health, space } = this.#config;
    health.check('compareAndDelete', key);
    const answer = await writer.submit('compareAndDelete', key, {
      kind: 'delete',
      space: space.name,
      key,
      expected: seen(expected),
      includeExpired: options?.includeExpired ?? false,
      now: clock.now(),
    });
    return answer.applied
      ? { applied: true, deleted: Object.freeze(answer.deleted) }
      : { applied: false, current: frozen(answer.current) };
  }

  async compareAndSetBatch(
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    const { clock, random, writer, health, space } = this.#config;
    const key = operations[0]?.key ?? '';
    health.check('compareAndSetBatch', key);
    const writeId = options?.writeId ?? random.uuid();
    const answer = await writer.submit('compareAndSetBatch', key, {
      kind: 'batch',
      space: space.name,
      operations: operations.map(plain),
      writeId,
      now: clock.now(),
    });
    if (answer.applied) return { applied: true, pointers: answer.pointers.map(frozen) };
    const outcomes = answer.outcomes.map((outcome) =>
      outcome.ok ? outcome : { ok: outcome.ok, current: frozen(outcome.current) },
    );
    return { applied: false, outcomes };
  }

  async listPointersByPrefix(prefix: string, options: ListOptions = {}): Promise<PointerPage> {
    this.#config.health.check('listPointersByPrefix', prefix);
    const { limit = DEFAULT_PAGE_SIZE, pageToken } = options;
    const after =
      pageToken === undefined ? undefined : this.#tokens.decode(this.#config.space.name, prefix, pageToken);
    const pointers: Pointer[] = [];
    let position = after;
    let more = false;
    let scanned = 0;
    this.#reads.scan(prefix, after, (key, bytes) => {
      more = pointers.length === limit || scanned++ === limit + ROWS_PER_TURN;
      if (more) return false;
      try {
        const pointer = this.#visible(this.#reads.decoder.decode(key, bytes, bytes.length), options);
        if (pointer) pointers.push(pointer);
      } catch (error) {
        if (!(error instanceof StorageCorruptionError) || pointers.length === 0) throw error;
        more = true;
        return false;
      }
      position = key;
      return true;
    });
    if (!more || position === undefined) return { pointers };
    return { pointers, nextPageToken: this.#tokens.encode(this.#config.space.name, prefix, position) };
  }

  async pageTokenAfterKey(prefix: string, key: string): Promise<string> {
    return this.#tokens.encode(this.#config.space.name, prefix, key);
  }

  async deleteByPrefix(
    prefix: string,
    options?: CallOptions & { readonly unconditional?: boolean },
  ): Promise<{ deleted: number; skipped: number }> {
    const { writer, health, space } = this.#config;
    const total = { deleted: 0, skipped: 0 };
    let after: string | undefined;
    for (;;) {
      health.check('deleteByPrefix', prefix);
      options?.signal?.throwIfAborted();
      const rows = this.#rowsToDelete(prefix, after, options?.unconditional === true);
      const last = rows.at(-1);
      if (!last) return total;
      const { deleted, skipped } = await writer.submit('deleteByPrefix', prefix, {
        kind: 'delete-listed',
        space: space.name,
        rows,
      });
      total.deleted += deleted;
      total.skipped += skipped;
      after = last.key;
    }
  }

  async countByPrefix(prefix: string, options?: ReadOptions): Promise<number> {
    this.#config.health.check('countByPrefix', prefix);
    const { decoder } = this.#reads;
    let count = 0;
    for (let after: string | undefined; ;) {
      const now = this.#config.clock.now();
      let scanned = 0;
      let last: string | undefined;
      this.#reads.scan(prefix, after, (key, bytes) => {
        const expiresAt = decoder.expiry(key, bytes, bytes.length);
        if (options?.includeExpired || expiresAt === 0 || expiresAt * 1000 > now) count++;
        last = key;
        return ++scanned < ROWS_PER_TURN;
      });
      if (scanned < ROWS_PER_TURN) return count;
      after = last;
      await this.#nextTurn('countByPrefix', prefix, options);
    }
  }

  async importPointers(
    entries: readonly Pointer[],
    mode: ImportMode,
    options?: CallOptions,
  ): Promise<ImportReport> {
    const { writer, health, clock, space } = this.#config;
    const left: ImportReport['left'][number][] = [];
    let imported = 0;
    for (let from = 0; from < entries.length; from += ROWS_PER_TRANSACTION) {
      const part = entries.slice(from, from + ROWS_PER_TRANSACTION).map(stored);
      const key = part[0]?.key ?? '';
      health.check('importPointers', key);
      options?.signal?.throwIfAborted();
      const report = await writer.submit('importPointers', key, {
        kind: 'import',
        space: space.name,
        entries: part,
        mode,
        now: clock.now(),
      });
      imported += report.imported;
      for (const row of report.left) left.push({ ...row, current: Object.freeze(row.current) });
    }
    return { imported, left };
  }

  async close(): Promise<void> {
    this.#reads.close();
    await this.#config.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #visible(pointer: Pointer | undefined, options: ReadOptions | undefined): Pointer | undefined {
    if (pointer?.expiresAt === undefined || options?.includeExpired) return pointer;
    return isExpired(pointer, this.#config.clock.now()) ? undefined : pointer;
  }

  #rowsToDelete(prefix: string, after: string | undefined, unconditional: boolean): ListedRow[] {
    const now = this.#config.clock.now();
    const rows: ListedRow[] = [];
    this.#reads.scan(prefix, after, (key, bytes) => {
      const pointer = this.#decodeUnless(unconditional, key, bytes);
      const counts = !pointer || !isExpired(pointer, now);
      rows.push(
        pointer && !unconditional
          ? { key, counts, seen: { version: pointer.version, writeId: pointer.writeId } }
          : { key, counts },
      );
      return rows.length < ROWS_PER_TRANSACTION;
    });
    return rows;
  }

  /** A damaged row cannot be compared, but it can be deleted by who asked for no comparison. */
  #decodeUnless(unconditional: boolean, key: string, bytes: Buffer): Pointer | undefined {
    try {
      return this.#reads.decoder.decode(key, bytes, bytes.length);
    } catch (error) {
      if (unconditional && error instanceof StorageCorruptionError) return undefined;
      throw error;
    }
  }

  /** Lets the event loop go on in the middle of a long call. */
  async #nextTurn(operation: string, key: string, options: CallOptions | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    options?.signal?.throwIfAborted();
    this.#config.health.check(operation, key);
  }
}
