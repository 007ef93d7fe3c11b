import type { PageRequest } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { StorageNotFoundError } from '@floecat/storage-spi';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { printCount } from '../print-count.ts';
import { isoTime, printListing } from '../listing.ts';
import type { PageOptions } from '../paging.ts';
import { pageOptions } from '../paging.ts';

export function pointerCommands(program: Command, context: CommandContext): void {
  const pointers = program.command('pointers').description('The rows of the pointer store, read only');

  pageOptions(pointers.command('ls [prefix]').description('List pointers by key prefix')).action(
    async (prefix: string | undefined, options: PageOptions) => {
      await context.withStorage(async (storage) => {
        const read = async (request: PageRequest) => {
          const { pointers: items, ...rest } = await storage.pointers.listPointersByPrefix(
            prefix ?? '',
            request,
          );
          return { items, ...rest };
        };
        await printListing(context, 'pointers', options, read, {
          header: ['key', 'version', 'state', 'updated', 'target'],
          row: (pointer) => [
            pointer.key,
            pointer.version,
            pointer.state ?? '',
            isoTime(pointer.updatedAt),
            targetOf(pointer),
          ],
          empty: 'no pointers',
        });
      });
    },
  );

  pointers
    .command('get <key>')
    .description('Show one pointer')
    .action(async (key: string) => {
      await context.withStorage(async (storage) => {
        const pointer = await storage.pointers.get(key, { signal: context.io.signal });
        const output = context.output;
        if (!pointer) throw new StorageNotFoundError(`no pointer ${key}`, { operation: 'get', key });
        output.answer(pointer, () =>
          output.fields([
            ['key', pointer.key],
            ['version', pointer.version],
            [pointer.kind, targetOf(pointer)],
            ['state', pointer.state],
            ['write id', pointer.writeId],
            ['previous', pointer.prevWriteId],
            ['incarnation', pointer.incarnation],
            ['updated', isoTime(pointer.updatedAt)],
            ['expires', pointer.expiresAt === undefined ? undefined : isoTime(pointer.expiresAt * 1000)],
          ]),
        );
      });
    });

  pointers
    .command('count [prefix]')
    .description('Count pointers by key prefix')
    .action(async (prefix: string | undefined) => {
      await context.withStorage((storage) =>
        printCount(context, (call) => storage.pointers.countByPrefix(prefix ?? '', call)),
      );
    });
}

function targetOf(pointer: Pointer): string {
  return pointer.kind === 'blob' ? pointer.blobUri : pointer.value;
}
