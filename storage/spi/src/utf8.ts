/**
 * UTF-8 byte order of two strings, without encoding them: negative, 0 or positive. It differs from JavaScript's
 * `<` where one string has a surrogate pair (U+10000 and above) and the other a unit in U+E000..U+FFFF.
 */
export function compareUtf8(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

// Surrogates sort after every other unit, as their four-byte sequences do.
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Length of `text` in UTF-8 bytes. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** The first index of the sorted `items` whose key is not below `key` (or, with `after`, that is above it). */
export function lowerBound<T>(
  items: readonly T[],
  key: string,
  keyOf: (item: T) => string,
  after = false,
): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareUtf8(keyOf(items[middle] as T), key);
    if (order < 0 || (after && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}
