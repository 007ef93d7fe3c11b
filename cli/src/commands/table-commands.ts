import { dotted } from '@floecat/repository';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { isoTime, listing } from '../listing.ts';
import { parseNamespace, parseTable } from '../names.ts';
import type { PageOptions } from '../paging.ts';
import { pageOptions, readListing } from '../paging.ts';

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
        const page = await readListing(options, context.io.signal, (request) =>
          repositories.tables.listNames(catalog, levels, request),
        );
        listing(context.output, 'tables', page.items, page.nextPageToken, {
          header: ['table'],
          row: (name) => [dotted([...levels, name])],
          empty: `no tables here; register one with: floecat register ${dotted([...levels, '<table>'])} <location>`,
        });
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
}
