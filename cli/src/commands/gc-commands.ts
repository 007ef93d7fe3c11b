import type { Collected, CollectorName, GcExplanation, RunReport } from '@floecat/gc';
import { collectOnce, COLLECTORS, explain, gcStatus, pardon } from '@floecat/gc';
import { InvalidArgumentError } from '@floecat/storage-spi';
import type { Command } from 'commander';

import { keptBackups } from '../backup-target.ts';
import { collect } from '../collect.ts';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { isoTime } from '../listing.ts';

/** What a dry run tells by name, at most; the rest is counted. */
const MAX_CANDIDATES = 10_000;

interface RunArguments {
  readonly dryRun: boolean;
  readonly account: readonly string[];
  readonly only: readonly string[];
}

export function gcCommands(program: Command, context: CommandContext): void {
  const { io, output } = context;
  const gc = program
    .command('gc')
    .description('The garbage collectors')
    .addHelpText(
      'after',
      `
The service runs the collectors by itself. What they delete, and when: docs/gc.md.

Examples:
  floecat gc run --dry-run
  floecat gc run --only cas --account default
  floecat gc run -D floecat.gc.max-delete-ratio=1
  floecat gc explain /accounts/default/tables/by-id/0b8e…`,
    );

  gc.command('run')
    .description('Run the collectors once, until nothing is left to do')
    .option('--dry-run', 'only tell what would go', false)
    .option('--account <name>', 'only this account (repeatable; default: all)', collect, [])
    .option('--only <collector>', `one of ${COLLECTORS.join(', ')} (repeatable)`, collect, [])
    .action(async (options: RunArguments) => {
      const only = options.only.map(collectorNamed);
      await context.withStorage(async (storage, settings) => {
        const candidates: { account: string; key: string; why: string }[] = [];
        let more = 0;
        await using backups = keptBackups(storage, settings);
        const collected = await collectOnce(storage, settings.gc, {
          signal: io.signal,
          readBackup: backups.read,
          dryRun: options.dryRun,
          onCandidate: (candidate) => {
            if (candidates.length < MAX_CANDIDATES) candidates.push(candidate);
            else more++;
          },
          ...(options.account.length > 0 && { accounts: options.account }),
          ...(only.length > 0 && { only }),
        });
        const told = options.dryRun && { candidates, 'more-candidates': more };
        output.answer({ runs: collected, ...told }, () => {
          for (const each of collected) showCollected(context, each);
          if (!options.dryRun) return;
          output.table(
            ['why', 'account', 'row or blob version'],
            candidates.map(({ why, account, key }) => [why, account, key]),
            'nothing would go',
          );
          if (more > 0) output.line(`and ${more} more`);
        });
        if (collected.some((each) => !each.ran || each.report.outcome !== 'done'))
          context.exitCode = EXIT.failed;
      });
    });

  gc.command('status')
    .description('Show the last runs, who collects, and what is condemned in each account')
    .action(async () => {
      await context.withStorage(async (storage, settings) => {
        const status = await gcStatus(storage, settings.gc, { signal: io.signal });
        output.answer(status, () => {
          output.table(
            ['collector', 'state', 'last run', 'outcome', 'counts'],
            status.collectors.map(({ collector, enabled, running, runs: [last] }) => [
              collector,
              running ? `running since ${isoTime(running.since)}` : enabled ? 'idle' : 'off',
              last && isoTime(last.startedAt),
              last?.outcome,
              last && countsOf(last),
            ]),
            '',
          );
          output.line('');
          output.table(
            ['account', 'phase', 'last pass', 'versions', 'condemned', 'bytes', 'trouble'],
            status.accounts.map((account) => [
              account.account,
              account.phase,
              account.markedAt === undefined ? undefined : isoTime(account.markedAt),
              account.counts?.versions,
              account.condemned,
              account.condemnedBytes,
              account.trouble?.message,
            ]),
            'no account was collected yet',
          );
        });
      });
    });

  gc.command('explain <blob-or-pointer>')
    .description('Tell why a blob (its URI) or a pointer (its key) is alive, or when it will go')
    .action(async (key: string) => {
      await context.withStorage(async (storage, settings) => {
        await using backups = keptBackups(storage, settings);
        const options = { signal: io.signal, readBackup: backups.read };
        const explanation = await explain(storage, settings.gc, key, options);
        output.answer(explanation, () => showExplanation(context, explanation));
        if (explanation.verdict === 'absent') context.exitCode = EXIT.notFound;
      });
    });

  gc.command('pardon <run-or-blob>')
    .description('Take back the condemnation of a blob (its URI), or of all that one run condemned (its id)')
    .action(async (what: string) => {
      await context.withStorage(async (storage, settings) => {
        const reports = await pardon(storage, settings.gc, what, { signal: io.signal });
        output.answer({ pardoned: reports }, () => {
          for (const { account, blobs, versions, gone } of reports)
            output.line(
              `${account}: ${versions} versions are pardoned; ${blobs} blobs are young again` +
                (gone > 0 ? `, ${gone} were deleted already` : ''),
            );
        });
        if (reports.every(({ blobs }) => blobs === 0)) context.exitCode = EXIT.notFound;
      });
    });
}

function collectorNamed(name: string): CollectorName {
  const found = COLLECTORS.find((collector) => collector === name);
  if (found) return found;
  throw new InvalidArgumentError(`--only ${name}: there are ${COLLECTORS.join(', ')}`);
}

function showCollected({ output }: CommandContext, collected: Collected): void {
  const { collector } = collected;
  if (!collected.ran) {
    output.line(
      `${collector}: another process collects since ${isoTime(collected.busy.since)}; try again later`,
    );
    return;
  }
  const { outcome, accounts, problems } = collected.report;
  output.line(
    `${collector}: ${outcome}, ${accounts} accounts: ${countsOf(collected.report) || 'nothing to do'}`,
  );
  for (const { account, code, message } of problems) output.line(`  ${account}: ${message} (${code})`);
}

/** What is not zero. */
function countsOf({ counts }: RunReport): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${words(name)} ${count}`)
    .join(', ');
}

function words(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function showExplanation({ output }: CommandContext, explanation: GcExplanation): void {
  output.line(`${explanation.is} ${explanation.key}: ${explanation.verdict}`);
  for (const sentence of explanation.because) output.line(sentence);
}
