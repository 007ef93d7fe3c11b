import { MemoryPointerStore } from '@floecat/storage-memory';
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
  ReadOptions,
  WriteOptions,
} from '@floecat/storage-spi';
import { matches } from '@floecat/storage-spi';

import type { Mutant } from './mutant.ts';

type DeleteOptions = WriteOptions & { readonly includeExpired?: boolean };

class StaleRead extends MemoryPointerStore {
  readonly #before = new Map<string, Pointer>();
  override async compareAndSet(...args: Parameters<MemoryPointerStore['compareAndSet']>): Promise<CasResult> {
    const seen = await super.get(args[0]);
    const result = await super.compareAndSet(...args);
    if (result.applied && seen?.version === 1) this.#before.set(args[0], seen);
    return result;
  }
  override async get(key: string, options?: ReadOptions): Promise<Pointer | undefined> {
    const stale = this.#before.get(key);
    this.#before.delete(key);
    return stale ?? super.get(key, options);
  }
}

class VersionKeptForSameValue extends MemoryPointerStore {
  override async compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    const seen = await super.get(key);
    const same = seen?.kind === 'value' && next.kind === 'value' && seen.value === next.value;
    if (same && matches(seen, expected)) return { applied: true, pointer: seen };
    return super.compareAndSet(key, expected, next, options);
  }
}

class VersionNumberInsteadOfPointer extends MemoryPointerStore {
  override compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    return super.compareAndSet(key, versionOf(expected), next, options);
  }
}

class VersionNumberInDelete extends MemoryPointerStore {
  override compareAndDelete(key: string, expected: Expected, options?: DeleteOptions): Promise<DeleteResult> {
    return super.compareAndDelete(key, versionOf(expected), options);
  }
}

class VersionNumberInBatch extends MemoryPointerStore {
  override compareAndSetBatch(
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    const loose = operations.map((operation) =>
      'expected' in operation ? { ...operation, expected: versionOf(operation.expected) } : operation,
    );
    return super.compareAndSetBatch(loose, options);
  }
}

function versionOf(expected: Expected): number {
  return typeof expected === 'number' ? expected : expected.version;
}

class CheckThenAct extends MemoryPointerStore {
  override async compareAndSet(
    key: string,
    expected: Expected,
    next: PointerWrite,
    options?: WriteOptions,
  ): Promise<CasResult> {
    const seen = await super.get(key);
    if (!matches(seen, expected)) return { applied: false, current: seen };
    for (;;) {
      const result = await super.compareAndSet(key, (await super.get(key)) ?? 0, next, options);
      if (result.applied) return result;
    }
  }
}

class DeleteAppliedTwice extends MemoryPointerStore {
  override async compareAndDelete(
    key: string,
    expected: Expected,
    options?: DeleteOptions,
  ): Promise<DeleteResult> {
    const seen = await super.get(key);
    if (!seen || !matches(seen, expected)) return super.compareAndDelete(key, expected, options);
    await Promise.resolve();
    await super.compareAndDelete(key, expected, options);
    return { applied: true, deleted: seen };
  }
}

class ConflictWithoutCurrent extends MemoryPointerStore {
  override async compareAndSet(...args: Parameters<MemoryPointerStore['compareAndSet']>): Promise<CasResult> {
    const result = await super.compareAndSet(...args);
    return result.applied ? result : { applied: false, current: undefined };
  }
}

class ConflictWithLaterRead extends MemoryPointerStore {
  override async compareAndSet(...args: Parameters<MemoryPointerStore['compareAndSet']>): Promise<CasResult> {
    const result = await super.compareAndSet(...args);
    if (result.applied) return result;
    for (let turn = 0; turn < 8; turn++) await Promise.resolve();
    return { applied: false, current: await super.get(args[0]) };
  }
}

class WriteIdIgnored extends MemoryPointerStore {
  override compareAndSet(key: string, expected: Expected, next: PointerWrite): Promise<CasResult> {
    return super.compareAndSet(key, expected, next);
  }
}

class IncarnationRenewed extends MemoryPointerStore {
  override async get(key: string, options?: ReadOptions): Promise<Pointer | undefined> {
    const row = await super.get(key, options);
    return row && Object.freeze({ ...row, incarnation: row.writeId });
  }
}

class BatchOneByOne extends MemoryPointerStore {
  override async compareAndSetBatch(
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    const rehearsal = await super.compareAndSetBatch(operations.map(asCheck));
    const pointers: (Pointer | undefined)[] = [];
    for (const operation of operations) {
      const result = await super.compareAndSetBatch([operation], options);
      if (!result.applied) return rehearsal.applied ? result : rehearsal;
      pointers.push(...result.pointers);
    }
    return { applied: true, pointers };
  }
}

class BatchOfManyWriteIds extends MemoryPointerStore {
  override async compareAndSetBatch(operations: readonly BatchOperation[]): Promise<BatchResult> {
    const rehearsal = await super.compareAndSetBatch(operations.map(asCheck));
    if (!rehearsal.applied) return rehearsal;
    const results = await Promise.all(operations.map((operation) => super.compareAndSetBatch([operation])));
    return { applied: true, pointers: results.flatMap((result) => (result.applied ? result.pointers : [])) };
  }
}

