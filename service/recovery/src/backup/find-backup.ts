import type { CallOptions } from '@floecat/storage-spi';
import { StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

import { RecoveryRefusedError } from '../errors.ts';
import type { BackupTarget } from './backup-target.ts';
import type { BackupHead } from './manifest.ts';
import { MANIFEST_FILE, readManifest } from './manifest.ts';

/** A backup as it lies at a target, told from its manifest alone. */
export type BackupAt =
  | {
      readonly id: string;
      readonly readable: true;
      readonly manifest: BackupHead;
      readonly manifestSha256: string;
    }
  /** Its manifest is damaged, or of a newer version. */
  | { readonly id: string; readonly readable: false; readonly why: Error };

/**
 * The backups that are complete at a target, whichever store they are of, by id. Needs no store: so also where the table
 * is lost. What is not complete has no manifest, and is not listed. Reads every manifest, and no segment.
 */
export async function listBackupsAt(target: BackupTarget, options: CallOptions = {}): Promise<BackupAt[]> {
  const found: BackupAt[] = [];
  for await (const name of target.list('', options)) {
    const [id, file, ...more] = name.split('/');
    if (id === undefined || file !== MANIFEST_FILE || more.length > 0) continue;
    try {
      const stored = await readManifest(target, id, options);
      // Removed since it was listed.
      if (!stored) continue;
      const { segments: _, ...manifest } = stored.manifest;
      found.push({ id, readable: true, manifest, manifestSha256: stored.sha256 });
    } catch (why) {
      if (!(why instanceof StorageCorruptionError || why instanceof StorageMisconfiguredError)) throw why;
      found.push({ id, readable: false, why });
    }
  }
  return found.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

export interface FindBackupOptions extends CallOptions {
  /** Epoch ms: the backup ended, by its store's clock, not after this. Default: the newest. */
  readonly asOf?: number;
  /** Of this store. Needed where backups of several stores lie at the target. */
  readonly storeId?: string;
}

export interface FoundBackup {
  readonly id: string;
  readonly manifest: BackupHead;
  readonly manifestSha256: string;
  /** Newer ones that cannot be read, or whose base cannot: what was chosen is older than what was asked for. */
  readonly passedOver: readonly { readonly id: string; readonly why: Error }[];
}

/**
 * The newest complete backup of a store at a target that ended not after `asOf`, and whose bases are there; `undefined`
 * where there is none. Needs no store. Throws `StorageCorruptionError` where there are some and none can be used,
 * `RecoveryRefusedError` where backups of several stores are there and
 * `storeId` is not given, `StorageMisconfiguredError` where one was made by a newer version.
 */
export async function findBackup(
  target: BackupTarget,
  { asOf = Infinity, storeId, ...call }: FindBackupOptions = {},
): Promise<FoundBackup | undefined> {
  const all = await listBackupsAt(target, call);
  const readable = new Map(all.flatMap((each) => (each.readable ? [[each.id, each] as const] : [])));
  const stores = new Set([...readable.values()].map(({ manifest }) => manifest.layout.storeId));
  if (storeId === undefined && stores.size > 1)
    throw new RecoveryRefusedError(
      `backups of several stores lie at ${target.location} (${[...stores].join(', ')}): say of which one`,
    );
  const passedOver: { readonly id: string; readonly why: Error }[] = [];
  // By id is by the time when they began; the newest is the one that ended last.
  const candidates = all.toSorted((a, b) => endOf(b) - endOf(a) || (a.id < b.id ? 1 : -1));
  for (const each of candidates) {
    if (!each.readable) {
      if (each.why instanceof StorageMisconfiguredError) throw each.why;
      passedOver.push({ id: each.id, why: each.why });
      continue;
    }
    const { id, manifest, manifestSha256 } = each;
    if (manifest.endedAt > asOf || (storeId !== undefined && manifest.layout.storeId !== storeId)) continue;
    const broken = brokenBase(manifest, readable);
    if (broken === undefined) return { id, manifest, manifestSha256, passedOver };
    const why = `backup ${id} builds on ${broken}, which is not at ${target.location} as it was then`;
    passedOver.push({ id, why: new StorageCorruptionError(why, { operation: 'findBackup', key: id }) });
  }
  const [first] = passedOver;
  if (!first) return undefined;
  throw new StorageCorruptionError(
    `no backup at ${target.location} can be used: ${passedOver.map(({ why }) => why.message).join('; ')}`,
    { operation: 'findBackup', key: first.id, cause: first.why },
  );
}

/** What cannot be read may be newer than all others. */
function endOf(each: BackupAt): number {
  return each.readable ? each.manifest.endedAt : Infinity;
}

/** The first backup below `manifest` that is not there, or is another one. */
function brokenBase(
  manifest: BackupHead,
  readable: ReadonlyMap<string, BackupAt & { readonly readable: true }>,
): string | undefined {
  for (let { since } = manifest; since;) {
    const base = readable.get(since.id);
    if (base?.manifestSha256 !== since.manifestSha256) return since.id;
    ({ since } = base.manifest);
  }
  return undefined;
}
