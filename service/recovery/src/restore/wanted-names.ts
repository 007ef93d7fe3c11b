import { createHash } from 'node:crypto';

/** Names that are to come from the backup, each in a few bytes: a store has as many as it has resources. */
export class WantedNames {
  readonly #hashes = new Set<number>();

  get size(): number {
    return this.#hashes.size;
  }

  add(key: string, ownerId: string): void {
    this.#hashes.add(hashOf(key, ownerId));
  }

  /** Whether it was wanted, and is so no more. */
  take(key: string, ownerId: string): boolean {
    return this.#hashes.delete(hashOf(key, ownerId));
  }

  clear(): void {
    this.#hashes.clear();
  }
}

/** 48 bits: two of a million names are one in a few hundred stores, and then a name that nobody bears comes back. */
function hashOf(key: string, ownerId: string): number {
  return createHash('sha256').update(`${key}\n${ownerId}`).digest().readUIntBE(0, 6);
}
