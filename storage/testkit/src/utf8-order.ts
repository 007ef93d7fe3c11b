/** `texts` in UTF-8 byte order, found by encoding them: slower than a store's way, and independent of it. */
export function utf8Sorted(texts: readonly string[]): string[] {
  return texts
    .map((text) => ({ text, bytes: Buffer.from(text, 'utf8') }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ text }) => text);
}

/** A string of exactly `bytes` UTF-8 bytes: `stem`, then as many `unit` as fit, then ASCII. */
export function textOfBytes(bytes: number, unit = 'x', stem = ''): string {
  const room = bytes - Buffer.byteLength(stem, 'utf8');
  const size = Buffer.byteLength(unit, 'utf8');
  if (room < 0) throw new RangeError(`"${stem}" takes more than ${bytes} bytes`);
  return stem + unit.repeat(Math.floor(room / size)) + 'x'.repeat(room % size);
}
