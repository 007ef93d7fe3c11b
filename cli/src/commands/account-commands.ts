import type { PageRequest } from '@floecat/repository';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { printCount } from '../print-count.ts';
import { isoTime, printListing } from '../listing.ts';
import type { PageOptions } from '../paging.ts';
import { pageOptions } from '../paging.ts';

export function accountCommands(program: Command, context: CommandContext): void {
  const accounts = program.command('accounts').description('Accounts, which everything else hangs under');

  pageOptions(accounts.command('ls').description('List the accounts')).action(
    async (options: PageOptions) => {
      await context.withService(async ({ repositories }) => {
        const read = (request: PageRequest) => repositories.accounts.list(request);
        await printListing(context, 'accounts', options, read, {
          header: ['id', 'created', 'version'],
          row: ({ resource, pointer }) => [resource.id, isoTime(resource.createdAtMs), pointer.version],
          json: ({ resource, pointer }) => ({
            id: resource.id,
            'display-name': resource.displayName,
            'created-at': isoTime(resource.createdAtMs),
            version: pointer.version,
          }),
          empty: 'no accounts; "floecat serve" and the commands that write make the one of floecat.account',
        });
      });
    },
  );

  accounts
    .command('count')
    .description('Count the accounts')
    .action(async () => {
      await context.withService(({ repositories }) =>
        printCount(context, (call) => repositories.accounts.count(call)),
      );
    });

  accounts
    .command('create <id>')
    .description('Make an account (nothing changes if it exists)')
    .action(async (id: string) => {
      await context.withService(async ({ repositories }) => {
        const { meta } = await repositories.accounts.ensure(id, { signal: context.io.signal });
        const output = context.output;
        output.answer({ id, meta }, () => output.line(`account ${id} is there (version ${meta.version})`));
      });
    });

  accounts
    .command('rm <id>')
    .description('Drop an account; one that is not empty only with --recursive')
    .option('--recursive', 'drop everything in it first', false)
    .action(async (id: string, { recursive }: { readonly recursive: boolean }) => {
      await context.withService(async ({ repositories }) => {
        const meta = await repositories.accounts.drop(id, { recursive, signal: context.io.signal });
        const output = context.output;
        output.answer({ dropped: { account: id }, meta }, () => output.line(`dropped account ${id}`));
      });
    });
}
