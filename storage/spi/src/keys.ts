/**
 * Pointer keys and blob URIs are paths of escaped segments. A store compares them byte for byte and never decodes
 * them; only who built a key takes it apart again.
 */

// Only what would break a path apart or cannot be seen: `/`, `%`, C0 and C1 controls and DEL.
// oxlint-disable-next-line no-control-regex -- control characters are what this escapes
const UNSAFE = /[/%\u0000-\u001f\u007f-\u009f]/g;

/** One segment, with `/`, `%`, control characters, `.` and `..` percent-encoded. An empty one stays empty. */
export function escapeSegment(segment: string): string {
  if (segment === '.') return '%2E';
  if (segment === '..') return '%2E%2E';
  return segment.replace(UNSAFE, (character) => encodeURIComponent(character));
}

/** The inverse of {@link escapeSegment}. Throws `URIError` on a `%` that it never wrote. */
export function unescapeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  const raw = segment.replace(/(?:%[0-9A-F]{2})+/g, decodeURIComponent);
  if (escapeSegment(raw) !== segment) throw new URIError(`${JSON.stringify(segment)} is no escaped segment`);
  return raw;
}

/** `/a/b/c` from raw segments, each escaped. */
export function joinKey(...segments: readonly string[]): string {
  return segments.map((segment) => '/' + escapeSegment(segment)).join('');
}

/** `/a/b/` from raw segments: what every key below `/a/b` starts with, and no sibling `/a/bc` does. */
export function prefixOf(...segments: readonly string[]): string {
  return joinKey(...segments) + '/';
}

/** The raw segments of a key that {@link joinKey} wrote. */
export function splitKey(key: string): string[] {
  return key.split('/').slice(1).map(unescapeSegment);
}

/** The last segment of a key, unescaped. */
export function lastSegment(key: string): string {
  return unescapeSegment(key.slice(key.lastIndexOf('/') + 1));
}
