import { storeTime } from '@floecat/repository';
import type { CallOptions, RandomSource } from '@floecat/storage-spi';
import { StorageNotFoundError } from '@floecat/storage-spi';

import { RecoveryRefusedError } from '../errors.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';
import { digestOf } from './backup-codec.ts';
import type { ChainReader } from './backup-reader.ts';
import { MAX_CHAIN, openBackup } from './backup-reader.ts';
import type { Registration } from './backup-row.ts';
import { BackupRow } from './backup-row.ts';
import type { BackupTarget } from './backup-target.ts';
import { fileOf } from './backup-target.ts';
import { BackupWriter } from './backup-writer.ts';
import type { BackupHead, Manifest } from './manifest.ts';
import { encodeManifest, MANIFEST_FILE, requireManifest } from './manifest.ts';
import type { SegmentInfo } from './segment.ts';
import { SEGMENTS_FOLDER } from './segment.ts';
import { walkChanges } from './walk-changes.ts';

export interface CreateBackupOptions {
  /** Id of a complete backup of this store at the same target: only what changed since then is taken. */
  readonly since?: string;
  /** Id of a backup that was not finished, to go on with. Not with `since`, which is the one that it began with. */
  readonly resume?: string;
  /** Told the id as soon as the backup is registered: from then on it can be resumed. */
  readonly onRegistered?: (id: string) => void;
  /** Lines of a segment; default 10,000. */
  readonly segmentLines?: number;
  /** Pointers that are listed at a time; default 1,000. */
  readonly pageSize?: number;
}

/** A backup that is complete. */
export interface CreatedBackup extends BackupHead {
  readonly location: string;
  readonly segments: number;
  readonly manifestSha256: string;
}

/**
 * Takes a backup of all pointers while writers go on, or finishes one. A pointer that is there all the time is in it once,
 * at a version that it had meanwhile; the backup is not a snapshot of one moment. From its registration, which comes
 * first, until it is removed the blob collector deletes nothing that it may need. In memory are a page of pointers and
 * two segments, and with `since` a segment of each backup below.
 *
 * Throws `RecoveryRefusedError` where `since` or `resume` cannot be built on, `StorageNotFoundError` where there is no
 * such backup, `StoragePreconditionFailedError` where another process has taken the backup over or removed it, and the
 * errors of store and target. After any of them but the first two the backup can be resumed, or removed.
 */
export async function createBackup(
  context: RecoveryContext,
  target: BackupTarget,
  options: CreateBackupOptions = {},
): Promise<CreatedBackup> {
  const { storage } = context;
  const { resume, segmentLines, pageSize, onRegistered } = options;
  const call = callOf(context);
  if (resume !== undefined && options.since !== undefined)
    throw new RecoveryRefusedError('give either a backup to resume or one to build on');
  const { row, base } =
    resume === undefined
      ? await register(context, target, options.since)
      : await reopen(context, target, resume);
  onRegistered?.(row.id);
  if (row.value?.state === 'complete') return describe(target, row, call);

  await using writer = await BackupWriter.resume(target, row, {
    ...call,
    ...(segmentLines !== undefined && { maxLines: segmentLines }),
  });
  if (!row.value?.progress?.walked) {
    const after = row.value?.progress?.after;
    const walk = { ...call, ...(pageSize !== undefined && { limit: pageSize }) };
    for await (const stretch of walkChanges(storage.pointers, base, after, walk)) {
      await writer.add(stretch);
      tell(context, row.id, writer.pointers, base);
    }
    await writer.end(await storeTime(storage, call));
  }
  await complete(context, target, row, writer.segments, base);
  await removeStrays(target, row.id, writer.segments, call);
  return describe(target, row, call);
}

interface Begun {
  readonly row: BackupRow;
  readonly base: ChainReader | undefined;
}

/** Puts the row of a new backup, before anything is read. */
async function register(
  { storage, random, ...rest }: RecoveryContext,
  target: BackupTarget,
  since: string | undefined,
): Promise<Begun> {
  const call = callOf(rest);
  const startedAt = await storeTime(storage, call);
  const row = await BackupRow.read(storage, random, backupId(startedAt, random), call);
  const value: Registration = {
    location: target.location,
    state: 'writing',
    ...(since !== undefined && { since }),
    startedAt,
    pointers: 0,
    bytes: 0,
    progress: { segments: [], walked: false },
  };
  if (since === undefined) {
    await row.save(value, call);
    return { row, base: undefined };
  }
  const { base, baseRow } = await openBase({ storage, random, ...rest }, target, since);
  await row.saveOver(baseRow, value, call);
  return { row, base };
}

