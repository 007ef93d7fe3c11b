import { Buffer } from 'node:buffer';

/**
 * Segments of URIs as names that any file system keeps apart: lower-case letters, digits, `-`, `_` and `.` stay,
 * every other byte becomes `%` and two lower-case hex digits. `~` and `+` never appear, so names that hold one
 * (a version of a blob, a piece of a long segment) are never taken for a segment.
 */

/** Below the 255 bytes of most file systems, with room for what is appended. */
const MAX_NAME = 200;
/** Ends a folder that holds the next piece of a segment too long for one name. */
const CONTINUES = '+';
/** A name that encodes an empty segment; a lone `%` encodes nothing else. */
const EMPTY = '%';

const PLAIN = /^[a-z0-9_-](?:[a-z0-9._-]*[a-z0-9_-])?$/;
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/;
const ENCODED = /^(?:[a-z0-9._-]|%[0-9a-f]{2})+$/;

export function encodeSegment(segment: string): string {
  if (PLAIN.test(segment) && !DEVICE.test(segment)) return segment;
  if (segment === '') return EMPTY;
  let name = '';
  for (const byte of Buffer.from(segment, 'utf8')) {
    const character = String.fromCharCode(byte);
    name += /[a-z0-9._-]/.test(character) ? character : percent(byte);
  }
  if (name.startsWith('.') || DEVICE.test(name)) name = percent(name.charCodeAt(0)) + name.slice(1);
  if (name.endsWith('.')) name = name.slice(0, -1) + percent(0x2e);
  return name;
}

/** The inverse, or `undefined` for a name that {@link encodeSegment} never wrote. */
export function decodeSegment(name: string): string | undefined {
  if (PLAIN.test(name) && !DEVICE.test(name)) return name;
  if (name === EMPTY) return '';
  if (!ENCODED.test(name)) return undefined;
  const bytes = Buffer.alloc(name.length);
  let length = 0;
  for (let i = 0; i < name.length; i++) {
    const escaped = name[i] === '%';
    bytes[length++] = escaped ? Number.parseInt(name.slice(i + 1, i + 3), 16) : name.charCodeAt(i);
    if (escaped) i += 2;
  }
  const segment = bytes.toString('utf8', 0, length);
  return encodeSegment(segment) === name ? segment : undefined;
}

/** The names, outermost first, under which a segment is kept: one, or more where it is long. */
export function segmentNames(segment: string): string[] {
  const encoded = encodeSegment(segment);
  if (encoded.length <= MAX_NAME) return [encoded];
  const names: string[] = [];
  for (let from = 0; from < encoded.length; from += MAX_NAME)
    names.push(encoded.slice(from, from + MAX_NAME));
  return names.map((name, i) => (i < names.length - 1 ? name + CONTINUES : name));
}

/** The piece in a name that {@link segmentNames} wrote for all but the last, or `undefined`. */
export function continuedPiece(name: string): string | undefined {
  return name.endsWith(CONTINUES) ? name.slice(0, -1) : undefined;
}

/** The path of a blob's folder, relative to the folder of all blobs. */
export function folderOfUri(uri: string): string {
  return uri
    .slice(1)
    .split('/')
    .flatMap((segment) => segmentNames(segment))
    .join('/');
}

function percent(byte: number): string {
  return '%' + byte.toString(16).padStart(2, '0');
}
