import { scanFileView, snapshotView } from '@floecat/catalog';
import type { CatalogService } from '@floecat/catalog';
import type { LoadedTable, PageRequest } from '@floecat/repository';
import { ResourceNotFoundError } from '@floecat/repository';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { printCount } from '../print-count.ts';
import { isoTime, printListing } from '../listing.ts';
import { parseSnapshotId, parseTable } from '../names.ts';
import type { PageOptions } from '../paging.ts';
import { pageOptions } from '../paging.ts';

interface InCatalog {
  readonly catalog?: string;
}

export function snapshotCommands(program: Command, context: CommandContext): void {
  const snapshots = program
    .command('snapshots')
    .description('Snapshots of a table: statistics and scan bundles');
  const inCatalog = ['--catalog <name>', 'default: floecat.catalog'] as const;

  pageOptions(snapshots.command('ls <table>').description('List the snapshots with their counts'))
    .option(...inCatalog)
    .action(async (table: string, options: PageOptions & InCatalog) => {
      await context.withService(async (service) => {
        const loaded = await requireTable(service, table, options, context);
        const read = (request: PageRequest) => service.repositories.snapshots.list(loaded, request);
        await printListing(context, 'snapshots', options, read, {
          header: ['snapshot', 'time', 'operation', 'records', 'files', 'bytes', 'deletes', 'problems'],
          row: ({ resource: { snapshotId, timestampMs, operation, table: counts, problems } }) => [
            String(snapshotId),
            isoTime(timestampMs),
            operation,
            counts?.recordCount,
            counts?.dataFileCount,
            counts?.dataFileBytes,
            (counts?.positionDeleteFileCount ?? 0n) + (counts?.equalityDeleteFileCount ?? 0n),
            problems.length === 0
              ? ''
              : problems.map(({ code, location }) => `${code} ${location}`).join('; '),
          ],
          empty: 'no snapshots',
          json: ({ resource }) => snapshotView(resource),
        });
      });
    });

  snapshots
    .command('count <table>')
    .description('Count the snapshots of a table that are stored here')
    .option(...inCatalog)
    .action(async (table: string, options: InCatalog) => {
      await context.withService(async (service) => {
        const loaded = await requireTable(service, table, options, context);
        await printCount(context, (call) => service.repositories.snapshots.count(loaded, call));
      });
    });

  snapshots
    .command('show <table> <snapshot-id>')
    .description('Show the statistics of one snapshot, column by column')
    .option(...inCatalog)
    .action(async (table: string, id: string, options: InCatalog) => {
      await context.withService(async (service) => {
        const loaded = await requireTable(service, table, options, context);
        const { signal } = context.io;
        const found = await service.repositories.snapshots.statistics(loaded, parseSnapshotId(id), {
          signal,
        });
        if (!found) throw new ResourceNotFoundError('snapshot', id, `not of table ${table}`);
        const view = snapshotView(found.resource);
        const output = context.output;
        output.answer(view, () => {
          output.fields([
            ['snapshot', view['snapshot-id']],
            ['parent', view['parent-snapshot-id'] ?? undefined],
            ['time', isoTime(view['timestamp-ms'])],
            ['operation', view.operation],
            ...Object.entries(view.statistics),
            ...view.problems.map(
              (problem) => ['problem', `${problem.code} ${problem.location}: ${problem.message}`] as const,
            ),
          ]);
          output.line('');
          output.table(
            ['id', 'column', 'type', 'values', 'nulls', 'nans', 'distinct', 'bytes', 'lower', 'upper'],
            view.columns.map((column) => [
              column['field-id'],
              column.name,
              column.type,
              column['value-count'],
              column['null-count'],
              column['nan-count'],
              column['distinct-count'],
              column['column-bytes'],
              column['lower-bound'] ?? '-',
              column['upper-bound'] ?? '-',
            ]),
            'no column statistics',
          );
        });
      });
    });

  pageOptions(
    snapshots
      .command('files <table> <snapshot-id>')
      .description('List the files that a scan of a snapshot reads'),
  )
    .option(...inCatalog)
    .action(async (table: string, id: string, options: PageOptions & InCatalog) => {
      await context.withService(async (service) => {
        const loaded = await requireTable(service, table, options, context);
        const { signal } = context.io;
        const bundle = await service.repositories.snapshots.bundle(loaded, parseSnapshotId(id), { signal });
        if (!bundle) throw new ResourceNotFoundError('snapshot', id, `not of table ${table}`);
        const read = (request: PageRequest) => service.repositories.snapshots.files(bundle, request);
        await printListing(context, 'files', options, read, {
          header: ['content', 'records', 'bytes', 'sequence', 'partition', 'file'],
          row: (scanned) => {
            const file = scanFileView(scanned);
            return [
              file.content,
              file['record-count'],
              file['file-size-in-bytes'],
              file['data-sequence-number'],
              Object.entries(file.partition)
                .map(([name, value]) => `${name}=${String(value)}`)
                .join(', '),
              file['file-path'],
            ];
          },
          json: scanFileView,
          empty: 'no files',
        });
      });
    });
}

async function requireTable(
  service: CatalogService,
  table: string,
  options: InCatalog,
  context: CommandContext,
): Promise<LoadedTable> {
  const { namespace, name } = parseTable(table);
  const catalog = options.catalog ?? service.defaultCatalog;
  return service.repositories.tables.require(catalog, namespace, name, { signal: context.io.signal });
}
