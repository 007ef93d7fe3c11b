import { resolve } from 'node:path';

import type { Settings } from '@floecat/config';
import type { BackupTarget, RecoveryContext, RestoredBackup } from '@floecat/recovery';
import {
  findBackup,
  findTable,
  isProven,
  listBackupsAt,
  openBackup,
  RecoveryRefusedError,
  registerBackup,
  restore,
  restoredBackup,
} from '@floecat/recovery';
import type { Storage } from '@floecat/storage-spi';
import { InvalidArgumentError, StorageNotFoundError } from '@floecat/storage-spi';
import type { Command } from 'commander';

import { openBackupTarget } from '../backup-target.ts';
import { collect } from '../collect.ts';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { isoTime } from '../listing.ts';
import { parseTable } from '../names.ts';
import { recoveryContext } from '../recovery-context.ts';
import { ReportFile, showReport } from '../recovery-report.ts';

interface RestoreArguments {
  readonly from: string;
  readonly backup?: string;
  readonly account: readonly string[];
  readonly table: readonly string[];
  readonly asOf?: string;
  readonly dryRun?: true;
  readonly rollBack?: true;
  readonly report?: string;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function restoreCommand(program: Command, context: CommandContext): void {
  program
    .command('restore')
    .description('Bring back pointers from a backup, and then what the blobs tell that is newer')
    .requiredOption(
      '--from <where>',
      'the folder or s3://bucket/prefix of the backups, or "none": go by the blobs',
    )
    .option('--backup <id>', 'this one (default: the newest, or the newest not after --as-of)')
    .option('--account <name>', 'only this account (repeatable; default: all)', collect, [])
    .option('--table <table>', 'only this <namespace>.<table>, or id (repeatable)', collect, [])
    .option('--as-of <time>', 'what was there at this time, such as 2026-11-27T16:30:00Z')
    .option('--dry-run', 'only tell what would be done')
    .option('--roll-back', 'put older content over what is newer, as a new version')
    .option('--report <file>', 'write what became of each owner, one JSON document a line')
    .addHelpText(
      'after',
      `
Into an empty table, which is then joined to the blobs, or into a living one. What is there and newer stays, unless --roll-back.
Run again after an interruption, it goes on. Which accident needs what: docs/recovery.md.

Examples:
  floecat restore --from /mnt/backups --dry-run
  floecat restore --from s3://my-backups/floecat
  floecat restore --from /mnt/backups --as-of 2026-11-27T16:30:00Z --table sales.orders --roll-back
  floecat restore --from none

Exit code 8: something that was acknowledged could not be proven or brought back; the output names it.`,
    )
    .action(async (options: RestoreArguments) => {
      const settings = context.settings();
      const asOf = options.asOf === undefined ? undefined : parseTime(options.asOf);
      await using target =
        options.from === 'none' ? undefined : await openBackupTarget(settings, options.from, context.io.cwd);
      if (target) await requireBackups(target, context.io.signal);
      else if (options.backup !== undefined)
        throw new InvalidArgumentError('--backup names one of those at --from, which is none');
      const work = (storage: Storage): Promise<void> =>
        run(context, settings, storage, { ...options, asOf, target });
      // A table that is lost is only replaced where it is filled.
      await context.withStorage(work, { adopt: options.dryRun !== true });
    });
}

async function run(
  context: CommandContext,
  settings: Settings,
  storage: Storage,
  options: Omit<RestoreArguments, 'asOf'> & {
    readonly asOf: number | undefined;
    readonly target: BackupTarget | undefined;
  },
): Promise<void> {
  const { output } = context;
  const { asOf, target, dryRun = false, rollBack = false } = options;
  const recovery = recoveryContext(context, storage);
  const chosen = target && (await choose(recovery, target, options.backup, asOf));
  if (chosen && !dryRun) await register(context, recovery, target, chosen.id);
  const { identity } = settings;
  const accounts =
    options.table.length > 0 && options.account.length === 0 ? [identity.account] : options.account;
  const tables = await Promise.all(
    options.table.map((table) =>
      tableId(recovery, { ...identity, account: accounts[0] ?? '' }, chosen?.backup, table),
    ),
  );
  if (tables.length > 0 && accounts.length > 1)
    throw new InvalidArgumentError('--table is a table of one account: give one --account');
  await using file =
    options.report === undefined
      ? undefined
      : await ReportFile.create(resolve(context.io.cwd, options.report));
  const report = await restore(recovery, {
    ...(chosen && { backup: chosen.backup }),
    ...(accounts.length > 0 && { accounts }),
    ...(tables.length > 0 && { tables }),
    ...(asOf !== undefined && { asOf }),
    dryRun,
    rollBack,
    ...(file && { onOutcome: (outcome) => file.add(outcome), onProblem: (problem) => file.add(problem) }),
  }).finally(() => output.progress(''));
  output.answer({ backup: chosen?.id ?? null, ...report }, () => {
    if (chosen) output.line(`from backup ${chosen.id}, which began ${isoTime(chosen.backup.startedAt)}`);
    showReport(output, report);
  });
  if (!isProven(report)) context.exitCode = EXIT.unproven;
}

interface Chosen {
  readonly id: string;
  readonly backup: RestoredBackup;
}

async function choose(
  { storage, signal }: RecoveryContext,
  target: BackupTarget,
  id: string | undefined,
  asOf: number | undefined,
): Promise<Chosen> {
  const call = signal ? { signal } : {};
  const { storeId } = storage.layout;
  const found =
    id ?? (await findBackup(target, { ...call, storeId, ...(asOf !== undefined && { asOf }) }))?.id;
  if (found === undefined)
    throw new StorageNotFoundError(
      `no backup of store ${storeId} at ${target.location}${asOf === undefined ? '' : ` ended before ${isoTime(asOf)}`}: floecat backup ls --at lists those that there are`,
      { operation: 'restore', key: target.location },
    );
  const reader = await openBackup(target, found, call);
  if (reader.manifest.layout.storeId !== storeId)
    throw new RecoveryRefusedError(
      `backup ${found} is of store ${reader.manifest.layout.storeId}, and this is ${storeId}: its blobs are not here`,
    );
  return { id: found, backup: restoredBackup(reader) };
}

/** Before anything is touched: without a backup nothing is to be joined. */
async function requireBackups(target: BackupTarget, signal: AbortSignal): Promise<void> {
  const found = await listBackupsAt(target, { signal });
  if (found.length > 0) return;
  throw new StorageNotFoundError(
    `there is no backup at ${target.location}: check --from, or go by the blobs alone with floecat rebuild`,
    { operation: 'restore', key: target.location },
  );
}

/** So that the collector keeps what it refers to, from before the first pointer comes back. */
async function register(
  { output }: CommandContext,
  recovery: RecoveryContext,
  target: BackupTarget,
  id: string,
): Promise<void> {
  try {
    await registerBackup(recovery, target, id);
  } catch (error) {
    if (!(error instanceof RecoveryRefusedError)) throw error;
    output.note(`backup ${id} is not registered anew: ${error.message}`);
  }
}

async function tableId(
  recovery: RecoveryContext,
  { account, catalog }: { readonly account: string; readonly catalog: string },
  backup: RestoredBackup | undefined,
  table: string,
): Promise<string> {
  if (UUID.test(table)) return table;
  const { namespace, name } = parseTable(table);
  const id = await findTable(recovery, { account, catalog, namespace, name, ...(backup && { backup }) });
  if (id !== undefined) return id;
  throw new StorageNotFoundError(
    `--table ${table}: neither the backup nor the table of pointers has a table of this name in catalog ${catalog}; give its id`,
    { operation: 'restore', key: table },
  );
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  if (!Number.isNaN(time) && /^\d{4}-\d\d-\d\d/.test(text)) return time;
  throw new InvalidArgumentError(`--as-of ${JSON.stringify(text)} is no time: write 2026-11-27T16:30:00Z`);
}
