import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { DecisionsFile } from '@floecat/recovery';
import { isProven, parseDecisions, rebuild } from '@floecat/recovery';
import { InvalidArgumentError } from '@floecat/storage-spi';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { recoveryContext } from '../recovery-context.ts';
import { ReportFile, showReport } from '../recovery-report.ts';

interface RebuildArguments {
  readonly decisions?: string;
  readonly ambiguousTo?: string;
  readonly dryRun?: true;
  readonly report?: string;
}

const DEFAULT_FILE = 'floecat-decisions.json';

export function rebuildCommand(program: Command, context: CommandContext): void {
  const { io, output } = context;
  program
    .command('rebuild')
    .description('Make the pointers of a lost table from the blobs alone, where there is no backup')
    .option('--decisions <file>', 'what you decided of the owners that an earlier rebuild could not tell')
    .option('--ambiguous-to <file>', `where to list such owners for you to decide (default: ${DEFAULT_FILE})`)
    .option('--dry-run', 'only tell what would be done')
    .option('--report <file>', 'write what became of each owner, one JSON document a line')
    .addHelpText(
      'after',
      `
The table must be lost or empty; it is then joined to the blobs. Run again after an interruption, it goes on. An owner whose
newest state nothing tells stays away until you have decided: the file says how.

Examples:
  floecat rebuild
  floecat rebuild --ambiguous-to undecided.json
  floecat rebuild --decisions undecided.json

Exit code 8: something that was acknowledged could not be proven or brought back; the output names it.`,
    )
    .action(async (options: RebuildArguments) => {
      const text = options.decisions && (await read(resolve(io.cwd, options.decisions)));
      const { dryRun = false } = options;
      await context.withStorage(
        async (storage) => {
          const decisions = text === undefined ? undefined : parseDecisions(text, storage.layout.storeId);
          await using file =
            options.report === undefined
              ? undefined
              : await ReportFile.create(resolve(io.cwd, options.report));
          const { undecided, ...report } = await rebuild(recoveryContext(context, storage), {
            dryRun,
            ...(decisions && { decisions }),
            ...(file && {
              onOutcome: (outcome) => file.add(outcome),
              onProblem: (problem) => file.add(problem),
            }),
          }).finally(() => output.progress(''));
          const listed =
            undecided && (await list(undecided, resolve(io.cwd, options.ambiguousTo ?? DEFAULT_FILE)));
          output.answer({ ...report, undecided: listed ?? null }, () => {
            showReport(output, report);
            if (undecided && listed !== undefined)
              output.line(
                `${undecided.owners.length} owners are for you to decide: edit ${listed}, then run floecat rebuild --decisions ${listed}`,
              );
          });
          if (!isProven(report)) context.exitCode = EXIT.unproven;
        },
        { adopt: !dryRun },
      );
    });
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new InvalidArgumentError(`--decisions ${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Never over a file in which somebody has decided. */
async function list(undecided: DecisionsFile, path: string): Promise<string> {
  const text = JSON.stringify(undecided, undefined, 2) + '\n';
  try {
    await writeFile(path, text, { flag: 'wx' });
    return path;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const other = `${path}.new`;
    await writeFile(other, text);
    return other;
  }
}
