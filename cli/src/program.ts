import { readFileSync } from 'node:fs';

import { Command } from 'commander';

import type { CommandContext } from './command-context.ts';
import { accountCommands } from './commands/account-commands.ts';
import { backupCommands } from './commands/backup-commands.ts';
import { blobCommands } from './commands/blob-commands.ts';
import { bootstrapCommand } from './commands/bootstrap-command.ts';
import { catalogCommands } from './commands/catalog-commands.ts';
import { configCommand } from './commands/config-command.ts';
import { gcCommands } from './commands/gc-commands.ts';
import { namespaceCommands } from './commands/namespace-commands.ts';
import { pointerCommands } from './commands/pointer-commands.ts';
import { rebuildCommand } from './commands/rebuild-command.ts';
import { registerCommand } from './commands/register-command.ts';
import { restoreCommand } from './commands/restore-command.ts';
import { secretCommands } from './commands/secret-commands.ts';
import { serveCommand } from './commands/serve-command.ts';
import { snapshotCommands } from './commands/snapshot-commands.ts';
import { tableCommands } from './commands/table-commands.ts';
import { verifyCommand } from './commands/verify-command.ts';

const { version: VERSION } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { readonly version: string };

/** The whole command line, but for `-D` and `--json`, which `runCli` takes out first: they may stand anywhere. */
export function buildProgram(context: CommandContext): Command {
  const { io } = context;
  const program = new Command('floecat')
    .description(
      'Floecat Storage: the metadata of a data lake, kept safe and served as an Iceberg REST catalog.',
    )
    .version(
      context.output.json ? JSON.stringify({ version: VERSION }) : VERSION,
      '--version',
      'print the version',
    )
    .option('-D <key=value>', 'set a property, e.g. -D floecat.http.port=9000 (repeatable)')
    .option('--json', 'print one JSON document instead of text for people')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(floecat --help lists the commands)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      // As JSON, `runCli` reports what was wrong.
      writeErr: (text) => void (context.output.json || io.stderr.write(text)),
    })
    .addHelpText(
      'after',
      `
Examples:
  floecat serve
  floecat -D floecat.upstream.locations=s3://lake=/mnt/lake register sales.orders s3://lake/orders
  floecat tables ls sales --json
  floecat snapshots ls sales.orders

Properties come from defaults, application.properties, FLOECAT_* variables and -D, the later ones winning;
"floecat config" shows what is in force and where it came from.

Exit codes: 0 done, 1 failed, 2 wrong call or property, 3 not found, 4 conflict, 5 done but parts of the
upstream table, or rows of a listing, could not be read, 6 table or bucket differ from the settings, 7 verify found something amiss,
8 recovered, but something that was acknowledged could not be proven, 130 stopped.`,
    );

  for (const add of [
    serveCommand,
    registerCommand,
    accountCommands,
    catalogCommands,
    namespaceCommands,
    tableCommands,
    snapshotCommands,
    configCommand,
    pointerCommands,
    blobCommands,
    secretCommands,
    bootstrapCommand,
    gcCommands,
    backupCommands,
    verifyCommand,
    restoreCommand,
    rebuildCommand,
  ])
    add(program, context);
  inheritSettings(program);
  return program;
}

// Subcommands throw instead of exiting, and show the options that every command takes.
function inheritSettings(command: Command): void {
  for (const sub of command.commands) {
    sub.copyInheritedSettings(command);
    inheritSettings(sub);
  }
}
