const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint): bigint => u64((value << by) | (value >> (64n - by)));

function finish(hash: bigint): bigint {
  const once = u64((hash ^ (hash >> 33n)) * 0xff51afd7ed558ccdn);
  const twice = u64((once ^ (once >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return twice ^ (twice >> 33n);
}

/** The first 64 bits of MurmurHash3 x64 128, as an unsigned number. */
export function murmur3(bytes: Uint8Array, seed: bigint): bigint {
  // The bytes after the last whole block are mixed in as if zeros followed, but without the last steps of a block.
  const padded = Buffer.alloc(Math.ceil(bytes.length / 16) * 16);
  padded.set(bytes);
  let h1 = seed;
  let h2 = seed;
  for (let at = 0; at < padded.length; at += 16) {
    h1 ^= u64(rotate(u64(padded.readBigUInt64LE(at) * C1), 31n) * C2);
    if (at + 16 > bytes.length) {
      h2 ^= u64(rotate(u64(padded.readBigUInt64LE(at + 8) * C2), 33n) * C1);
      break;
    }
    h1 = u64((rotate(h1, 27n) + h2) * 5n + 0x52dce729n);
    h2 ^= u64(rotate(u64(padded.readBigUInt64LE(at + 8) * C2), 33n) * C1);
    h2 = u64((rotate(h2, 31n) + h1) * 5n + 0x38495ab5n);
  }
  const length = BigInt(bytes.length);
  h1 = u64((h1 ^ length) + (h2 ^ length));
  h2 = u64((h2 ^ length) + h1);
  return u64(finish(h1) + finish(h2));
}
