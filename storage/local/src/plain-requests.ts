import type { BatchOperation, Expected, Pointer, PointerWrite } from '@floecat/storage-spi';

import type { SeenVersion } from './write-requests.ts';

/** A copy with the fields that are stored and no other, which may not even pass to the thread. */
export function written(next: PointerWrite): PointerWrite {
  return {
    ...(next.kind === 'blob'
      ? { kind: next.kind, blobUri: next.blobUri }
      : { kind: next.kind, value: next.value }),
    ...(next.state !== undefined && { state: next.state }),
    ...(next.expiresAt !== undefined && { expiresAt: next.expiresAt }),
  };
}

export function stored(entry: Pointer): Pointer {
  const { key, version, writeId, prevWriteId, incarnation, updatedAt } = entry;
  return {
    ...written(entry),
    key,
    version,
    writeId,
    incarnation,
    updatedAt,
    ...(prevWriteId !== undefined && { prevWriteId }),
  };
}

export function plain(operation: BatchOperation): BatchOperation {
  switch (operation.op) {
    case 'upsert': {
      const { op, key, expected, next } = operation;
      return { op, key, expected: seen(expected) as Expected, next: written(next) };
    }
    case 'delete':
    case 'check': {
      const { op, key, expected } = operation;
      return { op, key, expected: seen(expected) as Expected };
    }
    case 'check-owner': {
      const { op, key, incarnation, states } = operation;
      return { op, key, incarnation, states };
    }
    case 'check-absent':
      return { op: operation.op, key: operation.key };
  }
}

export function seen(expected: Expected): number | SeenVersion {
  return typeof expected === 'number' ? expected : { version: expected.version, writeId: expected.writeId };
}

/** Pointers come from the thread as copies, which are not frozen; JSON knows no `undefined`. */
export function frozen(pointer: Pointer | undefined | null): Pointer | undefined {
  return pointer ? Object.freeze(pointer) : undefined;
}
