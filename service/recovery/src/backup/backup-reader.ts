import type { CallOptions, Pointer } from '@floecat/storage-spi';
import { compareUtf8, lowerBound, StorageMisconfiguredError } from '@floecat/storage-spi';

import { missing } from './backup-codec.ts';
import type { BackupLine } from './backup-line.ts';
import type { BackupTarget } from './backup-target.ts';
import { checkFileName, fileOf } from './backup-target.ts';
import type { BackupHead, Manifest, StoredManifest } from './manifest.ts';
import { requireManifest } from './manifest.ts';
import { mergeLines } from './merge-lines.ts';
import { SegmentCache } from './segment-cache.ts';
import type { SegmentInfo } from './segment.ts';
import { Segment } from './segment.ts';

/** Backups of a chain: a full one and those that were built on it, one upon the other. Each costs a reader a segment. */
export const MAX_CHAIN = 32;

const LINES_AT_A_TIME = 1_000;

/**
 * A complete backup, read together with those that it builds on. Each file is checked against its SHA-256 when it is
 * read; one that is damaged or missing throws `StorageCorruptionError`, which names it.
 */
export interface BackupReader {
  readonly id: string;
  /** Facts from its manifest. */
  readonly manifest: BackupHead;
  /** SHA-256 of its manifest, hex. */
  readonly manifestSha256: string;
  /** Ids of the backups that it builds on, the full one last; none for a full one. */
  readonly bases: readonly string[];

  /** The pointer at `key`, as it was backed up. */
  pointer(key: string, options?: CallOptions): Promise<Pointer | undefined>;

  /**
   * Pointers whose key starts with `prefix` and is above `after`, in UTF-8 order of the keys, expired ones too. In
   * memory is one segment of each backup of the chain.
   */
  pointers(prefix: string, after?: string, options?: CallOptions): AsyncIterable<Pointer>;
}

export interface OpenBackupOptions extends CallOptions {
  /** The SHA-256 that its manifest has to have; default: the one that it tells of itself. */
  readonly manifestSha256?: string;
  /** Shared by readers that are used side by side. */
  readonly cache?: SegmentCache;
}

/**
 * Opens a complete backup: reads its manifest and those below it. `target` has to stay open as long as it is used. Throws
 * `StorageCorruptionError` where a file is missing or damaged, `StorageMisconfiguredError` for a newer format.
 */
export async function openBackup(
  target: BackupTarget,
  id: string,
  { manifestSha256, cache = new SegmentCache(), ...call }: OpenBackupOptions = {},
): Promise<ChainReader> {
  checkFileName('openBackup', id);
  const chain = [await requireManifest(target, id, manifestSha256, call)];
  for (let base = chain[0]?.manifest.since; base; base = chain.at(-1)?.manifest.since) {
    if (chain.length === MAX_CHAIN)
      throw new StorageMisconfiguredError(
        `backup ${id} builds on more than ${MAX_CHAIN - 1} others, which this version does not read: use a newer one`,
        { operation: 'openBackup', key: id },
      );
    chain.push(await requireManifest(target, base.id, base.manifestSha256, call));
  }
  return new ChainReader(target, chain, cache);
}

/** One manifest or more, the newest first. */
export class ChainReader implements BackupReader {
  readonly id: string;
  readonly manifest: BackupHead;
  readonly manifestSha256: string;
  readonly bases: readonly string[];
  readonly #layers: readonly Layer[];

  constructor(target: BackupTarget, chain: readonly StoredManifest[], cache: SegmentCache) {
    const [top] = chain;
    if (!top) throw new TypeError('a chain has at least one backup');
    const { segments: _, ...head } = top.manifest;
    this.id = head.id;
    this.manifest = head;
    this.manifestSha256 = top.sha256;
    this.bases = chain.slice(1).map(({ manifest }) => manifest.id);
    this.#layers = chain.map(({ manifest }) => new Layer(target, manifest, cache));
  }

  /** Backups in the chain. */
  get length(): number {
    return this.#layers.length;
  }

  async pointer(key: string, options: CallOptions = {}): Promise<Pointer | undefined> {
    for (const layer of this.#layers) {
      const line = await layer.line(key, options);
      if (line) return line.pointer;
    }
    return undefined;
  }

  async *pointers(prefix: string, after?: string, options: CallOptions = {}): AsyncGenerator<Pointer> {
    for await (const batch of this.batches(prefix, after, options)) yield* batch;
  }

  /** As {@link pointers}, many at a time. */
  batches(prefix: string, after?: string, options: CallOptions = {}): AsyncGenerator<readonly Pointer[]> {
    return mergeLines(this.#layers.map((layer) => layer.lines(prefix, after, options)));
  }
}

/** The lines of one backup of a chain. */
class Layer {
  readonly #target: BackupTarget;
  readonly #manifest: Manifest;
  readonly #cache: SegmentCache;

  constructor(target: BackupTarget, manifest: Manifest, cache: SegmentCache) {
    this.#target = target;
    this.#manifest = manifest;
    this.#cache = cache;
  }

  async line(key: string, options: CallOptions): Promise<BackupLine | undefined> {
    const info = this.#manifest.segments[this.#firstWithout(key)];
    if (!info) return undefined;
    const segment = await this.#segment(info, options);
    const index = segment.lowerBound(key);
    if (index >= segment.lines) return undefined;
    const line = segment.line(index);
    return line.key === key ? line : undefined;
  }

  async *lines(
    prefix: string,
    after: string | undefined,
    options: CallOptions,
  ): AsyncGenerator<readonly BackupLine[]> {
    const isAfter = after !== undefined && compareUtf8(after, prefix) >= 0;
    const from = isAfter ? after : prefix;
    const { segments } = this.#manifest;
    for (let i = this.#firstWithout(from); i < segments.length; i++) {
      const info = segments[i] as SegmentInfo;
      const segment = await this.#segment(info, options);
      for (let at = segment.lowerBound(from, isAfter); at < segment.lines; at += LINES_AT_A_TIME) {
        const lines = segment.slice(at, at + LINES_AT_A_TIME);
        const end = lines.findIndex(({ key }) => !key.startsWith(prefix));
        yield end < 0 ? lines : lines.slice(0, end);
        if (end >= 0) return;
        options.signal?.throwIfAborted();
      }
    }
  }

  /** Index of the first segment that is not wholly below `key`. */
  #firstWithout(key: string): number {
    return lowerBound(this.#manifest.segments, key, ({ last }) => last);
  }

  #segment({ file, sha256 }: SegmentInfo, options: CallOptions): Promise<Segment> {
    const path = fileOf(this.#manifest.id, file);
    return this.#cache.get(path, async () => {
      const bytes = await this.#target.get(path, options);
      const name = `${this.#target.location}/${path}`;
      if (!bytes) throw missing(name);
      return Segment.parse(name, file, bytes, sha256);
    });
  }
}
