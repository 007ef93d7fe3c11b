import type { OwnerState, Pointer } from '@floecat/storage-spi';
import { OWNER_STATES } from '@floecat/storage-spi';

/** One line of a segment: a pointer as it was, or, in an incremental backup, a key that is not there any more. */
export type BackupLine =
  | { readonly key: string; readonly pointer: Pointer }
  | { readonly key: string; readonly pointer: undefined };

/** Equal for pointers that are equal in every field. */
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
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
  const { key } = fields;
  if (typeof key !== 'string') return undefined;
  if (fields['gone'] === true) return { key, pointer: undefined };
  return isPointer(fields) ? { key, pointer: Object.freeze(fields) } : undefined;
}

function isPointer(
  fields: Readonly<Record<string, unknown>>,
): fields is Readonly<Record<string, unknown>> & Pointer {
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
