import { CallGate } from './call-gate.ts';
import * as check from './checks.ts';
import { MAX_KEY_BYTES } from './limits.ts';
import type { ImportMode, ImportReport, Pointer, PointerPage } from './pointer.ts';
import type {
  BatchOperation,
  BatchResult,
  CasResult,
  DeleteResult,
  Expected,
  PointerWrite,
} from './pointer.ts';
import type { CallOptions, ListOptions, PointerStore, ReadOptions, WriteOptions } from './pointer-store.ts';

/**
 * Wraps a backend so that it only ever sees valid arguments, honours abort signals and is closed once. Every
 * backend is handed out in this wrapper.
 */
export function guardPointerStore(inner: PointerStore, options: PointerGuardOptions = {}): PointerStore {
  return new GuardedPointerStore(inner, options);
}

export interface PointerGuardOptions {
  /** Of a key, in UTF-8. Default `MAX_KEY_BYTES`. */
  readonly maxKeyBytes?: number;
}

class GuardedPointerStore implements PointerStore {
  readonly #inner: PointerStore;
  readonly #maxKeyBytes: number;
  readonly #gate = new CallGate();

  constructor(inner: PointerStore, { maxKeyBytes = MAX_KEY_BYTES }: PointerGuardOptions) {
    this.#inner = inner;
    this.#maxKeyBytes = maxKeyBytes;
  }

  async get(key: string, options?: ReadOptions): Promise<Pointer | undefined> {
    check.checkKey('get', key, this.#maxKeyBytes);
    return this.#read('get', key, options, () => this.#inner.get(key, options));
  }

  async getBatch(keys: readonly string[], options?: ReadOptions): Promise<readonly (Pointer | undefined)[]> {
    for (const key of keys) check.checkKey('getBatch', key, this.#maxKeyBytes);
    return this.#read('getBatch', keys[0] ?? '', options, () => this.#inner.getBatch(keys, options));
  }

  async compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    const refuse = check.refuser('compareAndSet', key);
    check.checkKey('compareAndSet', key, this.#maxKeyBytes);
    check.checkExpected(expected, key, refuse);
    check.checkWrite(key, next, refuse);
    check.checkWriteId(options?.writeId, refuse);
    return this.#write('compareAndSet', key, options, () =>
      this.#inner.compareAndSet(key, expected, next, options),
    );
  }

  async compareAndDelete(
    key: string,
    expected: Expected,
    options?: WriteOptions & { readonly includeExpired?: boolean },
  ): Promise<DeleteResult> {
    const refuse = check.refuser('compareAndDelete', key);
    check.checkKey('compareAndDelete', key, this.#maxKeyBytes);
    check.checkExpected(expected, key, refuse, false);
    check.checkWriteId(options?.writeId, refuse);
    return this.#write('compareAndDelete', key, options, () =>
      this.#inner.compareAndDelete(key, expected, options),
    );
  }

  async compareAndSetBatch(
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    check.checkBatch(operations, this.#maxKeyBytes);
    check.checkWriteId(options?.writeId, check.refuser('compareAndSetBatch', operations[0]?.key ?? ''));
    return this.#write('compareAndSetBatch', operations[0]?.key ?? '', options, async () =>
      operations.length === 0
        ? { applied: true, pointers: [] }
        : this.#inner.compareAndSetBatch(operations, options),
    );
  }

  async listPointersByPrefix(prefix: string, options?: ListOptions): Promise<PointerPage> {
    check.checkPrefix('listPointersByPrefix', prefix, this.#maxKeyBytes);
    const limit = check.checkLimit(options?.limit, 'listPointersByPrefix');
    return this.#read('listPointersByPrefix', prefix, options, () =>
      this.#inner.listPointersByPrefix(prefix, { ...options, limit }),
    );
  }

  async pageTokenAfterKey(prefix: string, key: string): Promise<string> {
    check.checkPrefix('pageTokenAfterKey', prefix, this.#maxKeyBytes);
    check.checkKey('pageTokenAfterKey', key, this.#maxKeyBytes);
    if (!key.startsWith(prefix))
      check.refuser('pageTokenAfterKey', key)(`does not start with the prefix ${JSON.stringify(prefix)}`);
    return this.#read('pageTokenAfterKey', key, undefined, () => this.#inner.pageTokenAfterKey(prefix, key));
  }

  async deleteByPrefix(
    prefix: string,
    options?: CallOptions & { readonly unconditional?: boolean; readonly everything?: boolean },
  ): Promise<{ deleted: number; skipped: number }> {
    check.checkPrefix('deleteByPrefix', prefix, this.#maxKeyBytes);
    if (prefix === '' && options?.everything !== true)
      check.refuser(
        'deleteByPrefix',
        prefix,
      )('an empty prefix deletes everything; say so with { everything: true }');
    return this.#write('deleteByPrefix', prefix, options, () => this.#inner.deleteByPrefix(prefix, options));
  }

  async countByPrefix(prefix: string, options?: ReadOptions): Promise<number> {
    check.checkPrefix('countByPrefix', prefix, this.#maxKeyBytes);
    return this.#read('countByPrefix', prefix, options, () => this.#inner.countByPrefix(prefix, options));
  }

  async importPointers(
    entries: readonly Pointer[],
    mode: ImportMode,
    options?: CallOptions,
  ): Promise<ImportReport> {
    check.checkImport(entries, this.#maxKeyBytes);
    if (mode !== 'if-absent' && mode !== 'if-lower')
      check.refuser('importPointers', '')(`unknown mode ${JSON.stringify(mode)}`);
    return this.#write('importPointers', entries[0]?.key ?? '', options, () =>
      this.#inner.importPointers(entries, mode, options),
    );
  }

  close(): Promise<void> {
    return this.#gate.close(() => this.#inner.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #read<T>(
    operation: string,
    key: string,
    options: CallOptions | undefined,
    body: () => Promise<T>,
  ): Promise<T> {
    return this.#gate.run({ operation, key, write: false, signal: options?.signal }, body);
  }

  #write<T>(
    operation: string,
    key: string,
    options: CallOptions | undefined,
    body: () => Promise<T>,
  ): Promise<T> {
    return this.#gate.run({ operation, key, write: true, signal: options?.signal }, body);
  }
}
