import type {
  BatchOperation,
  BatchOutcome,
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
  ReadOptions,
  WriteOptions,
} from '@floecat/storage-spi';

/** What their keys begin with in the table, and the layout row's does not. Part of the format. */
export const SYSTEM_ROWS = 'rows';

/**
 * The store's own rows: those of the system shard whose key begins with {@link SYSTEM_ROWS}, under what follows it.
 * Errors of the table below name the key as it is there.
 */
export class SystemRows implements PointerStore {
  readonly #table: PointerStore;

  /** `table` keeps everything in the system shard. */
  constructor(table: PointerStore) {
    this.#table = table;
  }

  async get(key: string, options?: ReadOptions): Promise<Pointer | undefined> {
    return outer(await this.#table.get(inner(key), options));
  }

  async getBatch(keys: readonly string[], options?: ReadOptions): Promise<readonly (Pointer | undefined)[]> {
    return (await this.#table.getBatch(keys.map(inner), options)).map(outer);
  }

  async compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    const result = await this.#table.compareAndSet(inner(key), innerExpected(expected), next, options);
    return result.applied
      ? { applied: true, pointer: outerRow(result.pointer) }
      : { applied: false, current: outer(result.current) };
  }

  async compareAndDelete(
    key: string,
    expected: Expected,
    options?: WriteOptions & { readonly includeExpired?: boolean },
  ): Promise<DeleteResult> {
    const result = await this.#table.compareAndDelete(inner(key), innerExpected(expected), options);
    return result.applied
      ? { applied: true, deleted: outerRow(result.deleted) }
      : { applied: false, current: outer(result.current) };
  }

  async compareAndSetBatch(
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    const result = await this.#table.compareAndSetBatch(operations.map(innerOperation), options);
    if (result.applied) return { applied: true, pointers: result.pointers.map(outer) };
    const outcomes = result.outcomes.map((outcome): BatchOutcome =>
      outcome.ok ? outcome : { ok: false, current: outer(outcome.current) },
    );
    return { applied: false, outcomes };
  }

  async listPointersByPrefix(prefix: string, options?: ListOptions): Promise<PointerPage> {
    const page = await this.#table.listPointersByPrefix(inner(prefix), options);
    return { ...page, pointers: page.pointers.map(outerRow) };
  }

  pageTokenAfterKey(prefix: string, key: string): Promise<string> {
    return this.#table.pageTokenAfterKey(inner(prefix), inner(key));
  }

  deleteByPrefix(
    prefix: string,
    options?: CallOptions & { readonly unconditional?: boolean },
  ): Promise<{ deleted: number; skipped: number }> {
    return this.#table.deleteByPrefix(inner(prefix), options);
  }

  countByPrefix(prefix: string, options?: ReadOptions): Promise<number> {
    return this.#table.countByPrefix(inner(prefix), options);
  }

  async importPointers(
    entries: readonly Pointer[],
    mode: ImportMode,
    options?: CallOptions,
  ): Promise<ImportReport> {
    const report = await this.#table.importPointers(entries.map(innerRow), mode, options);
    const left = report.left.map((each) => ({
      ...each,
      key: each.key.slice(SYSTEM_ROWS.length),
      current: outerRow(each.current),
    }));
    return { ...report, left };
  }

  close(): Promise<void> {
    return this.#table.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function inner(key: string): string {
  return SYSTEM_ROWS + key;
}

function innerRow(pointer: Pointer): Pointer {
  return { ...pointer, key: inner(pointer.key) };
}

function innerExpected(expected: Expected): Expected {
  return typeof expected === 'number' ? expected : innerRow(expected);
}

function innerOperation(operation: BatchOperation): BatchOperation {
  const key = inner(operation.key);
  return 'expected' in operation
    ? { ...operation, key, expected: innerExpected(operation.expected) }
    : { ...operation, key };
}

function outerRow(pointer: Pointer): Pointer {
  return Object.freeze({ ...pointer, key: pointer.key.slice(SYSTEM_ROWS.length) });
}

function outer(pointer: Pointer | undefined): Pointer | undefined {
  return pointer && outerRow(pointer);
}
