import { InvalidArgumentError } from './errors.ts';
import * as limits from './limits.ts';
import type { BatchOperation, Expected, Pointer, PointerWrite } from './pointer.ts';
import { OWNER_STATES } from './pointer.ts';
import { utf8Length } from './utf8.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Throws the `InvalidArgumentError` of one operation and key. */
export type Refuse = (why: string) => never;

export function refuser(operation: string, key: string): Refuse {
  return (why) => {
    const shown = shorten(key);
    throw new InvalidArgumentError(`${operation} ${JSON.stringify(shown)}: ${why}`, {
      operation,
      key: shown,
    });
  };
}

function shorten(key: unknown): string {
  const text = typeof key === 'string' ? key : typeof key;
  return text.length > 80 ? text.slice(0, 80) + '…' : text;
}

/** Well-formed and at most `max` bytes; `min` 0 allows the empty string. */
export function checkText(text: string, what: string, min: number, max: number, refuse: Refuse): void {
  if (typeof text !== 'string') refuse(`${what} must be a string, not ${typeof text}`);
  if (text.length < min) refuse(`${what} is empty`);
  if (!text.isWellFormed()) refuse(`${what} has a lone surrogate, which UTF-8 cannot hold`);
  // Three bytes a unit at most, so a short string needs no counting.
  if (text.length * 3 <= max) return;
  const bytes = utf8Length(text);
  if (bytes > max) refuse(`${what} is ${bytes} bytes in UTF-8; the limit is ${max}`);
}

export function checkKey(operation: string, key: string, maxBytes = limits.MAX_KEY_BYTES): void {
  checkText(key, 'key', 1, maxBytes, refuser(operation, key));
}

export function checkPrefix(operation: string, prefix: string, maxBytes = limits.MAX_KEY_BYTES): void {
  checkText(prefix, 'prefix', 0, maxBytes, refuser(operation, prefix));
}

export function checkExpected(expected: Expected, key: string, refuse: Refuse, absentAllowed = true): void {
  const version = typeof expected === 'number' ? expected : expected?.version;
  if (!Number.isSafeInteger(version) || version < 0)
    refuse(`expected version ${String(version)} is not a whole number from 0 to 2^53-1`);
  if (typeof expected !== 'number' && expected.key !== key)
    refuse(`the expected pointer is of another key, ${JSON.stringify(expected.key)}`);
  if (version === 0 && (!absentAllowed || typeof expected !== 'number'))
    refuse('expected version 0 means "absent", which cannot be deleted or checked here; use check-absent');
}

/** Checks what a caller wants to store and answers its size in bytes, as a row. */
export function checkWrite(key: string, next: PointerWrite, refuse: Refuse): number {
  if (next?.kind !== 'blob' && next?.kind !== 'value') refuse("kind must be 'blob' or 'value'");
  const text = next.kind === 'blob' ? next.blobUri : next.value;
  if (next.kind === 'blob') checkUriText(next.blobUri, refuse);
  else checkText(next.value, 'value', 0, limits.MAX_POINTER_BYTES, refuse);
  if (next.state !== undefined && !OWNER_STATES.includes(next.state)) refuse(`unknown state ${next.state}`);
  if (next.expiresAt !== undefined) {
    if (!Number.isSafeInteger(next.expiresAt) || next.expiresAt < 1)
      refuse(`expiresAt ${next.expiresAt} is not a positive whole number of epoch seconds`);
    if (next.expiresAt > limits.MAX_EXPIRES_AT_SECONDS)
      refuse(`expiresAt ${next.expiresAt} looks like milliseconds; it is in epoch seconds`);
    if (next.state !== undefined) refuse('a pointer with a state is an owner, and owners never expire');
  }
  const size = limits.POINTER_OVERHEAD_BYTES + utf8Length(key) + utf8Length(text);
  if (size > limits.MAX_POINTER_BYTES)
    refuse(`the pointer takes ${size} bytes; the limit is ${limits.MAX_POINTER_BYTES}: put it in a blob`);
  return size;
}

export function checkWriteId(writeId: string | undefined, refuse: Refuse): void {
  if (writeId !== undefined && !UUID.test(writeId)) refuse('writeId must be a lower-case UUID');
}

