import type { OwnerState, Pointer } from '@floecat/storage-spi';
import { OWNER_STATES } from '@floecat/storage-spi';

import type { Fields } from './backup-codec.ts';
import { parseObject } from './backup-codec.ts';

/** One line of a segment: a pointer as it was, or, in an incremental backup, a key that is not there any more. */
export type BackupLine =
  | { readonly key: string; readonly pointer: Pointer }
  | { readonly key: string; readonly pointer: undefined };

export function encodePointer(pointer: Pointer): string {
  const { key, version, kind, state, expiresAt, writeId, prevWriteId, incarnation, updatedAt } = pointer;
  const target = kind === 'blob' ? { blobUri: pointer.blobUri } : { value: pointer.value };
  return JSON.stringify({
    key,
    version,
    kind,
    ...target,
    state,
    expiresAt,
    writeId,
    prevWriteId,
    incarnation,
    updatedAt,
  });
}

export function encodeGone(key: string): string {
  return JSON.stringify({ key, gone: true });
}

/** The inverse of both; `undefined` for what neither of them wrote. */
export function decodeLine(text: string): BackupLine | undefined {
  const fields = parseObject(text);
  if (typeof fields?.['key'] !== 'string') return undefined;
  const { key } = fields as { readonly key: string };
  if (fields['gone'] === true) return { key, pointer: undefined };
  return isPointer(fields) ? { key, pointer: Object.freeze(fields) } : undefined;
}

/** Whether they are equal in every field. */
export function isSamePointer(a: Pointer, b: Pointer): boolean {
  return (
    a.writeId === b.writeId &&
    a.version === b.version &&
    a.key === b.key &&
    a.incarnation === b.incarnation &&
    a.prevWriteId === b.prevWriteId &&
    a.updatedAt === b.updatedAt &&
    a.state === b.state &&
    a.expiresAt === b.expiresAt &&
    (a.kind === 'blob'
      ? b.kind === 'blob' && a.blobUri === b.blobUri
      : b.kind === 'value' && a.value === b.value)
  );
}

function isPointer(fields: Fields): fields is Fields & Pointer {
  const { kind, blobUri, value, version, state, expiresAt, writeId, prevWriteId, incarnation, updatedAt } =
    fields;
  return (
    (kind === 'blob' ? typeof blobUri === 'string' : kind === 'value' && typeof value === 'string') &&
    Number.isSafeInteger(version) &&
    (state === undefined || OWNER_STATES.includes(state as OwnerState)) &&
    (expiresAt === undefined || Number.isSafeInteger(expiresAt)) &&
    typeof writeId === 'string' &&
    (prevWriteId === undefined || typeof prevWriteId === 'string') &&
    typeof incarnation === 'string' &&
    Number.isSafeInteger(updatedAt)
  );
}