async function openBase(
  context: RecoveryContext,
  target: BackupTarget,
  since: string,
): Promise<{ readonly base: ChainReader; readonly baseRow: BackupRow }> {
  const { storage, random } = context;
  const call = callOf(context);
  const baseRow = await BackupRow.read(storage, random, since, call);
  const value = required(baseRow);
  if (value.state !== 'complete' || value.manifestSha256 === undefined)
    throw new RecoveryRefusedError(
      `backup ${since} is not complete (${value.state}), so no other can build on it: choose another, or take a full one`,
    );
  if (value.location !== target.location)
    throw new RecoveryRefusedError(
      `backup ${since} lies at ${value.location}: one that builds on it has to lie there too, not at ${target.location}`,
    );
  const base = await openBackup(target, since, { manifestSha256: value.manifestSha256, ...call });
  if (base.manifest.layout.storeId !== storage.layout.storeId)
    throw new RecoveryRefusedError(
      `backup ${since} is of store ${base.manifest.layout.storeId}, and this is ${storage.layout.storeId}: take a full one`,
    );
  if (base.length >= MAX_CHAIN)
    throw new RecoveryRefusedError(
      `backup ${since} is the ${MAX_CHAIN}th of its chain, and a chain is no longer: take a full one now`,
    );
  return { base, baseRow };
}

async function reopen(context: RecoveryContext, target: BackupTarget, id: string): Promise<Begun> {
  const { storage, random } = context;
  const call = callOf(context);
  const row = await BackupRow.read(storage, random, id, call);
  const { state, location, since } = required(row);
  if (location !== target.location)
    throw new RecoveryRefusedError(
      `backup ${id} lies at ${location}, not at ${target.location}: resume it there`,
    );
  if (state === 'abandoned' || state === 'removing')
    throw new RecoveryRefusedError(
      state === 'abandoned'
        ? `backup ${id} was given up, since nobody wrote it for long, and blobs that it refers to may be gone: take a new one, and remove it with floecat backup rm ${id}`
        : `backup ${id} is being removed: take a new one`,
    );
  if (state === 'complete' || since === undefined) return { row, base: undefined };
  return { row, base: (await openBase(context, target, since)).base };
}

/** Stores the manifest, then says so. Doing it again makes the same file. */
async function complete(
  context: RecoveryContext,
  target: BackupTarget,
  row: BackupRow,
  segments: readonly SegmentInfo[],
  base: ChainReader | undefined,
): Promise<void> {
  const call = callOf(context);
  const { progress: _, ...value } = required(row);
  const manifest: Manifest = {
    id: row.id,
    layout: context.storage.layout,
    ...(base && { since: { id: base.id, manifestSha256: base.manifestSha256 } }),
    startedAt: value.startedAt,
    endedAt: value.endedAt ?? value.startedAt,
    pointers: value.pointers,
    lines: segments.reduce((sum, { lines }) => sum + lines, 0),
    gone: segments.reduce((sum, { gone }) => sum + gone, 0),
    bytes: value.bytes,
    segments,
  };
  const bytes = await encodeManifest(manifest);
  await target.put(fileOf(row.id, MANIFEST_FILE), bytes, call);
  await row.save({ ...value, state: 'complete', manifestSha256: digestOf(bytes) }, call);
}

/** Segments that a process stored, and did not come to name in the row. */
async function removeStrays(
  target: BackupTarget,
  id: string,
  segments: readonly SegmentInfo[],
  call: CallOptions,
): Promise<void> {
  const own = new Set(segments.map(({ file }) => fileOf(id, file)));
  for await (const name of target.list(fileOf(id, SEGMENTS_FOLDER), call))
    if (!own.has(name)) await target.delete(name, call);
}

async function describe(target: BackupTarget, row: BackupRow, call: CallOptions): Promise<CreatedBackup> {
  const { manifest, sha256 } = await requireManifest(target, row.id, row.value?.manifestSha256, call);
  const { segments, ...head } = manifest;
  return { ...head, location: target.location, segments: segments.length, manifestSha256: sha256 };
}

function tell(
  { onProgress }: RecoveryContext,
  id: string,
  done: number,
  base: ChainReader | undefined,
): void {
  // Where it builds on another, about as many as that had.
  const total = base && Math.max(done, base.manifest.pointers);
  onProgress?.({
    phase: `writing backup ${id}`,
    done,
    ...(total !== undefined && { total }),
    unit: 'pointers',
  });
}

function required(row: BackupRow): Registration {
  if (row.value) return row.value;
  throw new StorageNotFoundError(
    `no backup ${row.id} is registered in this store: floecat backup ls lists those that are`,
    { operation: 'backup', key: row.key },
  );
}

/** Sorts by time. */
function backupId(startedAt: number, random: RandomSource): string {
  const time = new Date(startedAt).toISOString().replaceAll(/[-:.]/g, '');
  return `${time}-${random.uuid().slice(0, 8)}`;
}
