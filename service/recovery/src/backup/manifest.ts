import type { CallOptions, StoreLayout } from '@floecat/storage-spi';

import {
  BACKUP_FORMAT,
  damaged,
  digestOf,
  missing,
  packLines,
  parseHead,
  parseObject,
} from './backup-codec.ts';
import { unpackLines } from './backup-codec.ts';
import type { BackupTarget } from './backup-target.ts';
import { fileOf } from './backup-target.ts';
import type { SegmentInfo } from './segment.ts';

export const MANIFEST_FILE = 'manifest.jsonl.zst';

/** What a backup is, without its segments. */
export interface BackupHead {
  /** Sorts by the time at which it began. */
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

/** A manifest that was read or written, with the SHA-256 of its file. */
export interface StoredManifest {
  readonly manifest: Manifest;
  readonly sha256: string;
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
  // Before the rest: a newer one may be made in another way.
  const { format: _format, ...head } = parseHead(name, lines[0] ?? '');
  const end = parseObject(lines.pop() ?? '');
  if (end?.['end'] !== true || end['sha256'] !== digestOf(Buffer.from(lines.join('\n'), 'utf8')))
    throw damaged(name, 'was cut short or changed');
  const segments = lines.slice(1).map((line) => parseObject(line) as unknown as SegmentInfo);
  return { ...(head as unknown as BackupHead), segments };
}

/** The manifest of backup `id`, `undefined` where there is none: it is not there, or not complete. */
export async function readManifest(
  target: BackupTarget,
  id: string,
  options: CallOptions = {},
): Promise<StoredManifest | undefined> {
  const file = fileOf(id, MANIFEST_FILE);
  const bytes = await target.get(file, options);
  if (!bytes) return undefined;
  const name = `${target.location}/${file}`;
  const manifest = await decodeManifest(name, bytes);
  if (manifest.id !== id) throw damaged(name, `is that of backup ${manifest.id}`);
  return { manifest, sha256: digestOf(bytes) };
}

/** As {@link readManifest}, of one that has to be there, and to have this SHA-256 where one is given. */
export async function requireManifest(
  target: BackupTarget,
  id: string,
  sha256: string | undefined,
  options: CallOptions = {},
): Promise<StoredManifest> {
  const found = await readManifest(target, id, options);
  const name = `${target.location}/${fileOf(id, MANIFEST_FILE)}`;
  if (!found) throw missing(name);
  if (sha256 !== undefined && found.sha256 !== sha256)
    throw damaged(name, `has the SHA-256 ${found.sha256}, and should have ${sha256}`);
  return found;
}
