import { createHash } from 'node:crypto';

import type { RandomSource } from '@floecat/storage-spi';

/** The same sequence for the same seed on every machine: SHA-256 over a counter. Not for secrets. */
export function seededRandom(seed: string): RandomSource {
  let counter = 0;
  const block = (): Buffer => createHash('sha256').update(`${seed}\n${counter++}`).digest();
  return {
    next: () => block().readUIntBE(0, 6) / 2 ** 48,
    uuid: () => {
      const bytes = block().subarray(0, 16);
      bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
      bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
      return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    },
  };
}
