import type {
  BatchOperation,
  BatchResult,
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
  decideBatch,
  decideImport,
  isExpired,
  lowerBound,
  matches,
  PageTokens,
} from '@floecat/storage-spi';

import { SortedMap } from './sorted-map.ts';

export interface MemoryPointerStoreConfig {
  readonly storeId: string;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Default `pointers`. */
  readonly tokenFamily?: 'pointers' | 'system';
}

/** The reference PointerStore. Every operation is atomic because it runs without a pause. */
export class MemoryPointerStore implements PointerStore {
  readonly #config: MemoryPointerStoreConfig;
  readonly #tokens: PageTokens;
  readonly #family: 'pointers' | 'system';
  readonly #rows = new SortedMap<Pointer>();

  constructor(config: MemoryPointerStoreConfig) {
    this.#config = config;
    this.#tokens = new PageTokens(config.storeId);
    this.#family = config.tokenFamily ?? 'pointers';
  }

  async get(key: string, options?: ReadOptions): Promise<Pointer | undefined> {
    return this.#read(key, options?.includeExpired);
  }

  async getBatch(keys: readonly string[], options?: ReadOptions): Promise<readonly (Pointer | undefined)[]> {
    return keys.map((key) => this.#read(key, options?.includeExpired));
  }

  async compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    const result = this.#apply([{ op: 'upsert', key, expected, next }], options);
    if (!result.applied) return { applied: false, current: this.#read(key) };
    return { applied: true, pointer: result.pointers[0] as Pointer };
  }

  async compareAndDelete(
    key: string,
    expected: Expected,
    options?: WriteOptions & { readonly includeExpired?: boolean },
  ): Promise<DeleteResult> {
    const current = this.#read(key, options?.includeExpired);
    if (!current || !matches(current, expected)) return { applied: false, current };
    this.#rows.delete(key);
    return { applied: true, deleted: current };
  }

  async compareAndSetBatch(
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    return this.#apply(operations, options);
  }

  async listPointersByPrefix(prefix: string, options: ListOptions = {}): Promise<PointerPage> {
    const { limit = DEFAULT_PAGE_SIZE, pageToken, includeExpired } = options;
    const after = pageToken === undefined ? undefined : this.#tokens.decode(this.#family, prefix, pageToken);
    const keys = this.#rows.keys;
    const pointers: Pointer[] = [];
    let i =
      after === undefined
        ? lowerBound(keys, prefix, (key) => key)
        : lowerBound(keys, after, (key) => key, true);
    for (; i < keys.length && pointers.length < limit; i++) {
      const key = keys[i] as string;
      if (!key.startsWith(prefix)) break;
      const pointer = this.#read(key, includeExpired);
      if (pointer) pointers.push(pointer);
    }
    const last = pointers.at(-1);
    const more = i < keys.length && (keys[i] as string).startsWith(prefix);
    if (!more || !last) return { pointers };
    return { pointers, nextPageToken: this.#tokens.encode(this.#family, prefix, last.key) };
  }

  async pageTokenAfterKey(prefix: string, key: string): Promise<string> {
    return this.#tokens.encode(this.#family, prefix, key);
  }

  async deleteByPrefix(prefix: string): Promise<{ deleted: number; skipped: number }> {
    let deleted = 0;
    for (const key of this.#rows.keysFrom(prefix)) {
      if (!key.startsWith(prefix)) break;
      if (this.#read(key)) deleted++;
      this.#rows.delete(key);
    }
    return { deleted, skipped: 0 };
  }

  async countByPrefix(prefix: string, options?: ReadOptions): Promise<number> {
    let count = 0;
    for (const key of this.#rows.keysFrom(prefix)) {
      if (!key.startsWith(prefix)) break;
      if (this.#read(key, options?.includeExpired)) count++;
    }
    return count;
  }

  async importPointers(entries: readonly Pointer[], mode: ImportMode): Promise<ImportReport> {
    const left: ImportReport['left'][number][] = [];
    for (const entry of entries) {
      const obstacle = decideImport(entry, this.#read(entry.key), mode);
      if (obstacle) left.push(obstacle);
      else this.#rows.set(entry.key, Object.freeze({ ...entry }));
    }
    return { imported: entries.length - left.length, left };
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #read(key: string, includeExpired = false): Pointer | undefined {
    const pointer = this.#rows.get(key);
    return pointer && (includeExpired || !isExpired(pointer, this.#config.clock.now())) ? pointer : undefined;
  }

  #apply(operations: readonly BatchOperation[], options?: WriteOptions): BatchResult {
    const { clock, random } = this.#config;
    const write = { writeId: options?.writeId ?? random.uuid(), now: clock.now() };
    const decision = decideBatch(operations, (key) => this.#read(key), write);
    if (!decision.applied) return decision;
    for (const [key, pointer] of decision.writes) {
      if (pointer) this.#rows.set(key, pointer);
      else this.#rows.delete(key);
    }
    return { applied: true, pointers: decision.pointers };
  }
}
