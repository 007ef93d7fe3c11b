import { BACKUP_FORMAT, digestOf, packLines } from './backup-codec.ts';
import type { SegmentInfo } from './segment.ts';
import { segmentFile } from './segment.ts';

/** What a segment holds at most. */
const SEGMENT_LINES = 10_000;
/** As far as lines fit, which are of any length that a pointer may have; and one line more. */
const SEGMENT_CHARS = 4 * 1024 * 1024;

/** Lines on their way into a segment. */
export class SegmentDraft {
  readonly #maxLines: number;
  readonly #lines: string[] = [];
  #chars = 0;
  #gone = 0;
  #first = '';
  #last = '';

  constructor(maxLines = SEGMENT_LINES) {
    this.#maxLines = maxLines;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  get isFull(): boolean {
    return this.#lines.length >= this.#maxLines || this.#chars >= SEGMENT_CHARS;
  }

  /** Keys come in the order of their bytes. */
  add(key: string, text: string, isGone: boolean): void {
    if (this.isEmpty) this.#first = key;
    this.#last = key;
    this.#chars += text.length + 1;
    this.#lines.push(text);
    if (isGone) this.#gone++;
  }

  /** As segment `number` of the backup `id`. */
  async seal(id: string, number: number): Promise<{ readonly info: SegmentInfo; readonly bytes: Buffer }> {
    const facts = { first: this.#first, last: this.#last, lines: this.#lines.length, gone: this.#gone };
    const head = JSON.stringify({ format: BACKUP_FORMAT, backup: id, segment: number, ...facts });
    const bytes = await packLines([head, ...this.#lines]);
    const sha256 = digestOf(bytes);
    return { info: { file: segmentFile(number, sha256), ...facts, bytes: bytes.length, sha256 }, bytes };
  }
}
