import type { LoadedNamespace, PageRequest } from '@floecat/repository';
import { dotted } from '@floecat/repository';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { printCount } from '../print-count.ts';
import { isoTime, printListing } from '../listing.ts';
import { parseNamespace, parseProperties } from '../names.ts';
import type { Output } from '../output.ts';
import type { PageOptions } from '../paging.ts';
import { pageOptions } from '../paging.ts';
import { collect } from '../collect.ts';

interface InCatalog {
  readonly catalog?: string;
}

export function namespaceCommands(program: Command, context: CommandContext): void {
  const namespaces = program
    .command('namespaces')
    .description('Namespaces, which may be nested: a.b is b in a');

  pageOptions(
    namespaces.command('ls [parent]').description('List the namespaces directly below one, or the outermost'),
  )
    .option('--catalog <name>', 'default: floecat.catalog')
    .action(async (parent: string | undefined, options: PageOptions & InCatalog) => {
      await context.withService(async ({ repositories, defaultCatalog }) => {
        const levels = parent === undefined ? [] : parseNamespace(parent);
        const catalog = options.catalog ?? defaultCatalog;
        const read = (request: PageRequest) => repositories.namespaces.listChildren(catalog, levels, request);
        await printListing(context, 'namespaces', options, read, {
          header: ['namespace'],
          row: (each) => [dotted(each)],
          empty: `no namespaces here; make one with: floecat namespaces create ${dotted([...levels, '<name>'])}`,
        });
      });
    });

  namespaces
    .command('count [parent]')
    .description('Count the namespaces directly below one, or the outermost')
    .option('--catalog <name>', 'default: floecat.catalog')
    .action(async (parent: string | undefined, options: InCatalog) => {
      await context.withService(async ({ repositories, defaultCatalog }) => {
        const levels = parent === undefined ? [] : parseNamespace(parent);
        const catalog = options.catalog ?? defaultCatalog;
        await printCount(context, (call) => repositories.namespaces.count(catalog, levels, call));
      });
    });

  namespaces
    .command('create <namespace>')
    .description('Make a namespace; its parent must exist')
    .option('--property <key=value>', 'a property (repeatable)', collect, [])
    .option('--catalog <name>', 'default: floecat.catalog')
    .action(async (name: string, options: { property: string[] } & InCatalog) => {
      await context.withService(async (service) => {
        const { signal } = context.io;
        const properties = parseProperties(options.property);
        await service.prepare({ signal });
        const catalog = options.catalog ?? service.defaultCatalog;
        const levels = parseNamespace(name);
        const made = await service.repositories.namespaces.create(catalog, levels, { properties, signal });
        show(context.output, made);
      });
    });

  namespaces
    .command('show <namespace>')
    .description('Show one namespace')
    .option('--catalog <name>', 'default: floecat.catalog')
    .action(async (name: string, options: InCatalog) => {
      await context.withService(async ({ repositories, defaultCatalog }) => {
        const catalog = options.catalog ?? defaultCatalog;
        const { signal } = context.io;
        show(
          context.output,
          await repositories.namespaces.require(catalog, parseNamespace(name), { signal }),
        );
      });
    });

  namespaces
    .command('rm <namespace>')
    .description('Drop a namespace; one that is not empty only with --recursive')
    .option('--recursive', 'drop everything in it first', false)
    .option('--catalog <name>', 'default: floecat.catalog')
    .addHelpText(
      'after',
      `
With --recursive nothing can be created in it from the start, and it is gone from the listing last. Where that is
interrupted, the same command goes on with it, and so does the service after floecat.gc.pointer.min-age-ms.`,
    )
    .action(async (name: string, options: { readonly recursive: boolean } & InCatalog) => {
      await context.withService(async ({ repositories, defaultCatalog }) => {
        const { signal } = context.io;
        const levels = parseNamespace(name);
        const catalog = options.catalog ?? defaultCatalog;
        const { recursive } = options;
        const meta = await repositories.namespaces.dropAt(catalog, levels, { recursive, signal });
        const output = context.output;
        output.answer({ dropped: { namespace: levels }, meta }, () =>
          output.line(`dropped namespace ${dotted(levels)}`),
        );
      });
    });

  namespaces
    .command('mv <namespace> <new-name>')
    .description('Rename a namespace that holds no other one; its tables stay in it')
    .option('--catalog <name>', 'default: floecat.catalog')
    .action(async (name: string, newName: string, options: InCatalog) => {
      await context.withService(async ({ repositories, defaultCatalog }) => {
        const { signal } = context.io;
        const { namespaces: repository } = repositories;
        const catalog = options.catalog ?? defaultCatalog;
        const found = await repository.require(catalog, parseNamespace(name), { signal });
        show(context.output, await repository.rename(found, parseNamespace(newName), { signal }));
      });
    });
}

function show(output: Output, { resource, meta }: LoadedNamespace): void {
  const { id, levels, properties, createdAtMs } = resource;
  output.answer({ id, namespace: levels, properties, 'created-at': isoTime(createdAtMs), meta }, () =>
    output.fields([
      ['namespace', dotted(levels)],
      ['id', id],
      ['created', isoTime(createdAtMs)],
      ['version', meta.version],
      ['blob', meta.blobUri],
      ...Object.entries(properties).map(([key, value]) => [key, value] as const),
    ]),
  );
}
