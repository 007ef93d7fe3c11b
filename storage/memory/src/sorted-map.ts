import { lowerBound } from '@floecat/storage-spi';

/** A map whose keys are kept in UTF-8 byte order. Finding is logarithmic, inserting moves what lies behind. */
export class SortedMap<V> {
  readonly #values = new Map<string, V>();
  readonly #keys: string[] = [];

  get keys(): readonly string[] {
    return this.#keys;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#indexOf(key), 0, key);
    this.#values.set(key, value);
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#indexOf(key), 1);
  }

  /** A copy of the keys from `key` on, so that a caller may delete while walking. */
  keysFrom(key: string): string[] {
    return this.#keys.slice(this.#indexOf(key));
  }

  #indexOf(key: string): number {
    return lowerBound(this.#keys, key, (candidate) => candidate);
  }
}
