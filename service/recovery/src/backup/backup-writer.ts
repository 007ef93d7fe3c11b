import type { CallOptions } from '@floecat/storage-spi';

import { encodeGone, encodePointer } from './backup-line.ts';
import type { BackupProgress, BackupRow, Registration } from './backup-row.ts';
import type { BackupTarget } from './backup-target.ts';
import { fileOf } from './backup-target.ts';
import { missing } from './backup-codec.ts';
import { SegmentDraft } from './segment-draft.ts';
import type { SegmentInfo } from './segment.ts';
import { DIGEST_DIGITS, Segment, segmentFile } from './segment.ts';
import type { Stretch } from './walk-changes.ts';

/** The row is written at least once in so many pointers, whatever of them changed. */
const SAVE_EVERY = 200_000;

/**
 * Stores what a walk finds as segments. The row names a segment only once it is stored, and nothing that it does not
 * name is of the backup: so a process may end at any moment, and another goes on where the row says.
 */
export class BackupWriter implements AsyncDisposable {
  readonly #target: BackupTarget;
  readonly #row: BackupRow;
  readonly #maxLines: number | undefined;
  readonly #call: CallOptions;
  readonly #segments: SegmentInfo[];
  #draft: SegmentDraft;
  #after: string | undefined;
  #pointers: number;
  #savedPointers: number;
  /** Stores a segment while the walk goes on. */
  #storing: Promise<void> = Promise.resolve();

  private constructor(
    target: BackupTarget,
    row: BackupRow,
    segments: SegmentInfo[],
    options: CallOptions & { readonly maxLines?: number },
  ) {
    const { maxLines, ...call } = options;
    this.#target = target;
    this.#row = row;
    this.#segments = segments;
    this.#maxLines = maxLines;
    this.#call = call;
    this.#draft = new SegmentDraft(maxLines);
    const { progress, pointers } = registrationOf(row);
    this.#after = progress.after;
    this.#pointers = pointers;
    this.#savedPointers = pointers;
  }

  /** Goes on where `row` says. Throws `StorageCorruptionError` where a segment that it names is gone or damaged. */
  static async resume(
    target: BackupTarget,
    row: BackupRow,
    options: CallOptions & { readonly maxLines?: number } = {},
  ): Promise<BackupWriter> {
    const segments: SegmentInfo[] = [];
    for (const [number, digest] of registrationOf(row).progress.segments.entries()) {
      const file = segmentFile(number, digest);
      const path = fileOf(row.id, file);
      const name = `${target.location}/${path}`;
      const bytes = await target.get(path, options.signal && { signal: options.signal });
      if (!bytes) throw missing(name);
      segments.push((await Segment.parse(name, file, bytes, digest)).info);
    }
    return new BackupWriter(target, row, segments, options);
  }

  get segments(): readonly SegmentInfo[] {
    return this.#segments;
  }

  /** Pointers that were met. */
  get pointers(): number {
    return this.#pointers;
  }

  /** Takes in what follows. */
  async add({ lines, after, pointers }: Stretch): Promise<void> {
    const before = this.#pointers;
    for (const { line, met } of lines) {
      const { key, pointer } = line;
      this.#draft.add(key, pointer ? encodePointer(pointer) : encodeGone(key), !pointer);
      this.#after = key;
      this.#pointers = before + met;
      if (this.#draft.isFull) await this.#store();
    }
    this.#after = after;
    this.#pointers = before + pointers;
    if (this.#pointers - this.#savedPointers >= SAVE_EVERY) await this.#store();
  }

  /** Stores what is left, and notes that the walk ended at `endedAt`. */
  async end(endedAt: number): Promise<void> {
    await this.#store();
    await this.#storing;
    await this.#save(this.#after, this.#pointers, endedAt);
  }

  /** Waits for what is under way, whatever becomes of it: nothing is written after this. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#storing.catch(() => undefined);
  }

  /** Begins to store the draft, once the one before is stored. */
  async #store(): Promise<void> {
    await this.#storing;
    const draft = this.#draft;
    this.#draft = new SegmentDraft(this.#maxLines);
    this.#savedPointers = this.#pointers;
    this.#storing = this.#storeAs(draft, this.#after, this.#pointers);
    // Its error is thrown where it is awaited, which may be never.
    this.#storing.catch(() => undefined);
  }

  async #storeAs(draft: SegmentDraft, after: string | undefined, pointers: number): Promise<void> {
    if (!draft.isEmpty) {
      const { info, bytes } = await draft.seal(this.#row.id, this.#segments.length);
      await this.#target.put(fileOf(this.#row.id, info.file), bytes, this.#call);
      this.#segments.push(info);
    }
    await this.#save(after, pointers);
  }

  /** `endedAt` tells that the walk is over. */
  async #save(after: string | undefined, pointers: number, endedAt?: number): Promise<void> {
    const progress: BackupProgress = {
      segments: this.#segments.map(({ sha256 }) => sha256.slice(0, DIGEST_DIGITS)),
      ...(after !== undefined && { after }),
      walked: endedAt !== undefined,
    };
    const bytes = this.#segments.reduce((sum, info) => sum + info.bytes, 0);
    const next = { ...registrationOf(this.#row), pointers, bytes, progress };
    await this.#row.save({ ...next, ...(endedAt !== undefined && { endedAt }) }, this.#call);
  }
}

function registrationOf({ value, id }: BackupRow): Registration & { readonly progress: BackupProgress } {
  if (!value?.progress) throw new TypeError(`backup ${id} is not being written`);
  return { ...value, progress: value.progress };
}