function asCheck(operation: BatchOperation): BatchOperation {
  if (operation.op !== 'upsert' && operation.op !== 'delete') return operation;
  const { key, expected } = operation;
  return expected === 0 ? { op: 'check-absent', key } : { op: 'check', key, expected };
}

class CheckBumpsVersion extends MemoryPointerStore {
  override async compareAndSetBatch(
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    const result = await super.compareAndSetBatch(operations, options);
    if (result.applied)
      for (const [i, operation] of operations.entries()) {
        const row = result.pointers[i];
        if (operation.op === 'check' && row) await super.compareAndSet(row.key, row, row);
      }
    return result;
  }
}

class OwnerCheckedWithoutState extends MemoryPointerStore {
  override compareAndSetBatch(
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    const loose = operations.map((operation) =>
      operation.op === 'check-owner'
        ? ({ ...operation, states: ['STAGED', 'LIVE', 'DELETING', 'TOMBSTONE'] } as const)
        : operation,
    );
    return super.compareAndSetBatch(loose, options);
  }
}

class BatchOutcomesWithoutCurrent extends MemoryPointerStore {
  override async compareAndSetBatch(
    operations: readonly BatchOperation[],
    options?: WriteOptions,
  ): Promise<BatchResult> {
    const result = await super.compareAndSetBatch(operations, options);
    if (result.applied) return result;
    return {
      applied: false,
      outcomes: result.outcomes.map(({ ok }) => (ok ? { ok } : { ok, current: undefined })),
    };
  }
}

class ImportAcrossIncarnations extends MemoryPointerStore {
  override async importPointers(entries: readonly Pointer[], mode: ImportMode): Promise<ImportReport> {
    for (const entry of entries) {
      const row = mode === 'if-lower' ? await super.get(entry.key) : undefined;
      if (row && row.version < entry.version) await super.compareAndDelete(row.key, row);
    }
    return super.importPointers(entries, mode);
  }
}

class ImportRenumbers extends MemoryPointerStore {
  override importPointers(entries: readonly Pointer[], mode: ImportMode): Promise<ImportReport> {
    return super.importPointers(
      entries.map(({ prevWriteId: _dropped, ...entry }) => entry as Pointer),
      mode,
    );
  }
}

/** Bugs of writing. */
export const pointerWriteMutants: readonly Mutant[] = [
  { bug: 'a read is stale once', law: '[4]', pointers: (c) => new StaleRead(c) },
  { bug: 'a read is stale once', law: '[72]', pointers: (c) => new StaleRead(c) },
  { bug: 'the same value keeps its version', law: '[10]', pointers: (c) => new VersionKeptForSameValue(c) },
  {
    bug: 'the old incarnation wins a set',
    law: '[15]',
    pointers: (c) => new VersionNumberInsteadOfPointer(c),
  },
  { bug: 'the old incarnation wins a delete', law: '[15]', pointers: (c) => new VersionNumberInDelete(c) },
  { bug: 'the old incarnation wins a batch', law: '[15]', pointers: (c) => new VersionNumberInBatch(c) },
  { bug: 'a set checks, then acts', law: '[69]', pointers: (c) => new CheckThenAct(c) },
  { bug: 'a set checks, then acts', law: '[70]', pointers: (c) => new CheckThenAct(c) },
  { bug: 'a set checks, then acts', law: '[72]', pointers: (c) => new CheckThenAct(c) },
  { bug: 'a delete is applied twice', law: '[71]', pointers: (c) => new DeleteAppliedTwice(c) },
  { bug: 'a conflict does not say with what', law: '[3]', pointers: (c) => new ConflictWithoutCurrent(c) },
  { bug: 'a conflict says what came later', law: '[72]', pointers: (c) => new ConflictWithLaterRead(c) },
  { bug: "the caller's write id is ignored", law: '[4]', pointers: (c) => new WriteIdIgnored(c) },
  { bug: 'each write is an incarnation', law: '[4]', pointers: (c) => new IncarnationRenewed(c) },
  { bug: 'a batch is applied one by one', law: '[55]', pointers: (c) => new BatchOneByOne(c) },
  { bug: 'a batch is applied one by one', law: '[62]', pointers: (c) => new BatchOneByOne(c) },
  { bug: 'a batch has many write ids', law: '[54]', pointers: (c) => new BatchOfManyWriteIds(c) },
  { bug: 'a batch checks, then acts', law: '[76]', pointers: (c) => new BatchOfManyWriteIds(c) },
  { bug: 'a check makes a version', law: '[57]', pointers: (c) => new CheckBumpsVersion(c) },
  {
    bug: 'an owner is checked without its state',
    law: '[56]',
    pointers: (c) => new OwnerCheckedWithoutState(c),
  },
  {
    bug: 'an owner is checked without its state',
    law: 'check-owner',
    pointers: (c) => new OwnerCheckedWithoutState(c),
  },
  {
    bug: 'batch outcomes do not say with what',
    law: '[55]',
    pointers: (c) => new BatchOutcomesWithoutCurrent(c),
  },
  {
    bug: 'an import crosses incarnations',
    law: 'import if-lower',
    pointers: (c) => new ImportAcrossIncarnations(c),
  },
  {
    bug: 'an import loses the write before',
    law: 'import if-absent',
    pointers: (c) => new ImportRenumbers(c),
  },
];
