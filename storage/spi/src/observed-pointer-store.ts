import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { Observing, OperationEnd } from './observe-call.ts';
import { observeCall } from './observe-call.ts';
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
import type { StorageObserver } from './storage-observer.ts';
import { utf8Length } from './utf8.ts';

/**
 * Reports every operation of a store to `observer`, refused arguments too where it is put around a guarded store.
 * `clock` measures how long they take; default `systemClock`. `store` is what it is told as.
 */
export function observePointerStore(
  inner: PointerStore,
  observer: StorageObserver,
  clock: Clock = systemClock,
  store: 'pointers' | 'system' = 'pointers',
): PointerStore {
  return new ObservedPointerStore(inner, store, { observer, clock });
}

class ObservedPointerStore implements PointerStore {
  readonly #inner: PointerStore;
  readonly #store: 'pointers' | 'system';
  readonly #observing: Observing;

  constructor(inner: PointerStore, store: 'pointers' | 'system', observing: Observing) {
    this.#inner = inner;
    this.#store = store;
    this.#observing = observing;
  }

  get(key: string, options?: ReadOptions): Promise<Pointer | undefined> {
    return this.#observe('get', () => this.#inner.get(key, options), read);
  }

  getBatch(keys: readonly string[], options?: ReadOptions): Promise<readonly (Pointer | undefined)[]> {
    return this.#observe('getBatch', () => this.#inner.getBatch(keys, options), readMany);
  }

  compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    return this.#observe(
      'compareAndSet',
      () => this.#inner.compareAndSet(key, expected, next, options),
      (result) => (result.applied ? written([result.pointer]) : CONFLICT),
    );
  }

  compareAndDelete(
    key: string,
    expected: Expected,
    options?: WriteOptions & { readonly includeExpired?: boolean },
  ): Promise<DeleteResult> {
    return this.#observe(
      'compareAndDelete',
      () => this.#inner.compareAndDelete(key, expected, options),
      (result) => (result.applied ? { outcome: 'applied', items: 1 } : CONFLICT),
    );
  }

  compareAndSetBatch(operations: readonly BatchOperation[], options?: WriteOptions): Promise<BatchResult> {
    return this.#observe(
      'compareAndSetBatch',
      () => this.#inner.compareAndSetBatch(operations, options),
      (result) => (result.applied ? batchWritten(operations, result.pointers) : CONFLICT),
    );
  }

  listPointersByPrefix(prefix: string, options?: ListOptions): Promise<PointerPage> {
    return this.#observe(
      'listPointersByPrefix',
      () => this.#inner.listPointersByPrefix(prefix, options),
      ({ pointers }) => readMany(pointers),
    );
  }

  pageTokenAfterKey(prefix: string, key: string): Promise<string> {
    return this.#observe('pageTokenAfterKey', () => this.#inner.pageTokenAfterKey(prefix, key), none);
  }

  deleteByPrefix(
    prefix: string,
    options?: CallOptions & { readonly unconditional?: boolean; readonly everything?: boolean },
  ): Promise<{ readonly deleted: number; readonly skipped: number }> {
    return this.#observe(
      'deleteByPrefix',
      () => this.#inner.deleteByPrefix(prefix, options),
      ({ deleted }) => ({ items: deleted }),
    );
  }

  countByPrefix(prefix: string, options?: ReadOptions): Promise<number> {
    return this.#observe(
      'countByPrefix',
      () => this.#inner.countByPrefix(prefix, options),
      (items) => ({ items }),
    );
  }

  importPointers(
    entries: readonly Pointer[],
    mode: ImportMode,
    options?: CallOptions,
  ): Promise<ImportReport> {
    return this.#observe(
      'importPointers',
      () => this.#inner.importPointers(entries, mode, options),
      ({ imported, left }) => {
        const kept = new Set(left.map(({ key }) => key));
        const moved = entries.filter(({ key }) => !kept.has(key));
        return { items: imported, bytesWritten: bytesOf(moved) };
      },
    );
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #observe<T>(operation: string, body: () => Promise<T>, endOf: (result: T) => OperationEnd): Promise<T> {
    return observeCall(this.#observing, this.#store, operation, body, endOf);
  }
}

const CONFLICT: OperationEnd = { outcome: 'conflict' };

function none(): OperationEnd {
  return {};
}

function read(pointer: Pointer | undefined): OperationEnd {
  return readMany([pointer]);
}

function readMany(pointers: readonly (Pointer | undefined)[]): OperationEnd {
  const found = pointers.filter((pointer) => pointer !== undefined);
  return { items: found.length, bytesRead: bytesOf(found) };
}

function written(pointers: readonly Pointer[]): OperationEnd {
  return { outcome: 'applied', items: pointers.length, bytesWritten: bytesOf(pointers) };
}

/** Checks write nothing, though what they looked at is answered like what was written. */
function batchWritten(
  operations: readonly BatchOperation[],
  pointers: readonly (Pointer | undefined)[],
): OperationEnd {
  const upserted = pointers.filter((pointer, i) => pointer && operations[i]?.op === 'upsert');
  const deletes = operations.filter(({ op }) => op === 'delete').length;
  return {
    outcome: 'applied',
    items: upserted.length + deletes,
    bytesWritten: bytesOf(upserted as Pointer[]),
  };
}

function bytesOf(pointers: readonly Pointer[]): number {
  let bytes = 0;
  for (const pointer of pointers)
    bytes += utf8Length(pointer.key) + utf8Length(pointer.kind === 'blob' ? pointer.blobUri : pointer.value);
  return bytes;
}
