import { describeStep, loadSettings, openBootstrap, policiesOf, terraformOf } from '@floecat/config';
import { InvalidArgumentError } from '@floecat/storage-spi';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';

interface BootstrapOptions {
  readonly dryRun?: true;
  readonly adopt?: true;
  readonly policy?: true;
  readonly terraform?: true;
  readonly accountId?: string;
}

export function bootstrapCommand(program: Command, context: CommandContext): void {
  program
    .command('bootstrap')
    .description('Prepare the DynamoDB table and the S3 bucket, or say how they differ from the settings')
    .option('--dry-run', 'only print what would change')
    .option('--adopt', 'join a table and a bucket that do not know each other, and raise the epoch')
    .option('--policy', 'print the least-privilege IAM policies as JSON; makes no request')
    .option('--terraform', 'print table, bucket and policies as Terraform; makes no request')
    .option('--account-id <id>', 'the AWS account that policies name (default: any)')
    .addHelpText(
      'after',
      `
Needs floecat.kv=dynamodb, floecat.blob=s3 and floecat.blob.s3.bucket. What is safe is done: a missing table is made, time
to live, recovery and protection are switched on. What costs money or time is listed and left to you. The bucket is made only
with floecat.blob.s3.auto-create=true.

Exit code 6: something is left to do.`,
    )
    .action(async (options: BootstrapOptions) => {
      const { output } = context;
      const { dryRun, adopt, policy, terraform, accountId } = options;
      const asked = [dryRun, adopt, policy, terraform].filter(Boolean);
      if (asked.length > 1)
        throw new InvalidArgumentError('give one of --dry-run, --adopt, --policy and --terraform');
      const settings = loadSettings(context.input);
      if (policy) return output.line(JSON.stringify(await policiesOf(settings, accountId), undefined, 2));
      if (terraform) return output.line((await terraformOf(settings, accountId)).trimEnd());
      const bootstrap = await openBootstrap(settings);
      if (adopt) {
        const layout = await bootstrap.adopt();
        output.answer({ joined: layout ?? null }, () =>
          output.line(
            layout
              ? `table and bucket are joined: store ${layout.storeId}, table ${layout.tableId}, epoch ${layout.epoch}`
              : 'table and bucket belong together already; nothing was changed',
          ),
        );
        return;
      }
      const steps = await bootstrap.plan();
      const left = dryRun ? steps : await bootstrap.apply(steps);
      const done = steps.filter((step) => !left.includes(step));
      output.answer({ done, left }, () => {
        for (const step of done)
          output.line(`done      ${describeStep(step).replace(', would be ', ', now ')}`);
        for (const step of left)
          output.line(`${dryRun && step.safe ? 'would do ' : 'left     '} ${describeStep(step)}`);
        if (steps.length === 0) output.line('table and bucket are as configured');
      });
      if (left.length > 0) context.exitCode = EXIT.left;
    });
}
