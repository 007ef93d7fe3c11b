import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';

import { compareUtf8, StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { BackupLine } from './backup-line.ts';
import { decodeLine } from './backup-line.ts';

export const BACKUP_FORMAT = 1;
/** What a segment holds at most, and one line more. */
export const SEGMENT_LINES = 10_000;
export const SEGMENT_BYTES = 4 * 1024 * 1024;
/** Far above any segment: what claims to be larger is none. */
const MAX_RAW_BYTES = 64 * 1024 * 1024;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

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

/** Lines on their way into a segment. */
export class SegmentDraft {
  readonly #lines: string[] = [];
  #chars = 0;
  #gone = 0;
  #first = '';
  #last = '';

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  get isFull(): boolean {
    return this.#lines.length >= SEGMENT_LINES || this.#chars >= SEGMENT_BYTES;
  }

  /** Keys come in the order of their bytes. */
  add(key: string, text: string, isGone: boolean): void {
    if (this.isEmpty) this.#first = key;
    this.#last = key;
    this.#chars += text.length + 1;
    this.#lines.push(text);
    if (isGone) this.#gone++;
  }

  /** Of the backup `id`, the segment with this number. */
  async seal(id: string, number: number): Promise<{ readonly info: SegmentInfo; readonly bytes: Buffer }> {
    const head = JSON.stringify({ format: BACKUP_FORMAT, backup: id, segment: number });
    const raw = Buffer.from(`${head}\n${this.#lines.join('\n')}\n`, 'utf8');
    const bytes = await compress(raw);
    const sha256 = digestOf(bytes);
    const info: SegmentInfo = {
      file: segmentFile(number, sha256.slice(0, 16)),
      first: this.#first,
      last: this.#last,
      lines: this.#lines.length,
      gone: this.#gone,
      bytes: bytes.length,
      sha256,
    };
    return { info, bytes };
  }
}

export const SEGMENTS_FOLDER = 'segments/';

/** `digest` are the first 16 digits of the segment's SHA-256. */
export function segmentFile(number: number, digest: string): string {
  return `${SEGMENTS_FOLDER}${String(number).padStart(6, '0')}-${digest}.jsonl.zst`;
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** JSON lines as one zstd frame. */
export async function packLines(lines: readonly string[]): Promise<Buffer> {
  return compress(Buffer.from(lines.join('\n') + '\n', 'utf8'));
}

/** The inverse of {@link packLines}, as UTF-8. Throws `StorageCorruptionError` with `name` in it. */
export async function unpackLines(bytes: Uint8Array, name: string): Promise<Buffer> {
  try {
    return await decompress(bytes, { maxOutputLength: MAX_RAW_BYTES });
  } catch (cause) {
    throw damaged(name, 'does not decompress', cause);
  }
}

/** A segment that was read: its lines, decoded as they are asked for. */
export class Segment {
  readonly #name: string;
  readonly #raw: Buffer;
  /** Where each line begins, and where the last one ends. */
  readonly #starts: readonly number[];

  private constructor(name: string, raw: Buffer, starts: readonly number[]) {
    this.#name = name;
    this.#raw = raw;
    this.#starts = starts;
  }

  /** Throws `StorageCorruptionError` that names the segment, unless these are the bytes that `info` tells of. */
  static async parse(name: string, bytes: Uint8Array, info: SegmentInfo): Promise<Segment> {
    if (digestOf(bytes) !== info.sha256)
      throw damaged(name, 'does not have the SHA-256 that the manifest tells');
    const raw = await unpackLines(bytes, name);
    const segment = Segment.of(name, raw);
    if (
      segment.lines !== info.lines ||
      segment.line(0).key !== info.first ||
      segment.line(info.lines - 1).key !== info.last
    )
      throw damaged(name, 'does not hold the lines that the manifest tells');
    return segment;
  }

  /** The unpacked text of a segment, whose digest was checked. */
  static of(name: string, raw: Buffer): Segment {
    const starts = [0];
    for (let at = raw.indexOf(10); at >= 0; at = raw.indexOf(10, at + 1)) starts.push(at + 1);
    const head = raw.toString('utf8', 0, (starts[1] ?? 1) - 1);
    checkFormat(name, head);
    return new Segment(name, raw, starts.slice(1));
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
    const line =
      from === undefined || to === undefined
        ? undefined
        : decodeLine(this.#raw.toString('utf8', from, to - 1));
    if (!line) throw damaged(this.#name, `has no pointer in line ${index + 2}`);
    return line;
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

/** Refuses the first line of a file of another format. */
export function checkFormat(name: string, head: string): Readonly<Record<string, unknown>> {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(head) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw damaged(name, 'does not begin with a line of JSON', cause);
  }
  const { format } = fields;
  if (typeof format === 'number' && format > BACKUP_FORMAT)
    throw new StorageMisconfiguredError(
      `${name} has backup format ${format}, and this version reads up to ${BACKUP_FORMAT}: use a newer one`,
      { operation: 'readBackup', key: name },
    );
  if (format !== BACKUP_FORMAT) throw damaged(name, 'does not tell its format');
  return fields;
}

export function damaged(name: string, why: string, cause?: unknown): StorageCorruptionError {
  return new StorageCorruptionError(
    `${name} is damaged: it ${why}. Bring the file back, or use another backup and remove this one`,
    { operation: 'readBackup', key: name, cause },
  );
}
