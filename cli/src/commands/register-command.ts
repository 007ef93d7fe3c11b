import type { RegisterRequest } from '@floecat/catalog';
import { dotted } from '@floecat/repository';
import { StorageConflictError } from '@floecat/storage-spi';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { parseTable } from '../names.ts';
import { printable } from '../output.ts';

export function registerCommand(program: Command, context: CommandContext): void {
  program
    .command('register <table> <location>')
    .description(
      'Read an Iceberg table where it lies and register it, with the statistics and files of each snapshot',
    )
    .option('--catalog <name>', 'default: floecat.catalog')
    .option('--create-namespace', 'make the namespace if it is missing', false)
    .option(
      '--idempotency-key <key>',
      'register once for all calls with this key, within floecat.idempotency.ttl-seconds of the first',
    )
    .addHelpText(
      'after',
      `
<table> is <namespace>.<table>. <location> is a metadata file, or the table's own location, whose newest metadata is
then found. Only locations below a prefix of floecat.upstream.locations or floecat.upstream.s3.locations are read.

Examples:
  floecat register sales.orders s3://lake/orders -D floecat.upstream.locations=s3://lake=/mnt/lake
  floecat register sales.orders s3://lake/orders -D floecat.upstream.s3.locations=s3://lake/
  floecat register sales.orders s3://lake/orders/metadata/v7.metadata.json --create-namespace`,
    )
    .action(
      async (
        table: string,
        location: string,
        options: {
          readonly catalog?: string;
          readonly createNamespace: boolean;
          readonly idempotencyKey?: string;
        },
      ) => {
        await context.withService(async (service) => {
          const { signal } = context.io;
          const { namespace, name } = parseTable(table);
          const catalog = options.catalog ?? service.defaultCatalog;
          const output = context.output;
          await service.prepare({ signal });
          if (options.createNamespace) {
            for (let depth = 1; depth <= namespace.length; depth++)
              await service.repositories.namespaces
                .create(catalog, namespace.slice(0, depth), { signal })
                .catch((error: unknown) => {
                  if (!(error instanceof StorageConflictError)) throw error;
                });
          }
          const request: RegisterRequest = {
            catalog,
            namespace,
            name,
            location,
            signal,
            onProgress: ({ done, total }) => output.progress(`snapshots ${done}/${total}`),
          };
          const { idempotencyKey } = options;
          const registered =
            idempotencyKey === undefined
              ? { ...(await service.register(request)), replayed: false }
              : await service.registerOnce(idempotencyKey, request);
          output.progress('');
          const { resource, meta } = registered.table;
          const problems = (registered.problems ?? []).map((problem) => ({
            'snapshot-id': problem.snapshotId,
            code: problem.code,
            location: problem.location,
            message: problem.message,
          }));
          const answer = {
            table: { namespace, name, id: resource.id },
            'metadata-location': resource.metadataLocation,
            snapshots: registered.snapshots,
            problems,
            meta,
            ...(registered.replayed && { replayed: true }),
          };
          output.answer(answer, () => {
            const done = registered.replayed ? 'was registered already by this key:' : 'registered';
            output.line(`${done} ${dotted([...namespace, name])} with ${registered.snapshots} snapshots`);
            output.fields([
              ['id', resource.id],
              ['metadata', resource.metadataLocation],
              ['version', meta.version],
            ]);
            for (const problem of problems)
              output.line(
                printable(
                  `snapshot ${problem['snapshot-id']}: ${problem.code} ${problem.location}: ${problem.message}`,
                ),
              );
          });
          if (problems.length > 0) context.exitCode = EXIT.incomplete;
        });
      },
    );
}