export function checkBatch(operations: readonly BatchOperation[], maxKeyBytes = limits.MAX_KEY_BYTES): void {
  const count = operations.length;
  const first = operations[0]?.key ?? '';
  if (count > limits.MAX_BATCH_OPERATIONS)
    refuser('compareAndSetBatch', first)(`${count} operations; the limit is ${limits.MAX_BATCH_OPERATIONS}`);
  const keys = new Set<string>();
  let bytes = 0;
  for (const operation of operations) {
    const refuse = refuser('compareAndSetBatch', operation.key);
    checkText(operation.key, 'key', 1, maxKeyBytes, refuse);
    if (keys.has(operation.key)) refuse('the key appears twice in the batch');
    keys.add(operation.key);
    bytes += checkOperation(operation, refuse);
  }
  if (bytes > limits.MAX_BATCH_BYTES)
    refuser(
      'compareAndSetBatch',
      first,
    )(`the batch takes ${bytes} bytes; the limit is ${limits.MAX_BATCH_BYTES}`);
}

function checkOperation(operation: BatchOperation, refuse: Refuse): number {
  switch (operation.op) {
    case 'upsert':
      checkExpected(operation.expected, operation.key, refuse);
      return checkWrite(operation.key, operation.next, refuse);
    case 'delete':
    case 'check':
      checkExpected(operation.expected, operation.key, refuse, false);
      break;
    case 'check-owner':
      if (!UUID.test(operation.incarnation)) refuse('incarnation must be a lower-case UUID');
      if (operation.states.length === 0) refuse('check-owner needs at least one state');
      for (const state of operation.states)
        if (!OWNER_STATES.includes(state)) refuse(`unknown state ${state}`);
      break;
    case 'check-absent':
      break;
    default:
      refuse(`unknown operation ${JSON.stringify((operation as { op: unknown }).op)}`);
  }
  return limits.POINTER_OVERHEAD_BYTES + utf8Length(operation.key);
}

export function checkImport(entries: readonly Pointer[], maxKeyBytes = limits.MAX_KEY_BYTES): void {
  const keys = new Set<string>();
  for (const entry of entries) {
    const refuse = refuser('importPointers', entry.key);
    checkText(entry.key, 'key', 1, maxKeyBytes, refuse);
    if (keys.has(entry.key)) refuse('the key appears twice');
    keys.add(entry.key);
    checkWrite(entry.key, entry, refuse);
    if (!Number.isSafeInteger(entry.version) || entry.version < 1)
      refuse(`version ${entry.version} is not 1 or more`);
    for (const id of [entry.writeId, entry.incarnation])
      if (!UUID.test(id)) refuse('write ids must be UUIDs');
    checkWriteId(entry.prevWriteId, refuse);
    if (!Number.isSafeInteger(entry.updatedAt)) refuse('updatedAt must be epoch milliseconds');
  }
}

/** The page size to use for a caller's `limit`. */
export function checkLimit(limit: number | undefined, operation: string): number {
  if (limit === undefined) return limits.DEFAULT_PAGE_SIZE;
  if (!(limit >= 1)) refuser(operation, '')(`limit ${limit} is below 1`);
  return Math.min(Math.floor(limit), limits.MAX_PAGE_SIZE);
}

const DIGEST_URI = /\/([0-9a-f]{64})\.pb$/;

/** The SHA-256 (hex) that a content-addressed URI carries. */
export function digestInUri(uri: string): string | undefined {
  return DIGEST_URI.exec(uri)?.[1];
}

function checkUriText(uri: string, refuse: Refuse): void {
  checkText(uri, 'blob URI', 1, limits.MAX_KEY_BYTES, refuse);
  if (!uri.startsWith('/') || uri.length < 2) refuse('a blob URI starts with / and something after it');
}

export function checkBlobUri(operation: string, uri: string): void {
  const refuse = refuser(operation, uri);
  checkUriText(uri, refuse);
  if (isStoresOwn(uri)) refuse("/.floecat/ is the store's own");
}

/** Whether a blob URI, or a prefix of some, lies where the store keeps its own things. */
export function isStoresOwn(uri: string): boolean {
  return uri.startsWith('/.floecat/');
}

export function checkVersionId(operation: string, uri: string, versionId: string): void {
  if (
    typeof versionId !== 'string' ||
    versionId.trim() === '' ||
    versionId.length > limits.MAX_VERSION_ID_CHARS
  )
    refuser(operation, uri)('the version id is blank or too long: it names exactly one version');
}
