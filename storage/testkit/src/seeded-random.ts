import { randomInt } from 'node:crypto';

import type { RandomSource } from '@floecat/storage-spi';

/** A {@link RandomSource} that answers the same sequence for the same seed. */
export interface SeededRandom extends RandomSource {
  readonly seed: number;
  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number;
  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T;
}

/** The sfc32 generator over a 32-bit seed. Not for secrets. */
export function seededRandom(seed: number): SeededRandom {
  let a = seed | 0;
  let b = 0x9e3779b9 | 0;
  let c = 0x243f6a88 | 0;
  let counter = 1;

  const word = (): number => {
    const out = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + out) | 0;
    return out >>> 0;
  };
  const next = (): number => ((word() >>> 5) * 0x4000000 + (word() >>> 6)) / 2 ** 53;
  const below = (bound: number): number => Math.floor(next() * bound);
  const uuid = (): string => {
    const words = Uint32Array.of(word(), word(), word(), word());
    words[1] = ((words[1] as number) & 0xffff0fff) | 0x4000;
    words[2] = ((words[2] as number) & 0x3fffffff) | 0x80000000;
    const hex = Array.from(words, (each) => each.toString(16).padStart(8, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  };
  const pick = <T>(items: readonly T[]): T => {
    if (items.length === 0) throw new RangeError('nothing to pick from');
    return items[below(items.length)] as T;
  };
  // Seeds that differ in one bit diverge only after a few rounds.
  for (let i = 0; i < 12; i++) word();
  return { seed, next, uuid, below, pick };
}

/**
 * Runs `body` with a random source, and names the seed in the error if it fails. Pass that seed to run the same again.
 */
export async function withSeed<T>(
  body: (random: SeededRandom) => Promise<T>,
  seed: number = randomInt(2 ** 32),
): Promise<T> {
  try {
    return await body(seededRandom(seed));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`seed ${seed}: ${message}`, { cause });
  }
}
