import type { Segment } from './segment.ts';

/** Raw bytes of segments that are held where nothing else is said. */
export const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;

interface Entry {
  readonly loading: Promise<Segment>;
  bytes: number;
}

/** Segments that were read, the ones used last; each is read once however many want it at the same time. */
export class SegmentCache {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(maxBytes = DEFAULT_CACHE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get(key: string, load: () => Promise<Segment>): Promise<Segment> {
    const held = this.#entries.get(key);
    const entry = held ?? { loading: load(), bytes: 0 };
    // The order of the map is that of use.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (!held)
      entry.loading.then(
        (segment) => this.#loaded(key, entry, segment.size),
        () => this.#forget(key, entry),
      );
    return entry.loading;
  }

  #loaded(key: string, entry: Entry, size: number): void {
    if (this.#entries.get(key) !== entry) return;
    entry.bytes = size;
    this.#bytes += size;
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#entries.delete(oldest);
      this.#bytes -= bytes;
    }
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}
