import type {
  BatchOperation,
  BatchOutcome,
  Expected,
  ImportMode,
  ImportReport,
  Pointer,
  PointerWrite,
} from './pointer.ts';

/**
 * The laws of compare-and-set as pure functions, for backends that read and write under a lock of their own.
 * Backends whose store evaluates conditions state the same laws in its language.
 */

/** A row is absent from `expiresAt` on, whether or not it was reaped. */
export function isExpired(pointer: Pointer, nowMs: number): boolean {
  return pointer.expiresAt !== undefined && pointer.expiresAt * 1000 <= nowMs;
}

export function matches(current: Pointer | undefined, expected: Expected): boolean {
  if (typeof expected === 'number') return (current?.version ?? 0) === expected;
  return current?.version === expected.version && current.writeId === expected.writeId;
}

/** The row that writing `next` over `current` makes. Only the fields of a {@link PointerWrite} are taken over. */
export function nextPointer(
  key: string,
  current: Pointer | undefined,
  next: PointerWrite,
  write: { readonly writeId: string; readonly now: number },
): Pointer {
  return Object.freeze({
    key,
    version: (current?.version ?? 0) + 1,
    ...(next.kind === 'blob'
      ? { kind: next.kind, blobUri: next.blobUri }
      : { kind: next.kind, value: next.value }),
    ...(next.state !== undefined && { state: next.state }),
    ...(next.expiresAt !== undefined && { expiresAt: next.expiresAt }),
    writeId: write.writeId,
    ...(current && { prevWriteId: current.writeId }),
    incarnation: current?.incarnation ?? write.writeId,
    updatedAt: write.now,
  });
}

export type BatchDecision =
  | { readonly applied: false; readonly outcomes: readonly BatchOutcome[] }
  | {
      readonly applied: true;
      readonly pointers: readonly (Pointer | undefined)[];
      /** Rows to store, and keys to remove (`undefined`). */
      readonly writes: readonly (readonly [key: string, pointer: Pointer | undefined])[];
    };

/** Decides a batch. `read` answers unexpired rows; call this and store `writes` inside one atomic section. */
export function decideBatch(
  operations: readonly BatchOperation[],
  read: (key: string) => Pointer | undefined,
  write: { readonly writeId: string; readonly now: number },
): BatchDecision {
  const currents = operations.map((operation) => read(operation.key));
  const held = operations.map((operation, i) => holds(operation, currents[i]));
  if (held.includes(false)) {
    const outcomes = held.map((ok, i): BatchOutcome => (ok ? { ok } : { ok, current: currents[i] }));
    return { applied: false, outcomes };
  }
  const writes: [string, Pointer | undefined][] = [];
  const pointers = operations.map((operation, i) => {
    const current = currents[i];
    if (operation.op === 'check') return current;
    if (operation.op === 'check-owner' || operation.op === 'check-absent') return undefined;
    const stored =
      operation.op === 'upsert' ? nextPointer(operation.key, current, operation.next, write) : undefined;
    writes.push([operation.key, stored]);
    return stored;
  });
  return { applied: true, pointers, writes };
}

function holds(operation: BatchOperation, current: Pointer | undefined): boolean {
  switch (operation.op) {
    case 'upsert':
    case 'delete':
    case 'check':
      return matches(current, operation.expected);
    case 'check-owner':
      return (
        current?.incarnation === operation.incarnation &&
        current.state !== undefined &&
        operation.states.includes(current.state)
      );
    case 'check-absent':
      return current === undefined;
  }
}

/**
 * Whether an import may write `entry` over `current`, and if not, why. `current` is an unexpired row: an expired one
 * is absent here as everywhere, or the answer would depend on whether it was reaped yet.
 */
export function decideImport(
  entry: Pointer,
  current: Pointer | undefined,
  mode: ImportMode,
): ImportReport['left'][number] | undefined {
  if (current === undefined) return undefined;
  if (mode === 'if-absent') return { key: entry.key, reason: 'present', current };
  if (current.incarnation !== entry.incarnation)
    return { key: entry.key, reason: 'other-incarnation', current };
  return current.version < entry.version ? undefined : { key: entry.key, reason: 'not-lower', current };
}
