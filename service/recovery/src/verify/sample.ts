import { createHash } from 'node:crypto';

const BITS = 2 ** 48;

/** Which rows are looked at: the same ones for the same seed, whatever the order and whoever runs. */
export class Sample {
  readonly #share: number;
  readonly #seed: string;

  /** `share` is from 0 (exclusive) to 1. */
  constructor(share: number, seed: string) {
    this.#share = share;
    this.#seed = seed;
  }

  has(key: string): boolean {
    if (this.#share >= 1) return true;
    const digest = createHash('sha256').update(`${this.#seed}\0${key}`).digest();
    return digest.readUIntBE(0, 6) < this.#share * BITS;
  }
}
