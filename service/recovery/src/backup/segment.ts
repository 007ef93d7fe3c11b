import { compareUtf8 } from '@floecat/storage-spi';

import { damaged, digestOf, parseHead, unpackLines } from './backup-codec.ts';
import type { BackupLine } from './backup-line.ts';
import { decodeLine } from './backup-line.ts';

/** A segment as the manifest names it. */
export interface SegmentInfo {
  /** Relative to the folder of the backup. The digest in it keeps two writers from replacing each other's. */
  readonly file: string;
  /** Keys of its first and its last line. */
  readonly first: string;
  readonly last: string;
  readonly lines: number;
  /** Of these, how many say that a key is gone. */
  readonly gone: number;
  /** As stored. */
  readonly bytes: number;
  /** Of the stored bytes, hex. */
  readonly sha256: string;
}

export const SEGMENTS_FOLDER = 'segments/';
/** Digits of a digest that stand in the name of its file. */
export const DIGEST_DIGITS = 16;

export function segmentFile(number: number, digest: string): string {
  return `${SEGMENTS_FOLDER}${String(number).padStart(6, '0')}-${digest.slice(0, DIGEST_DIGITS)}.jsonl.zst`;
}

/** A segment that was read: its lines, decoded as they are asked for. */
export class Segment {
  readonly info: SegmentInfo;
  readonly #name: string;
  readonly #raw: Buffer;
  /** Where each line begins, and where the last one ends. */
  readonly #starts: readonly number[];

  private constructor(name: string, raw: Buffer, starts: readonly number[], info: SegmentInfo) {
    this.info = info;
    this.#name = name;
    this.#raw = raw;
    this.#starts = starts;
  }

  /**
   * Reads a segment whose digest begins with `digest`. Throws `StorageCorruptionError` that names the file where these
   * are not its bytes.
   */
  static async parse(name: string, file: string, bytes: Uint8Array, digest: string): Promise<Segment> {
    const sha256 = digestOf(bytes);
    if (!sha256.startsWith(digest))
      throw damaged(name, `has the SHA-256 ${sha256}, and should have ${digest}`);
    const raw = await unpackLines(bytes, name);
    const starts = [0];
    for (let at = raw.indexOf(10); at >= 0; at = raw.indexOf(10, at + 1)) starts.push(at + 1);
    const head = parseHead(name, raw.toString('utf8', 0, (starts[1] ?? 1) - 1));
    const { first, last, lines, gone } = head as unknown as SegmentInfo;
    const info: SegmentInfo = { file, first, last, lines, gone, bytes: bytes.length, sha256 };
    const segment = new Segment(name, raw, starts.slice(1), info);
    if (segment.lines !== lines || segment.line(0).key !== first || segment.line(lines - 1).key !== last)
      throw damaged(name, 'does not hold the lines that it tells of');
    return segment;
  }

  get lines(): number {
    return this.#starts.length - 1;
  }

  /** What it takes in memory, bytes. */
  get size(): number {
    return this.#raw.length + 8 * this.#starts.length;
  }

  line(index: number): BackupLine {
    const from = this.#starts[index];
    const to = this.#starts[index + 1];
    const text = from === undefined || to === undefined ? '' : this.#raw.toString('utf8', from, to - 1);
    const line = decodeLine(text);
    if (!line) throw damaged(this.#name, `has no pointer in line ${index + 2}`);
    return line;
  }

  /** Lines `from` up to `to`, or to the end. */
  slice(from: number, to: number): BackupLine[] {
    const lines: BackupLine[] = [];
    for (let i = from; i < to && i < this.lines; i++) lines.push(this.line(i));
    return lines;
  }

  /** The first line whose key is not below `key` (or, with `after`, that is above it). */
  lowerBound(key: string, after = false): number {
    let low = 0;
    let high = this.lines;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareUtf8(this.line(middle).key, key);
      if (order < 0 || (after && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
