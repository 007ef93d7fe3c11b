import type { StoreLayout } from '@floecat/storage-spi';

import type { SegmentInfo } from './segment.ts';
import { BACKUP_FORMAT, checkFormat, damaged, digestOf, packLines, unpackLines } from './segment.ts';

export const MANIFEST_FILE = 'manifest.jsonl.zst';

/** What a backup is, without its segments. */
export interface BackupHead {
  readonly id: string;
  /** Store, table, epoch and layout as they were. */
  readonly layout: StoreLayout;
  /** The backup that this one builds on, at the same target; absent for a full one. */
  readonly since?: { readonly id: string; readonly manifestSha256: string };
  /** Epoch ms, by the store's clock: before the first pointer was read, and after the last. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Pointers that the walk met: those of the store. */
  readonly pointers: number;
  /** Lines of its segments, and how many of them say that a key is gone. */
  readonly lines: number;
  readonly gone: number;
  /** Of its segments, as stored. */
  readonly bytes: number;
}

export interface Manifest extends BackupHead {
  readonly segments: readonly SegmentInfo[];
}

/** The first line is the head, each later one a segment, the last one the SHA-256 of all before. */
export async function encodeManifest({ segments, ...head }: Manifest): Promise<Buffer> {
  const lines = [
    JSON.stringify({ format: BACKUP_FORMAT, ...head }),
    ...segments.map((info) => JSON.stringify(info)),
  ];
  return packLines([
    ...lines,
    JSON.stringify({ end: true, sha256: digestOf(Buffer.from(lines.join('\n'), 'utf8')) }),
  ]);
}

/** Throws `StorageCorruptionError` or, for a newer format, `StorageMisconfiguredError`, naming the file. */
export async function decodeManifest(name: string, bytes: Uint8Array): Promise<Manifest> {
  const lines = (await unpackLines(bytes, name)).toString('utf8').trimEnd().split('\n');
  const [first = ''] = lines;
  // Before the rest: a newer one may be made in another way.
  const { format: _format, ...head } = checkFormat(name, first);
  const last = parse(name, lines.pop() ?? '');
  if (last['end'] !== true || last['sha256'] !== digestOf(Buffer.from(lines.join('\n'), 'utf8')))
    throw damaged(name, 'was cut short or changed');
  const segments = lines.slice(1).map((line) => parse(name, line) as unknown as SegmentInfo);
  return { ...(head as unknown as BackupHead), segments };
}

function parse(name: string, line: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw damaged(name, 'was cut short or changed', cause);
  }
}
