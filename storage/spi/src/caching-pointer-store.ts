import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import { InvalidArgumentError } from './errors.ts';
import type {
  BatchOperation,
  BatchResult,
  CasResult,
  DeleteResult,
  Expected,
  ImportMode,
  ImportReport,
  Pointer,
  PointerPage,
  PointerWrite,
} from './pointer.ts';
import type { CallOptions, ListOptions, PointerStore, ReadOptions, WriteOptions } from './pointer-store.ts';

const DEFAULT_MAX_ENTRIES = 10_000;

export interface PointerCacheOptions {
  /** How old a remembered pointer may be, in milliseconds, counted from when it was asked for. */
  readonly stalenessMs: number;
  /** Default 10,000. */
  readonly maxEntries?: number;
  readonly clock?: Clock;
}

/**
 * The same pointers; a read that asks for `consistency: 'eventual'` may be answered from memory, with what was there at
 * most `stalenessMs` ago. Every other read, and every listing, asks the store. What this client writes it forgets.
 */
export function cachePointerStore(inner: PointerStore, options: PointerCacheOptions): PointerStore {
  if (!(options.stalenessMs > 0))
    throw new InvalidArgumentError(
      `a staleness of ${options.stalenessMs} ms allows no pointer to be remembered`,
    );
  return new CachingPointerStore(inner, options);
}

interface Remembered {
  readonly pointer: Pointer;
  readonly asked: number;
}

type KeyMatch = (key: string) => boolean;

class CachingPointerStore implements PointerStore {
  readonly #inner: PointerStore;
  readonly #clock: Clock;
  readonly #stalenessMs: number;
  readonly #maxEntries: number;
  readonly #pointers = new Map<string, Remembered>();
  /** Of each read under way, what was written since it began: that is not remembered. */
  readonly #reading = new Set<KeyMatch[]>();

  constructor(inner: PointerStore, options: PointerCacheOptions) {
    this.#inner = inner;
    this.#clock = options.clock ?? systemClock;
    this.#stalenessMs = options.stalenessMs;
    this.#maxEntries = options.maxEntries ?? DEFAULT_MAX_ENTRIES;
  }

  async get(key: string, options?: ReadOptions): Promise<Pointer | undefined> {
    const [pointer] = await this.#through([key], options, async (_missing, read) => [
      await this.#inner.get(key, read),
    ]);
    return pointer;
  }

  getBatch(keys: readonly string[], options?: ReadOptions): Promise<readonly (Pointer | undefined)[]> {
    return this.#through(keys, options, (missing, read) => this.#inner.getBatch(missing, read));
  }

  compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    return this.#write(only(key), [key], () => this.#inner.compareAndSet(key, expected, next, options));
  }

  compareAndDelete(
    key: string,
    expected: Expected,
    options?: WriteOptions & { readonly includeExpired?: boolean },
  ): Promise<DeleteResult> {
    return this.#write(only(key), [key], () => this.#inner.compareAndDelete(key, expected, options));
  }

  compareAndSetBatch(operations: readonly BatchOperation[], options?: WriteOptions): Promise<BatchResult> {
    const keys = new Set(operations.map(({ key }) => key));
    return this.#write(
      (key) => keys.has(key),
      keys,
      () => this.#inner.compareAndSetBatch(operations, options),
    );
  }

  listPointersByPrefix(prefix: string, options?: ListOptions): Promise<PointerPage> {
    return this.#inner.listPointersByPrefix(prefix, options);
  }

  pageTokenAfterKey(prefix: string, key: string): Promise<string> {
    return this.#inner.pageTokenAfterKey(prefix, key);
  }

  deleteByPrefix(
    prefix: string,
    options?: CallOptions & { readonly unconditional?: boolean; readonly everything?: boolean },
  ): Promise<{ readonly deleted: number; readonly skipped: number }> {
    const below: KeyMatch = (key) => key.startsWith(prefix);
    return this.#write(below, undefined, () => this.#inner.deleteByPrefix(prefix, options));
  }

  countByPrefix(prefix: string, options?: ReadOptions): Promise<number> {
    return this.#inner.countByPrefix(prefix, options);
  }

  importPointers(
    entries: readonly Pointer[],
    mode: ImportMode,
    options?: CallOptions,
  ): Promise<ImportReport> {
    const keys = new Set(entries.map(({ key }) => key));
    return this.#write(
      (key) => keys.has(key),
      keys,
      () => this.#inner.importPointers(entries, mode, options),
    );
  }

  async close(): Promise<void> {
    this.#pointers.clear();
    await this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What may be answered from memory, and the rest from the store. */
  async #through(
    keys: readonly string[],
    options: ReadOptions | undefined,
    read: (missing: readonly string[], options?: ReadOptions) => Promise<readonly (Pointer | undefined)[]>,
  ): Promise<readonly (Pointer | undefined)[]> {
    if (options?.includeExpired === true) return read(keys, options);
    const stale = options?.consistency === 'eventual';
    const held = keys.map((key) => (stale ? this.#recall(key) : undefined));
    const missing = keys.filter((_, i) => held[i] === undefined);
    if (missing.length === 0 && keys.length > 0) return held;
    const written: KeyMatch[] = [];
    this.#reading.add(written);
    const asked = this.#clock.monotonic();
    try {
      // An eventual answer does not say how old it is, so what is remembered always comes from a strong one.
      const rows = await read(missing, stale ? { ...options, consistency: 'strong' } : options);
      for (const pointer of rows)
        if (pointer && !written.some((match) => match(pointer.key))) this.#remember({ pointer, asked });
      let next = 0;
      return held.map((pointer) => pointer ?? rows[next++]);
    } finally {
      this.#reading.delete(written);
    }
  }

  #recall(key: string): Pointer | undefined {
    const held = this.#pointers.get(key);
    if (!held) return undefined;
    const { pointer, asked } = held;
    const expired = pointer.expiresAt !== undefined && pointer.expiresAt * 1000 <= this.#clock.now();
    if (!expired && this.#clock.monotonic() - asked <= this.#stalenessMs) return pointer;
    this.#pointers.delete(key);
    return undefined;
  }

  #remember(held: Remembered): void {
    const { key } = held.pointer;
    this.#pointers.delete(key);
    this.#pointers.set(key, held);
    if (this.#pointers.size <= this.#maxEntries) return;
    for (const oldest of this.#pointers.keys()) {
      this.#pointers.delete(oldest);
      return;
    }
  }

  async #write<T>(match: KeyMatch, known: Iterable<string> | undefined, work: () => Promise<T>): Promise<T> {
    const forget = (): void => {
      for (const written of this.#reading) written.push(match);
      for (const key of known ?? this.#pointers.keys()) if (match(key)) this.#pointers.delete(key);
    };
    forget();
    try {
      return await work();
    } finally {
      forget();
    }
  }
}

function only(written: string): KeyMatch {
  return (key) => key === written;
}
