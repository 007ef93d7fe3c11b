import { MAX_CHUNK_BYTES, MAX_CHUNK_FILES } from './limits.ts';

/** A serialized `ScanChunk`, ready to be stored. */
export interface HarvestedChunk {
  readonly bytes: Uint8Array;
  /** 1 to 1,000. */
  readonly fileCount: number;
}

/** Field 1 of `ScanChunk`, length-delimited. */
const FILES_TAG = 0x0a;

/** Puts serialized files into chunks of at most 1,000 files and about 4 MiB, and hands each on before the next. */
export class ScanChunkWriter {
  readonly #onChunk: (chunk: HarvestedChunk) => Promise<void>;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #files = 0;

  constructor(onChunk: (chunk: HarvestedChunk) => Promise<void>) {
    this.#onChunk = onChunk;
  }

  /** Adds a file, given in parts. Resolves once a chunk that had to go first was taken. */
  async add(parts: readonly Uint8Array[]): Promise<void> {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const frame = frameOf(size);
    if (this.#files === MAX_CHUNK_FILES || this.#bytes + frame.length + size > MAX_CHUNK_BYTES)
      await this.flush();
    this.#parts.push(frame, ...parts);
    this.#bytes += frame.length + size;
    this.#files++;
  }

  /** Hands on what is left. */
  async flush(): Promise<void> {
    if (this.#files === 0) return;
    const chunk = { bytes: Buffer.concat(this.#parts, this.#bytes), fileCount: this.#files };
    this.#parts = [];
    this.#bytes = 0;
    this.#files = 0;
    await this.#onChunk(chunk);
  }
}

function frameOf(size: number): Uint8Array {
  const frame = [FILES_TAG];
  for (let rest = size; ; rest >>>= 7) {
    if (rest < 0x80) return Uint8Array.from([...frame, rest]);
    frame.push((rest & 0x7f) | 0x80);
  }
}
