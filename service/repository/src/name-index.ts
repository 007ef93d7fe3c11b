const MAX_ENTRIES = 10_000;

/**
 * Which id each name led to when it was last looked up; the least recently used are forgotten first. It only saves a
 * look: whoever finds an owner by it checks that the owner still bears the name.
 */
export class NameIndex {
  readonly #ids = new Map<string, string>();
  readonly #limit: number;

  /** Names of up to 1 KiB each; by default 10,000 of them. */
  constructor(limit: number = MAX_ENTRIES) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#ids.size;
  }

  get(key: string): string | undefined {
    const id = this.#ids.get(key);
    if (id !== undefined) this.set(key, id);
    return id;
  }

  set(key: string, id: string): void {
    this.#ids.delete(key);
    this.#ids.set(key, id);
    if (this.#ids.size <= this.#limit) return;
    for (const oldest of this.#ids.keys()) {
      this.#ids.delete(oldest);
      return;
    }
  }

  delete(key: string): void {
    this.#ids.delete(key);
  }
}
