import type { BackupAt, BackupTarget, RegisteredBackup } from '@floecat/recovery';
import { listBackups, listBackupsAt, verifyBackup } from '@floecat/recovery';

import { openBackupTarget } from '../backup-target.ts';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { isoTime, printListing } from '../listing.ts';
import { progressOn, recoveryContext } from '../recovery-context.ts';

export interface ListArguments {
  readonly at?: string;
  readonly verify?: true;
}

/** What is known of the files of a backup; nothing where they were not read. */
interface Checked {
  /** Every file was read. */
  readonly verified?: true;
  readonly damaged?: string;
}

/** Lists what the store's own rows tell. */
export async function listRegistered(context: CommandContext, { verify }: ListArguments): Promise<void> {
  await context.withStorage(async (storage, settings) => {
    const items: (RegisteredBackup & Checked)[] = [];
    for (const each of await listBackups(recoveryContext(context, storage))) {
      if (!verify || each.state !== 'complete') {
        items.push(each);
        continue;
      }
      await using target = await openBackupTarget(settings, each.location);
      items.push({ ...each, ...(await check(context, target, each.id, each.manifestSha256)) });
    }
    await printListing(context, 'backups', {}, async () => ({ items }), {
      header: ['backup', 'state', 'builds on', 'pointers', 'bytes', 'ended', 'at', 'check'],
      row: (each) => [
        each.id,
        each.silentMs === undefined
          ? each.state
          : `${each.state}, silent for ${Math.floor(each.silentMs / 1_000)} s`,
        each.since,
        each.pointers,
        each.bytes,
        each.endedAt === undefined ? undefined : isoTime(each.endedAt),
        each.location,
        shown(each),
      ],
      empty: 'no backups',
    });
  });
}

/** Lists what lies at a place. The store is not opened: it may be what was lost. */
export async function listAt(context: CommandContext, at: string, { verify }: ListArguments): Promise<void> {
  const { io } = context;
  await using target = await openBackupTarget(context.settings(), at, io.cwd);
  const items: (BackupAt & Checked)[] = [];
  for (const each of await listBackupsAt(target, { signal: io.signal })) {
    if (each.readable)
      items.push({ ...each, ...(verify && (await check(context, target, each.id, each.manifestSha256))) });
    else {
      items.push({ ...each, damaged: each.why.message });
      context.exitCode = EXIT.incomplete;
    }
  }
  await printListing(context, 'backups', {}, async () => ({ items }), {
    header: ['backup', 'store', 'builds on', 'pointers', 'bytes', 'ended', 'check'],
    row: (each) => {
      if (!each.readable)
        return [each.id, undefined, undefined, undefined, undefined, undefined, shown(each)];
      const { layout, since, pointers, bytes, endedAt } = each.manifest;
      return [each.id, layout.storeId, since?.id, pointers, bytes, isoTime(endedAt), shown(each)];
    },
    json: ({ id, verified, damaged, ...each }) => ({
      id,
      ...(each.readable && { ...each.manifest, manifestSha256: each.manifestSha256 }),
      ...(verified && { verified }),
      ...(damaged !== undefined && { damaged }),
    }),
    empty: `no complete backup at ${target.location}`,
  });
}

async function check(
  context: CommandContext,
  target: BackupTarget,
  id: string,
  manifestSha256: string | undefined,
): Promise<Checked> {
  const { io, output } = context;
  try {
    await verifyBackup(target, id, {
      signal: io.signal,
      onProgress: progressOn(output),
      ...(manifestSha256 !== undefined && { manifestSha256 }),
    });
    return { verified: true };
  } catch (error) {
    io.signal.throwIfAborted();
    context.exitCode = EXIT.incomplete;
    return { damaged: error instanceof Error ? error.message : String(error) };
  } finally {
    output.progress('');
  }
}

function shown({ verified, damaged }: Checked): string {
  return damaged ?? (verified ? 'good' : '-');
}
