import { crc32 } from 'node:zlib';

/**
 * Decompresses a block of Avro's snappy codec: raw Snappy, then the CRC-32 of what it decompresses to. Throws
 * `RangeError` on damage; never reads or writes outside, never allocates more than `maxBytes`.
 */
export function unsnapBlock(block: Uint8Array, maxBytes: number): Uint8Array {
  if (block.length < 5) throw new RangeError('a snappy block is too short');
  const bytes = unsnap(block.subarray(0, -4), maxBytes);
  const stated = new DataView(block.buffer, block.byteOffset).getUint32(block.length - 4);
  if (crc32(bytes) !== stated) throw new RangeError('a snappy block has another checksum');
  return bytes;
}

function unsnap(input: Uint8Array, maxBytes: number): Uint8Array {
  const preamble = lengthOf(input);
  if (preamble.length > maxBytes) throw new RangeError(`a snappy block announces ${preamble.length} bytes`);
  const output = new Uint8Array(preamble.length);
  let at = preamble.end;
  let end = 0;
  while (at < input.length) {
    const tag = input[at++] as number;
    if ((tag & 3) === 0) {
      // A literal: its length less one stands in the tag, or for 60 to 63 in the next one to four bytes.
      const extra = Math.max(0, (tag >>> 2) - 59);
      const length = (extra === 0 ? tag >>> 2 : littleEndian(input, at, extra)) + 1;
      at += extra;
      if (length > input.length - at || length > output.length - end) throw truncated();
      output.set(input.subarray(at, at + length), end);
      at += length;
      end += length;
      continue;
    }
    const kind = tag & 3;
    const extra = kind === 3 ? 4 : kind;
    const offset = littleEndian(input, at, extra) + (kind === 1 ? (tag >>> 5) << 8 : 0);
    const length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    at += extra;
    if (offset === 0 || offset > end || length > output.length - end) throw truncated();
    // Byte by byte where the copy runs into itself, which repeats its pattern.
    if (offset >= length) output.copyWithin(end, end - offset, end - offset + length);
    else for (let i = 0; i < length; i++) output[end + i] = output[end + i - offset] as number;
    end += length;
  }
  if (end !== output.length) throw truncated();
  return output;
}

function lengthOf(input: Uint8Array): { readonly length: number; readonly end: number } {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = input[i];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { length, end: i + 1 };
  }
  throw truncated();
}

function littleEndian(input: Uint8Array, at: number, count: number): number {
  if (count > input.length - at) throw truncated();
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (input[at + i] as number);
  return value;
}

function truncated(): RangeError {
  return new RangeError('a snappy block is truncated or damaged');
}
