import type {
  BatchOperation,
  BatchResult,
  CallOptions,
  CasResult,
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
import { DEFAULT_PAGE_SIZE, PageTokens } from '@floecat/storage-spi';

import { BatchWriter } from './batch-writer.ts';
import type { Caller, DynamoTable } from './dynamo-table.ts';
import { importPointers } from './pointer-importer.ts';
import { PointerReader } from './pointer-reader.ts';
import { PointerWalker } from './pointer-walker.ts';
import { PointerTransactions } from './pointer-transactions.ts';
import { PointerWriter } from './pointer-writer.ts';
import { PrefixDeleter } from './prefix-deleter.ts';
import type { Shards } from './shards.ts';

export interface DynamoPointerStoreConfig {
  readonly table: DynamoTable;
  readonly storeId: string;
  readonly shards: Shards;
  /** Default `pointers`. */
  readonly tokenFamily?: 'pointers' | 'system';
  readonly random: RandomSource;
  /** Ends what was made for this store alone. Default: nothing. */
  readonly close?: () => Promise<void>;
}

/**
 * Pointers in one DynamoDB table. A compare-and-set, and a batch of one, is one conditional PutItem, a delete and any
 * other batch one TransactWriteItems; by version number, the row is read first. Listings are Queries: one where the prefix
 * holds the keys' whole scope, else one per shard, merged.
 *
 * Does no checking of arguments: hand it out through `guardPointerStore`, as `openDynamoPointers` does.
 */
export class DynamoPointerStore implements PointerStore {
  readonly #config: DynamoPointerStoreConfig;
  readonly #shards: Shards;
  readonly #tokens: PageTokens;
  readonly #family: 'pointers' | 'system';
  readonly #reader: PointerReader;
  readonly #walker: PointerWalker;
  readonly #writer: PointerWriter;
  readonly #batches: BatchWriter;
  readonly #deleter: PrefixDeleter;

  constructor(config: DynamoPointerStoreConfig) {
    const { table, shards, random } = config;
    const reader = new PointerReader(table, shards);
    this.#config = config;
    this.#shards = shards;
    this.#tokens = new PageTokens(config.storeId);
    this.#family = config.tokenFamily ?? 'pointers';
    this.#reader = reader;
    this.#walker = new PointerWalker(table, shards, reader);
    const transactions = new PointerTransactions(table, shards);
    this.#writer = new PointerWriter({ table, shards, reader, transactions, random });
    this.#batches = new BatchWriter({ table, shards, reader, transactions, random });
    this.#deleter = new PrefixDeleter({ table, shards, walker: this.#walker, transactions, random });
  }

  get(key: string, options?: ReadOptions): Promise<Pointer | undefined> {
    return this.#reader.get(callerOf('get', key, options), key, options);
  }

  getBatch(keys: readonly string[], options?: ReadOptions): Promise<readonly (Pointer | undefined)[]> {
    return this.#reader.getBatch(callerOf('getBatch', keys[0] ?? '', options), keys, options);
  }

  compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    return this.#writer.set(callerOf('compareAndSet', key, options), key, expected, next, options);
  }

  compareAndDelete(
    key: string,
    expected: Expected,
    options?: WriteOptions & { readonly includeExpired?: boolean },
  ): Promise<DeleteResult> {
    return this.#writer.delete(callerOf('compareAndDelete', key, options), key, expected, options);
  }

  async compareAndSetBatch(
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    const caller = callerOf('compareAndSetBatch', operations[0]?.key ?? '', options);
    const [first, ...others] = operations;
    if (first?.op !== 'upsert' || others.length > 0) return this.#batches.batch(caller, operations, options);
    // A transaction of one would cost twice as much.
    const result = await this.#writer.set(caller, first.key, first.expected, first.next, options);
    return result.applied
      ? { applied: true, pointers: [result.pointer] }
      : { applied: false, outcomes: [{ ok: false, current: result.current }] };
  }

  async listPointersByPrefix(prefix: string, options: ListOptions = {}): Promise<PointerPage> {
    const { limit = DEFAULT_PAGE_SIZE, pageToken } = options;
    const after = pageToken === undefined ? undefined : this.#tokens.decode(this.#family, prefix, pageToken);
    const caller = callerOf('listPointersByPrefix', prefix, options);
    const { pointers, position } = await this.#walker.page(caller, prefix, after, limit, options);
    if (position === undefined) return { pointers };
    return { pointers, nextPageToken: this.#tokens.encode(this.#family, prefix, position) };
  }

  async pageTokenAfterKey(prefix: string, key: string): Promise<string> {
    return this.#tokens.encode(this.#family, prefix, key);
  }

  deleteByPrefix(
    prefix: string,
    options?: CallOptions & { readonly unconditional?: boolean },
  ): Promise<{ deleted: number; skipped: number }> {
    const caller = callerOf('deleteByPrefix', prefix, options);
    return this.#deleter.delete(caller, prefix, options?.unconditional ?? false);
  }

  countByPrefix(prefix: string, options?: ReadOptions): Promise<number> {
    return this.#walker.count(callerOf('countByPrefix', prefix, options), prefix, options);
  }

  importPointers(
    entries: readonly Pointer[],
    mode: ImportMode,
    options?: CallOptions,
  ): Promise<ImportReport> {
    const caller = callerOf('importPointers', entries[0]?.key ?? '', options);
    return importPointers(this.#config.table, this.#shards, caller, entries, mode);
  }

  async close(): Promise<void> {
    await this.#config.close?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function callerOf(operation: string, key: string, options: CallOptions | undefined): Caller {
  return { operation, key, signal: options?.signal };
}
