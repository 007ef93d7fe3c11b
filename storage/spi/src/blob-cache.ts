import type { Blob } from './blob-store.ts';

/** What an entry takes beside its bytes and its URI: header, map entry; rounded up. */
const ENTRY_OVERHEAD_BYTES = 512;
/** No entry takes more than this part of the cache, so that one blob never throws out all others. */
const LARGEST_SHARE = 1 / 8;

/** Blobs by URI, up to a number of bytes; the least recently used go first. Keeps copies, and answers copies. */
export class BlobCache {
  readonly #limit: number;
  readonly #blobs = new Map<string, Blob>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What is held, in bytes, overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  get(uri: string): Blob | undefined {
    const blob = this.#blobs.get(uri);
    if (!blob) return undefined;
    this.#blobs.delete(uri);
    this.#blobs.set(uri, blob);
    // A caller may do with its bytes what it likes; and a slice of a Buffer would be no copy.
    return { header: blob.header, bytes: new Uint8Array(blob.bytes) };
  }

  set(uri: string, { header, bytes }: Blob): void {
    this.delete(uri);
    const size = sizeOf(uri, bytes);
    if (size > this.#limit * LARGEST_SHARE) return;
    this.#blobs.set(uri, { header, bytes: new Uint8Array(bytes) });
    this.#bytes += size;
    for (const oldest of this.#blobs.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.delete(oldest);
    }
  }

  delete(uri: string): void {
    const blob = this.#blobs.get(uri);
    if (!blob) return;
    this.#blobs.delete(uri);
    this.#bytes -= sizeOf(uri, blob.bytes);
  }

  deletePrefix(prefix: string): void {
    for (const uri of this.#blobs.keys()) if (uri.startsWith(prefix)) this.delete(uri);
  }
}

function sizeOf(uri: string, bytes: Uint8Array): number {
  return bytes.length + uri.length * 2 + ENTRY_OVERHEAD_BYTES;
}
