import { murmur3 } from './murmur3.ts';

/** The update seed that all sketches share unless told otherwise; sketches of other seeds cannot be merged. */
const SEED = 9001n;
/** From here on a sketch samples what it sees. This one does not, so it is exact below. */
const MAX_DISTINCT = 4096;

const SERIAL_VERSION = 3;
const FAMILY_COMPACT = 3;
const FLAG_READ_ONLY = 2;
const FLAG_EMPTY = 4;
const FLAG_COMPACT = 8;
const FLAG_ORDERED = 16;

export interface ThetaSketch {
  /** Exact number of distinct values. */
  readonly distinct: number;
  /** The compact, ordered serial form of the DataSketches library. */
  readonly bytes: Buffer;
}

/** A Theta sketch of values in their single-value form. At most 4,096 distinct ones. */
export function thetaSketch(values: readonly Uint8Array[]): ThetaSketch {
  // As in the library, an empty value counts for nothing.
  const hashed = values.filter(({ length }) => length > 0).map((value) => murmur3(value, SEED) >> 1n);
  const hashes = [...new Set(hashed)].sort((a, b) => (a < b ? -1 : 1));
  if (hashes.length > MAX_DISTINCT) throw new RangeError(`more than ${MAX_DISTINCT} distinct values`);
  const preambleLongs = hashes.length > 1 ? 2 : 1;
  const bytes = Buffer.alloc((preambleLongs + hashes.length) * 8);
  bytes[0] = preambleLongs;
  bytes[1] = SERIAL_VERSION;
  bytes[2] = FAMILY_COMPACT;
  bytes[5] = FLAG_READ_ONLY | FLAG_COMPACT | FLAG_ORDERED | (hashes.length === 0 ? FLAG_EMPTY : 0);
  bytes.writeUInt16LE(seedHash(), 6);
  if (preambleLongs === 2) bytes.writeUInt32LE(hashes.length, 8);
  for (const [i, hash] of hashes.entries()) bytes.writeBigUInt64LE(hash, (preambleLongs + i) * 8);
  return { distinct: hashes.length, bytes };
}

function seedHash(): number {
  const seed = Buffer.alloc(8);
  seed.writeBigUInt64LE(SEED);
  return Number(murmur3(seed, 0n) & 0xffffn);
}
