import { resolve } from 'node:path';

import type { VerifyOptions, VerifyReport } from '@floecat/recovery';
import { PLAN_FORMAT, PlanWriter, verify } from '@floecat/recovery';
import type { Storage } from '@floecat/storage-spi';
import { InvalidArgumentError } from '@floecat/storage-spi';
import type { Command } from 'commander';

import { collect } from '../collect.ts';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { recoveryContext } from '../recovery-context.ts';
import { FindingPrinter } from '../verify/finding-printer.ts';
import { repairWith } from '../verify/repair-with.ts';
import { parseRates, parseShare } from '../verify/verify-arguments.ts';

export interface VerifyArguments {
  readonly deep: boolean;
  readonly sample?: string;
  readonly seed?: string;
  readonly account: readonly string[];
  readonly repair?: string;
  readonly plan?: string;
  readonly rate: readonly string[];
  readonly resume?: string;
}

export function verifyCommand(program: Command, context: CommandContext): void {
  program
    .command('verify')
    .description('Look whether all that is stored holds together, and repair what does not')
    .option('--deep', 'read every blob that anything reaches, and check its digest', false)
    .option('--sample <share>', 'look only at this share of resources and names, such as 1%')
    .option('--seed <text>', 'take the same sample as a run that printed this seed')
    .option('--account <name>', 'only this account (repeatable; default: all)', collect, [])
    .option('--repair <what>', 'plan: write what could be repaired to a file. apply: do what the file says')
    .option('--plan <file>', 'the file of the plan')
    .option('--rate <limit>', 'at most this much a second: 200 requests, or 20MB (repeatable)', collect, [])
    .option('--resume <run>', 'go on with a run that was interrupted, as it was begun')
    .addHelpText(
      'after',
      `
Writers and collectors may go on meanwhile: what looks amiss is looked at again before it is told. Nothing is changed but
by --repair apply, which does only what the plan says, and leaves what is not as the plan saw it. Each finding says what
it means and what would repair it; docs/recovery.md has them all.

Ends with 0 where all is well, 7 where something is amiss (or, after --repair apply, was left so). Notes, such as what
collectors have left to do, and blobs that nothing reaches are told and are no fault.

Examples:
  floecat verify
  floecat verify --deep --rate 50MB --rate 500
  floecat verify --deep --sample 1%
  floecat verify --account default --repair plan --plan repair.jsonl
  floecat verify --repair apply --plan repair.jsonl
  floecat verify --resume 5f0c9a31-6d0e-4c53-9b64-0f5d2c5f6f1e`,
    )
    .action(async (options: VerifyArguments) => {
      const { repair, plan, resume } = options;
      if (repair !== undefined && repair !== 'plan' && repair !== 'apply')
        throw new InvalidArgumentError(`--repair ${repair}: it is plan or apply`);
      if (repair !== undefined && plan === undefined)
        throw new InvalidArgumentError(`--repair ${repair}: --plan says which file`);
      if (repair === undefined && plan !== undefined)
        throw new InvalidArgumentError(
          '--plan: --repair plan writes that file, --repair apply does what it says',
        );
      const isBegun = options.deep || options.sample !== undefined || options.account.length > 0;
      if (resume !== undefined && isBegun)
        throw new InvalidArgumentError(
          '--resume goes on as the run was begun: leave out --deep, --sample and --account',
        );
      const given: VerifyOptions = {
        deep: options.deep,
        rate: parseRates(options.rate),
        ...(options.sample !== undefined && { sample: parseShare(options.sample) }),
        ...(options.seed !== undefined && { seed: options.seed }),
        ...(options.account.length > 0 && { accounts: options.account }),
        ...(resume !== undefined && { resumeFrom: resume }),
      };
      const path = plan === undefined ? undefined : resolve(context.io.cwd, plan);
      await context.withStorage((storage) =>
        repair === 'apply' && path !== undefined
          ? repairWith(context, storage, path)
          : verifyStore(context, storage, given, path),
      );
    });
}

async function verifyStore(
  context: CommandContext,
  storage: Storage,
  options: VerifyOptions,
  path: string | undefined,
): Promise<void> {
  const { output, io } = context;
  const recovery = recoveryContext(context, storage);
  const printer = new FindingPrinter(output, io.signal);
  let plan: PlanWriter | undefined;
  let run: string | undefined;
  try {
    const report = await verify(recovery, {
      ...options,
      onStart: async (id, scope, findings) => {
        run = id;
        if (path !== undefined)
          plan = options.resumeFrom
            ? await PlanWriter.resume(path, id, findings)
            : await newPlan(storage, path, id, recovery.clock.now());
        printer.begin(id, scope);
      },
      onFinding: async (finding) => {
        await plan?.add(finding);
        await printer.print(finding);
      },
      onSave: () => plan?.save(),
    });
    output.progress('');
    printer.end(report, plan);
    if (isAmiss(report)) context.exitCode = EXIT.amiss;
  } catch (error) {
    output.progress('');
    if (run !== undefined && !output.json)
      output.note(`to go on from here: floecat verify --resume ${run}${planHint(path)}`);
    throw error;
  } finally {
    await plan?.[Symbol.asyncDispose]();
  }
}

function newPlan(storage: Storage, path: string, run: string, createdAt: number): Promise<PlanWriter> {
  const { storeId, tableId } = storage.layout;
  return PlanWriter.create(path, { format: PLAN_FORMAT, storeId, tableId, run, createdAt });
}

function planHint(path: string | undefined): string {
  return path === undefined ? '' : ` --repair plan --plan ${path}`;
}

/** Notes are no fault. */
function isAmiss({ severities }: VerifyReport): boolean {
  return severities.error + severities.warning > 0;
}
