import type { LoadedTable, PageRequest } from '@floecat/repository';
import { dotted } from '@floecat/repository';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { printCount } from '../print-count.ts';
import { isoTime, printListing } from '../listing.ts';
import { parseNamespace, parseTable } from '../names.ts';
import type { PageOptions } from '../paging.ts';
import { pageOptions } from '../paging.ts';

interface InCatalog {
  readonly catalog?: string;
}

export function tableCommands(program: Command, context: CommandContext): void {
  const tables = program.command('tables').description('Tables');

  pageOptions(tables.command('ls <namespace>').description('List the tables of a namespace'))
    .option('--catalog <name>', 'default: floecat.catalog')
    .action(async (namespace: string, options: PageOptions & InCatalog) => {
      await context.withService(async ({ repositories, defaultCatalog }) => {
        const levels = parseNamespace(namespace);
        const catalog = options.catalog ?? defaultCatalog;
        const read = (request: PageRequest) => repositories.tables.listNames(catalog, levels, request);
        await printListing(context, 'tables', options, read, {
          header: ['table'],
          row: (name) => [dotted([...levels, name])],
          empty: `no tables here; register one with: floecat register ${dotted([...levels, '<table>'])} <location>`,
        });
      });
    });

  tables
    .command('count <namespace>')
    .description('Count the tables of a namespace')
    .option('--catalog <name>', 'default: floecat.catalog')
    .action(async (namespace: string, options: InCatalog) => {
      await context.withService(async ({ repositories, defaultCatalog }) => {
        const levels = parseNamespace(namespace);
        const catalog = options.catalog ?? defaultCatalog;
        await printCount(context, (call) => repositories.tables.count(catalog, levels, call));
      });
    });

  tables
    .command('show <table>')
    .description('Show one table; --metadata prints its metadata JSON byte for byte')
    .option('--metadata', 'print the metadata JSON', false)
    .option('--catalog <name>', 'default: floecat.catalog')
    .action(async (table: string, options: InCatalog & { metadata: boolean }) => {
      await context.withService(async ({ repositories, defaultCatalog }) => {
        const { signal } = context.io;
        const { namespace, name } = parseTable(table);
        const loaded = await repositories.tables.require(options.catalog ?? defaultCatalog, namespace, name, {
          signal,
        });
        const output = context.output;
        if (options.metadata) {
          output.line(Buffer.from(await repositories.tables.metadata(loaded, { signal })).toString('utf8'));
          return;
        }
        const { resource, meta } = loaded;
        const answer = {
          id: resource.id,
          namespace,
          name,
          'table-uuid': resource.tableUuid,
          location: resource.location,
          'metadata-location': resource.metadataLocation,
          'format-version': resource.formatVersion,
          'current-snapshot-id': resource.currentSnapshotId ?? null,
          'snapshot-count': resource.snapshotCount,
          'last-updated': isoTime(resource.lastUpdatedMs),
          'registered-at': isoTime(resource.registeredAtMs),
          meta,
        };
        output.answer(answer, () =>
          output.fields([
            ['table', dotted([...namespace, name])],
            ['id', resource.id],
            ['uuid', resource.tableUuid],
            ['location', resource.location],
            ['metadata', resource.metadataLocation],
            ['format', resource.formatVersion],
            ['snapshots', resource.snapshotCount],
            ['current snapshot', resource.currentSnapshotId ?? 'none'],
            ['last updated', isoTime(resource.lastUpdatedMs)],
            ['registered', isoTime(resource.registeredAtMs)],
            ['version', meta.version],
            ['blob', meta.blobUri],
          ]),
        );
      });
    });

  tables
    .command('rm <table>')
    .description('Drop a table; its files in the lake stay where they are')
    .option('--catalog <name>', 'default: floecat.catalog')
    .action(async (table: string, options: InCatalog) => {
      await context.withService(async ({ repositories, defaultCatalog }) => {
        const { signal } = context.io;
        const { namespace, name } = parseTable(table);
        const catalog = options.catalog ?? defaultCatalog;
        const find = (): Promise<LoadedTable> =>
          repositories.tables.require(catalog, namespace, name, { signal });
        const meta = await repositories.tables.drop(find, { signal });
        const output = context.output;
        output.answer({ dropped: { namespace, name }, meta }, () =>
          output.line(`dropped table ${dotted([...namespace, name])}`),
        );
      });
    });

  tables
    .command('mv <table> <new-name>')
    .description('Rename a table, also into another namespace of its catalog')
    .option('--catalog <name>', 'default: floecat.catalog')
    .addHelpText(
      'after',
      `
Both names are whole: <namespace>.<table>.

Example:
  floecat tables mv sales.orders archive.orders_2024`,
    )
    .action(async (table: string, newName: string, options: InCatalog) => {
      await context.withService(async ({ repositories, defaultCatalog }) => {
        const { signal } = context.io;
        const [from, to] = [parseTable(table), parseTable(newName)];
        const catalog = options.catalog ?? defaultCatalog;
        const find = (): Promise<LoadedTable> =>
          repositories.tables.require(catalog, from.namespace, from.name, { signal });
        await find();
        const target = await repositories.namespaces.require(catalog, to.namespace, { signal });
        const { resource, meta } = await repositories.tables.rename(find, target, to.name, { signal });
        const output = context.output;
        output.answer({ id: resource.id, from, to, meta }, () =>
          output.line(
            `renamed ${dotted([...from.namespace, from.name])} to ${dotted([...to.namespace, to.name])}`,
          ),
        );
      });
    });
}
