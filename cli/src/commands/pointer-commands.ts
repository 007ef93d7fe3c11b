import type { Pointer } from '@floecat/storage-spi';
import { StorageNotFoundError } from '@floecat/storage-spi';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { isoTime, listing } from '../listing.ts';
import type { PageOptions } from '../paging.ts';
import { pageOptions, readListing } from '../paging.ts';

export function pointerCommands(program: Command, context: CommandContext): void {
  const pointers = program.command('pointers').description('The rows of the pointer store, read only');

  pageOptions(pointers.command('ls [prefix]').description('List pointers by key prefix')).action(
    async (prefix: string | undefined, options: PageOptions) => {
      await context.withStorage(async (storage) => {
        const page = await readListing(options, context.io.signal, async (request) => {
          const { pointers: items, ...rest } = await storage.pointers.listPointersByPrefix(
            prefix ?? '',
            request,
          );
          return { items, ...rest };
        });
        listing(context.output, 'pointers', page.items, page.nextPageToken, {
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
      await context.withStorage(async (storage) => {
        const count = await storage.pointers.countByPrefix(prefix ?? '', { signal: context.io.signal });
        const output = context.output;
        output.answer({ count }, () => output.line(String(count)));
      });
    });
}

function targetOf(pointer: Pointer): string {
  return pointer.kind === 'blob' ? pointer.blobUri : pointer.value;
}
