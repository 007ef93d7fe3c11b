import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';

import type { CallOptions, Storage, StorageError } from '@floecat/storage-spi';
import {
  joinKey,
  StorageCorruptionError,
  StorageMisconfiguredError,
  StorageNotFoundError,
} from '@floecat/storage-spi';

/** Lines of one segment: what a pass holds of a list in memory. */
export const SEGMENT_ENTRIES = 10_000;
const MAX_SEGMENT_ENTRIES = 4 * SEGMENT_ENTRIES;
/** A line is at most a URI of 1,024 bytes, escaped for JSON, and a version id; a segment is far below this. */
const MAX_SEGMENT_BYTES = 128 * 1024 * 1024;
const FORMAT = 1;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** A blob version that nothing reaches. */
export interface CondemnedBlob {
  readonly uri: string;
  readonly versionId: string;
  /** Bytes. */
  readonly size: number;
  /**
   * Epoch ms: when the pass that condemned it began, by the blob store's clock; in the lists after that one, when that list
   * took effect, as {@link inForce} has it.
   */
  readonly since: number;
  /** The pass that condemned it. */
  readonly run: string;
}

/** An entry of `list`, with the time from which on it counts as condemned: not before the list took effect. */
export function inForce(
  entry: CondemnedBlob,
  list: { readonly pass: string; readonly publishedAt: number } | undefined,
): CondemnedBlob {
  if (entry.run !== list?.pass) return entry;
  return { ...entry, since: Math.max(entry.since, list.publishedAt) };
}

/** A stored part of a list. */
export interface SegmentRef {
  readonly uri: string;
  /** Of the stored bytes, hex. */
  readonly sha256: string;
  readonly entries: number;
}

/** Where an account's passes keep their blobs. Outside of every account, so that no pass walks over it. */
export function listsPrefix(account: string): string {
  return joinKey('floecat', 'gc', account) + '/';
}

/** Where one pass keeps its list. */
export function listPrefix(account: string, pass: string): string {
  return listsPrefix(account) + pass + '/';
}

export async function writeSegment(
  { blobs }: Storage,
  prefix: string,
  number: number,
  entries: readonly CondemnedBlob[],
  options: CallOptions,
): Promise<SegmentRef> {
  const lines = [JSON.stringify({ format: FORMAT }), ...entries.map((entry) => JSON.stringify(entry))];
  const bytes = await compress(Buffer.from(lines.join('\n') + '\n', 'utf8'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  // With its digest in the name, writing a segment anew never replaces one that a row may already name.
  const uri = `${prefix}${String(number).padStart(6, '0')}-${sha256.slice(0, 16)}.jsonl.zst`;
  await blobs.put(uri, bytes, { contentType: 'application/zstd', ...options });
  return { uri, sha256, entries: entries.length };
}

export async function readSegment(
  { blobs }: Storage,
  { uri, sha256, entries }: SegmentRef,
  options: CallOptions,
): Promise<readonly CondemnedBlob[]> {
  const { bytes } = await blobs.get(uri, options);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw damaged(uri);
  const text = await decompress(bytes, { maxOutputLength: MAX_SEGMENT_BYTES });
  const [head, ...lines] = text.toString('utf8').trimEnd().split('\n');
  const { format } = JSON.parse(head ?? '{}') as { format?: number };
  if (format !== FORMAT)
    throw new StorageMisconfiguredError(
      `${uri} has format ${String(format)}, and this version reads ${FORMAT}: run a newer one`,
      { operation: 'gc', key: uri },
    );
  if (lines.length !== entries) throw damaged(uri);
  return lines.map((line) => JSON.parse(line) as CondemnedBlob);
}

function damaged(uri: string): StorageCorruptionError {
  return new StorageCorruptionError(
    `${uri} is not the list of condemned blobs that was written; the next pass condemns its blobs anew`,
    { operation: 'gc', key: uri },
  );
}

/** Collects entries into segments. What is not full at the end of a slice is read again, and filled, in the next one. */
export class SegmentWriter {
  readonly #storage: Storage;
  readonly #prefix: string;
  readonly #options: CallOptions;
  readonly #sealed: SegmentRef[];
  #open: CondemnedBlob[] = [];

  private constructor(storage: Storage, prefix: string, sealed: SegmentRef[], options: CallOptions) {
    this.#storage = storage;
    this.#prefix = prefix;
    this.#sealed = sealed;
    this.#options = options;
  }

  /** Goes on with a list of which `written` is stored. */
  static async resume(
    storage: Storage,
    prefix: string,
    written: readonly SegmentRef[],
    options: CallOptions,
  ): Promise<SegmentWriter> {
    const sealed = [...written];
    const writer = new SegmentWriter(storage, prefix, sealed, options);
    const last = sealed.pop();
    if (last) writer.#open = [...(await readSegment(storage, last, options))];
    return writer;
  }

  async add(entry: CondemnedBlob): Promise<void> {
    const size = this.#open.length;
    // The versions of a URI stay together, as far as one does not have thousands.
    const parts = entry.uri !== this.#open.at(-1)?.uri || size >= MAX_SEGMENT_ENTRIES;
    if (size >= SEGMENT_ENTRIES && parts) await this.#seal();
    this.#open.push(entry);
  }

  /** Stores what is left and answers the whole list. */
  async flush(): Promise<readonly SegmentRef[]> {
    if (this.#open.length > 0) await this.#seal();
    return [...this.#sealed];
  }

  async #seal(): Promise<void> {
    const number = this.#sealed.length;
    this.#sealed.push(await writeSegment(this.#storage, this.#prefix, number, this.#open, this.#options));
    this.#open = [];
  }
}

/** Reads a list from its segment `from` on, one segment at a time. */
export class CondemnedReader {
  readonly #storage: Storage;
  readonly #segments: readonly SegmentRef[];
  readonly #options: CallOptions;
  readonly #onLost: ((error: StorageError) => void) | undefined;
  #entries: readonly CondemnedBlob[] = [];
  #next: number;
  #at = 0;

  /** Without `onLost`, a segment that is damaged or gone is an error; with it, the list ends there. */
  constructor(
    storage: Storage,
    segments: readonly SegmentRef[],
    from: number,
    options: CallOptions,
    onLost?: (error: StorageError) => void,
  ) {
    this.#storage = storage;
    this.#segments = segments;
    this.#next = from;
    this.#options = options;
    this.#onLost = onLost;
  }

  /** The segment that {@link peek} stands in, to go on from. */
  get segment(): number {
    return Math.max(0, this.#next - 1);
  }

  async peek(): Promise<CondemnedBlob | undefined> {
    while (this.#at >= this.#entries.length) {
      const segment = this.#segments[this.#next];
      if (!segment) return undefined;
      this.#entries = await this.#read(segment);
      this.#at = 0;
    }
    return this.#entries[this.#at];
  }

  skip(): void {
    this.#at++;
  }

  async #read(segment: SegmentRef): Promise<readonly CondemnedBlob[]> {
    try {
      const entries = await readSegment(this.#storage, segment, this.#options);
      this.#next++;
      return entries;
    } catch (error) {
      if (
        !this.#onLost ||
        !(error instanceof StorageNotFoundError || error instanceof StorageCorruptionError)
      )
        throw error;
      this.#onLost(error);
      this.#next = this.#segments.length;
      return [];
    }
  }
}
