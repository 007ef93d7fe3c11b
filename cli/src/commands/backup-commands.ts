import type { BackupTarget, CreatedBackup, RecoveryContext, RegisteredBackup } from '@floecat/recovery';
import { createBackup, listBackups, removeBackup } from '@floecat/recovery';
import { StorageNotFoundError } from '@floecat/storage-spi';
import type { Command } from 'commander';

import { openBackupTarget } from '../backup-target.ts';
import type { CommandContext } from '../command-context.ts';
import { isoTime } from '../listing.ts';
import { recoveryContext } from '../recovery-context.ts';
import type { ListArguments } from './backup-listing.ts';
import { listAt, listRegistered } from './backup-listing.ts';

interface CreateArguments {
  readonly to: string;
  readonly since?: string;
  readonly resume?: string | true;
}

interface RemoveArguments {
  readonly withDependents?: true;
  readonly forget?: true;
}

export function backupCommands(program: Command, context: CommandContext): void {
  const { output } = context;
  const backup = program
    .command('backup')
    .description('Backups of the pointers, from which a lost table is restored')
    .addHelpText(
      'after',
      `
A backup holds every pointer, and no blob and no secret: the blob collector keeps what it refers to until it is removed.
Take it to another disk, or to another bucket. What it is good for, and how to restore: docs/recovery.md.

Examples:
  floecat backup create --to /mnt/backups
  floecat backup create --to s3://my-backups/floecat --since last
  floecat backup create --to /mnt/backups --resume
  floecat backup ls
  floecat backup ls --at s3://my-backups/floecat --verify
  floecat backup rm 20261127T163000000Z-5f0c9a31`,
    );

  backup
    .command('create')
    .description('Take a backup while writers go on, or finish one that was interrupted')
    .requiredOption('--to <where>', 'a folder, or s3://bucket/prefix')
    .option(
      '--since <backup>',
      'take only what changed since this one; "last" is the newest that is complete there',
    )
    .option('--resume [backup]', 'finish this one; without an id, the newest there that is not complete')
    .action(async (options: CreateArguments) => {
      await context.withStorage(async (storage, settings) => {
        await using target = await openBackupTarget(settings, options.to, context.io.cwd);
        const created = await create(context, recoveryContext(context, storage), target, options);
        output.answer({ backup: created }, () => showCreated(context, created));
      });
    });

  backup
    .command('ls')
    .description('List the backups that this store knows, or those that lie somewhere')
    .option(
      '--at <where>',
      'the complete ones in this folder or s3://bucket/prefix, without opening the store',
    )
    .option('--verify', 'read each one whole, and tell what is damaged')
    .action(async (options: ListArguments) => {
      await (options.at === undefined
        ? listRegistered(context, options)
        : listAt(context, options.at, options));
    });

  backup
    .command('rm <backup>')
    .description('Remove a backup and its files; what only it refers to may be collected from then on')
    .option('--with-dependents', 'also those that build on it')
    .option('--forget', 'leave the files, which are out of reach for good, and only take it off the list')
    .action(async (id: string, options: RemoveArguments) => {
      await context.withStorage(async (storage, settings) => {
        const removed = await removeBackup(recoveryContext(context, storage), id, {
          openTarget: (location) => openBackupTarget(settings, location),
          withDependents: options.withDependents === true,
          rowOnly: options.forget === true,
        });
        output.answer({ removed }, () => {
          for (const each of removed) output.line(`removed ${each}`);
        });
      });
    });
}

async function create(
  { output }: CommandContext,
  recovery: RecoveryContext,
  target: BackupTarget,
  options: CreateArguments,
): Promise<CreatedBackup> {
  const here = (await listBackups(recovery)).filter(({ location }) => location === target.location);
  const newest = (state: RegisteredBackup['state'], option: string): string => {
    const found = here.findLast((each) => each.state === state);
    if (found) return found.id;
    throw new StorageNotFoundError(
      `${option}: no backup at ${target.location} is ${state}; floecat backup ls lists those that there are`,
      { operation: 'backup', key: target.location },
    );
  };
  const since = options.since === 'last' ? newest('complete', '--since last') : options.since;
  const resume = options.resume === true ? newest('writing', '--resume') : options.resume;
  if (resume === undefined)
    for (const { id, state } of here)
      if (state === 'writing')
        output.note(
          `backup ${id} is not complete, and no blob is deleted meanwhile: finish it with --resume ${id}, or remove it`,
        );
  let registered: string | undefined;
  try {
    return await createBackup(recovery, target, {
      ...(since !== undefined && { since }),
      ...(resume !== undefined && { resume }),
      onRegistered: (id) => (registered = id),
    });
  } catch (error) {
    output.progress('');
    if (registered !== undefined && !output.json)
      output.note(
        `backup ${registered} is not complete: finish it with floecat backup create --to ${target.location} --resume ${registered}`,
      );
    throw error;
  } finally {
    output.progress('');
  }
}

function showCreated({ output }: CommandContext, created: CreatedBackup): void {
  output.line(`backup ${created.id} is complete`);
  output.fields([
    ['at', created.location],
    ['builds on', created.since?.id],
    ['pointers', created.pointers],
    ['changed', created.since && created.lines],
    ['bytes', created.bytes],
    ['began', isoTime(created.startedAt)],
    ['ended', isoTime(created.endedAt)],
  ]);
}
