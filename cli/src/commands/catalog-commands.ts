import type { LoadedCatalog, PageRequest } from '@floecat/repository';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { printCount } from '../print-count.ts';
import { isoTime, printListing } from '../listing.ts';
import { parseProperties } from '../names.ts';
import type { Output } from '../output.ts';
import type { PageOptions } from '../paging.ts';
import { pageOptions } from '../paging.ts';
import { collect } from '../collect.ts';

export function catalogCommands(program: Command, context: CommandContext): void {
  const catalogs = program
    .command('catalogs')
    .description('Catalogs: each an Iceberg warehouse, its name the prefix of its REST paths');

  pageOptions(catalogs.command('ls').description('List the catalogs')).action(
    async (options: PageOptions) => {
      await context.withService(async ({ repositories }) => {
        const read = (request: PageRequest) => repositories.catalogs.listNames(request);
        await printListing(context, 'catalogs', options, read, {
          header: ['name'],
          row: (name) => [name],
          empty: 'no catalogs; make one with: floecat catalogs create <name>',
        });
      });
    },
  );

  catalogs
    .command('count')
    .description('Count the catalogs')
    .action(async () => {
      await context.withService(({ repositories }) =>
        printCount(context, (call) => repositories.catalogs.count(call)),
      );
    });

  catalogs
    .command('create <name>')
    .description('Make a catalog')
    .option('--property <key=value>', 'a property that clients get as a default (repeatable)', collect, [])
    .action(async (name: string, options: { property: string[] }) => {
      await context.withService(async ({ repositories }) => {
        const { signal } = context.io;
        await repositories.accounts.ensure(repositories.context.account, { signal });
        const properties = parseProperties(options.property);
        show(context.output, await repositories.catalogs.create(name, { properties, signal }));
      });
    });

  catalogs
    .command('show <name>')
    .description('Show one catalog')
    .action(async (name: string) => {
      await context.withService(async ({ repositories }) => {
        show(context.output, await repositories.catalogs.require(name, { signal: context.io.signal }));
      });
    });

  catalogs
    .command('rm <name>')
    .description('Drop a catalog; one that is not empty only with --recursive')
    .option('--recursive', 'drop everything in it first', false)
    .action(async (name: string, { recursive }: { readonly recursive: boolean }) => {
      await context.withService(async ({ repositories }) => {
        const { signal } = context.io;
        const find = (): Promise<LoadedCatalog> => repositories.catalogs.require(name, { signal });
        const meta = await repositories.catalogs.drop(find, { recursive, signal });
        const output = context.output;
        output.answer({ dropped: { catalog: name }, meta }, () => output.line(`dropped catalog ${name}`));
      });
    });

  catalogs
    .command('mv <name> <new-name>')
    .description('Rename a catalog; its REST paths change with it')
    .action(async (name: string, newName: string) => {
      await context.withService(async ({ repositories }) => {
        const { signal } = context.io;
        const find = (): Promise<LoadedCatalog> => repositories.catalogs.require(name, { signal });
        show(context.output, await repositories.catalogs.rename(find, newName, { signal }));
      });
    });
}

function show(output: Output, { resource, meta }: LoadedCatalog): void {
  const { id, name, properties, createdAtMs } = resource;
  output.answer({ id, name, properties, 'created-at': isoTime(createdAtMs), meta }, () =>
    output.fields([
      ['name', name],
      ['id', id],
      ['created', isoTime(createdAtMs)],
      ['version', meta.version],
      ['blob', meta.blobUri],
      ...Object.entries(properties).map(([key, value]) => [key, value] as const),
    ]),
  );
}
