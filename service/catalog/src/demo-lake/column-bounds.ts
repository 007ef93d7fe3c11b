import { compareUtf8 } from '@floecat/storage-spi';

import { serializeValue } from './single-value.ts';
import type { Primitive, PrimitiveType } from './table-schema.ts';

/** Code points of a string, or bytes of a binary value, that a bound keeps; what engines do by default. */
export const BOUND_LENGTH = 16;

export interface Bounds {
  readonly lower?: Buffer;
  readonly upper?: Buffer;
}

/**
 * Bounds of a column's values, nulls left out. NaN is no bound; a string or binary value longer than `length` is
 * cut so that the bound still holds; where no shorter upper bound exists there is none.
 */
export function boundsOf(type: PrimitiveType, values: readonly Primitive[], length = BOUND_LENGTH): Bounds {
  const ordered = values.filter((value) => !Number.isNaN(value)).sort(compareValues);
  const first = ordered[0];
  const last = ordered.at(-1);
  if (first === undefined || last === undefined) return {};
  const lower = truncate(type, first, length, false);
  const upper = truncate(type, last, length, true);
  return {
    ...(lower !== undefined && { lower: serializeValue(type, lower) }),
    ...(upper !== undefined && { upper: serializeValue(type, upper) }),
  };
}

/** The order of two values of one type that are not NaN; -0 is before 0, text goes by its UTF-8 bytes. */
export function compareValues(a: Primitive, b: Primitive): number {
  if (typeof a === 'string') return compareUtf8(a, b as string);
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array);
  if (a === b) return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  return a < b ? -1 : 1;
}

function truncate(type: PrimitiveType, value: Primitive, length: number, up: boolean): Primitive | undefined {
  if (type === 'string') {
    const points = Array.from(value as string);
    if (points.length <= length) return value;
    const kept = points.slice(0, length);
    return up ? nextString(kept) : kept.join('');
  }
  if (type === 'binary') {
    const bytes = value as Uint8Array;
    if (bytes.length <= length) return bytes;
    const kept = bytes.slice(0, length);
    return up ? nextBytes(kept) : kept;
  }
  return value;
}

// The shortest change that is above everything that starts with these code points.
function nextString(points: readonly string[]): string | undefined {
  for (let i = points.length - 1; i >= 0; i--) {
    const point = points[i]?.codePointAt(0) ?? 0;
    if (point === 0x10ffff) continue;
    // The code points after U+D7FF are surrogates, which no text holds alone.
    const next = String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
    return points.slice(0, i).join('') + next;
  }
  return undefined;
}

function nextBytes(bytes: Uint8Array): Uint8Array | undefined {
  const i = bytes.findLastIndex((byte) => byte !== 0xff);
  if (i < 0) return undefined;
  const next = bytes.slice(0, i + 1);
  next[i] = (next[i] ?? 0) + 1;
  return next;
}
