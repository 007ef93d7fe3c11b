import type {
  BatchOperation,
  BatchResult,
  CasResult,
  DeleteResult,
  Expected,
  ImportMode,
  ImportReport,
  Pointer,
  PointerWrite,
} from '@floecat/storage-spi';

/**
 * The laws of a PointerStore once more, in the plainest way and with nothing of the SPI's code, for comparing. Time
 * is set from outside; write ids are given with every write.
 */
export class NaivePointers {
  now = 0;
  readonly #rows = new Map<string, Pointer>();

  /** The row as it lies there, expired or not. */
  stored(key: string): Pointer | undefined {
    return this.#rows.get(key);
  }

  get(key: string): Pointer | undefined {
    const row = this.#rows.get(key);
    return row?.expiresAt !== undefined && this.now >= row.expiresAt * 1000 ? undefined : row;
  }

  set(key: string, expected: Expected, next: PointerWrite, writeId: string): CasResult {
    const current = this.get(key);
    if (!fits(current, expected)) return { applied: false, current };
    return { applied: true, pointer: this.#write(key, next, writeId) };
  }

  delete(key: string, expected: Expected, includeExpired: boolean): DeleteResult {
    const current = includeExpired ? this.stored(key) : this.get(key);
    if (!current || !fits(current, expected)) return { applied: false, current };
    this.#rows.delete(key);
    return { applied: true, deleted: current };
  }

  batch(operations: readonly BatchOperation[], writeId: string): BatchResult {
    const outcomes = operations.map((operation) => {
      const current = this.get(operation.key);
      return this.#holds(operation, current) ? ({ ok: true } as const) : ({ ok: false, current } as const);
    });
    if (outcomes.some((outcome) => !outcome.ok)) return { applied: false, outcomes };
    const pointers = operations.map((operation) => {
      if (operation.op === 'upsert') return this.#write(operation.key, operation.next, writeId);
      if (operation.op === 'check') return this.get(operation.key);
      if (operation.op === 'delete') this.#rows.delete(operation.key);
      return undefined;
    });
    return { applied: true, pointers };
  }

  list(prefix: string, includeExpired: boolean): Pointer[] {
    return [...this.#rows.values()]
      .filter((row) => row.key.startsWith(prefix))
      .filter((row) => includeExpired || this.get(row.key) !== undefined)
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  clear(prefix: string): number {
    const live = this.list(prefix, false).length;
    for (const row of this.list(prefix, true)) this.#rows.delete(row.key);
    return live;
  }

  import(entries: readonly Pointer[], mode: ImportMode): ImportReport {
    const left: ImportReport['left'][number][] = [];
    for (const entry of entries) {
      const { key } = entry;
      const current = this.get(key);
      if (current === undefined) this.#rows.set(key, entry);
      else if (mode === 'if-absent') left.push({ key, reason: 'present', current });
      else if (current.incarnation !== entry.incarnation)
        left.push({ key, reason: 'other-incarnation', current });
      else if (current.version >= entry.version) left.push({ key, reason: 'not-lower', current });
      else this.#rows.set(key, entry);
    }
    return { imported: entries.length - left.length, left };
  }

  #holds(operation: BatchOperation, current: Pointer | undefined): boolean {
    if (operation.op === 'check-absent') return current === undefined;
    if (operation.op !== 'check-owner') return fits(current, operation.expected);
    const { incarnation, states } = operation;
    return current?.incarnation === incarnation && states.some((state) => state === current.state);
  }

  #write(key: string, next: PointerWrite, writeId: string): Pointer {
    const before = this.get(key);
    const row = {
      ...next,
      key,
      version: before ? before.version + 1 : 1,
      writeId,
      incarnation: before ? before.incarnation : writeId,
      updatedAt: this.now,
      ...(before && { prevWriteId: before.writeId }),
    };
    this.#rows.set(key, row);
    return row;
  }
}

function fits(current: Pointer | undefined, expected: Expected): boolean {
  if (expected === 0) return current === undefined;
  if (current === undefined) return false;
  if (typeof expected === 'number') return current.version === expected;
  return current.version === expected.version && current.writeId === expected.writeId;
}
