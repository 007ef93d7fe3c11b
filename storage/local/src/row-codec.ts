import { Buffer } from 'node:buffer';

import type { OwnerState, Pointer } from '@floecat/storage-spi';
import { OWNER_STATES, StorageCorruptionError } from '@floecat/storage-spi';

import { xxh32 } from './xxh32.ts';

/**
 * A pointer as the value of its key, little-endian:
 *
 *     0  i32  XXH32 of everything below, seeded with the FNV-1a of the key's UTF-16 units
 *     4  u8   format, 1
 *     5  u8   kind: 1 blob, 2 value
 *     6  u8   state: 0 none, else its place in OWNER_STATES + 1
 *     7  u8   flags: 1 a previous write id is there, 2 the incarnation is the write id and not repeated
 *     8  f64  version
 *    16  f64  updatedAt
 *    24  f64  expiresAt, 0 for none
 *    32       write id, incarnation and previous write id (36 characters each), then the URI or value
 */
const FORMAT = 1;
const HAS_PREVIOUS = 1;
const FIRST_WRITE = 2;
const HEADER_BYTES = 32;
const UUID_CHARS = 36;
const KIND_BLOB = 1;
const KIND_VALUE = 2;

export function encodeRow(pointer: Pointer): Buffer {
  const { key, writeId, incarnation, prevWriteId } = pointer;
  const first = incarnation === writeId;
  const text =
    writeId +
    (first ? '' : incarnation) +
    (prevWriteId ?? '') +
    (pointer.kind === 'blob' ? pointer.blobUri : pointer.value);
  const row = Buffer.allocUnsafe(HEADER_BYTES + Buffer.byteLength(text, 'utf8'));
  const view = new DataView(row.buffer, row.byteOffset, row.length);
  view.setUint8(4, FORMAT);
  view.setUint8(5, pointer.kind === 'blob' ? KIND_BLOB : KIND_VALUE);
  view.setUint8(6, pointer.state === undefined ? 0 : OWNER_STATES.indexOf(pointer.state) + 1);
  view.setUint8(7, (prevWriteId === undefined ? 0 : HAS_PREVIOUS) | (first ? FIRST_WRITE : 0));
  view.setFloat64(8, pointer.version, true);
  view.setFloat64(16, pointer.updatedAt, true);
  view.setFloat64(24, pointer.expiresAt ?? 0, true);
  row.write(text, HEADER_BYTES, 'utf8');
  view.setInt32(0, xxh32(view, 4, row.length - 4, seedOf(key)), true);
  return row;
}

type Mutable<T> = T extends unknown ? { -readonly [K in keyof T]: T[K] } : never;

/** Decodes rows out of a buffer that is reused, so nothing of it is kept. */
export class RowDecoder {
  // Making a view costs as much as all its reads, and the buffer is nearly always the same one.
  #view = new DataView<ArrayBufferLike>(new ArrayBuffer(0));

  /** The pointer in the first `length` bytes. Throws `StorageCorruptionError` that names the key. */
  decode(key: string, bytes: Buffer, length: number): Pointer {
    const at = this.#check(key, bytes, length);
    const view = this.#view;
    const flags = view.getUint8(at + 7);
    const text = bytes.toString('utf8', HEADER_BYTES, length);
    let end = UUID_CHARS;
    const writeId = text.substring(0, end);
    const incarnation = flags & FIRST_WRITE ? writeId : text.substring(end, (end += UUID_CHARS));
    const prevWriteId = flags & HAS_PREVIOUS ? text.substring(end, (end += UUID_CHARS)) : undefined;
    const target = text.substring(end);
    const version = view.getFloat64(at + 8, true);
    const updatedAt = view.getFloat64(at + 16, true);
    const pointer: Mutable<Pointer> =
      view.getUint8(at + 5) === KIND_BLOB
        ? { key, version, kind: 'blob', blobUri: target, writeId, incarnation, updatedAt }
        : { key, version, kind: 'value', value: target, writeId, incarnation, updatedAt };
    if (prevWriteId !== undefined) pointer.prevWriteId = prevWriteId;
    const state = view.getUint8(at + 6);
    if (state !== 0) pointer.state = OWNER_STATES[state - 1] as OwnerState;
    const expiresAt = view.getFloat64(at + 24, true);
    if (expiresAt !== 0) pointer.expiresAt = expiresAt;
    return Object.freeze(pointer);
  }

  /** The row's `expiresAt`, or 0, without decoding the rest. Verifies as {@link decode} does. */
  expiry(key: string, bytes: Buffer, length: number): number {
    const at = this.#check(key, bytes, length);
    return this.#view.getFloat64(at + 24, true);
  }

  /** Answers where the row begins in the view. */
  #check(key: string, bytes: Buffer, length: number): number {
    if (this.#view.buffer !== bytes.buffer) this.#view = new DataView(bytes.buffer);
    const view = this.#view;
    const at = bytes.byteOffset;
    if (length < HEADER_BYTES + UUID_CHARS) throw damaged(key, `it has only ${length} bytes`);
    const format = view.getUint8(at + 4);
    if (format !== FORMAT)
      throw damaged(
        key,
        `it has row format ${format}, and this version reads ${FORMAT}: upgrade if a newer one wrote it`,
      );
    if (view.getInt32(at, true) !== xxh32(view, at + 4, length - 4, seedOf(key)))
      throw damaged(key, 'it fails its checksum');
    const kind = view.getUint8(at + 5);
    if (kind !== KIND_BLOB && kind !== KIND_VALUE)
      throw damaged(key, `it is of kind ${kind}, which this version does not know: upgrade`);
    const state = view.getUint8(at + 6);
    if (state > OWNER_STATES.length)
      throw damaged(key, `it has state ${state}, which this version does not know: upgrade`);
    return at;
  }
}

/** FNV-1a. With it in the checksum, a row that is found under another key than its own is a damaged one. */
function seedOf(key: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash;
}

function damaged(key: string, why: string): StorageCorruptionError {
  return new StorageCorruptionError(
    `the pointer ${JSON.stringify(key)} cannot be read: ${why}; rebuild it from its blobs or a backup`,
    { key },
  );
}
