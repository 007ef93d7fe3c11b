import type { PageRequest } from '@floecat/repository';
import { describeBlob } from '@floecat/catalog';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { isoTime, printListing } from '../listing.ts';
import type { PageOptions } from '../paging.ts';
import { pageOptions } from '../paging.ts';

export function blobCommands(program: Command, context: CommandContext): void {
  const blobs = program.command('blobs').description('The blobs of the blob store, read only');

  pageOptions(blobs.command('ls [prefix]').description('List blobs by URI prefix')).action(
    async (prefix: string | undefined, options: PageOptions) => {
      await context.withStorage(async (storage) => {
        const read = async (request: PageRequest) => {
          const { blobs: items, ...rest } = await storage.blobs.list(prefix ?? '', request);
          return { items, ...rest };
        };
        await printListing(context, 'blobs', options, read, {
          header: ['size', 'modified', 'uri'],
          row: (blob) => [blob.size, isoTime(blob.lastModified), blob.uri],
          empty: 'no blobs',
        });
      });
    },
  );

  blobs
    .command('head <uri>')
    .description('Show what is known of a blob')
    .action(async (uri: string) => {
      await context.withStorage(async (storage) => {
        const header = await storage.blobs.head(uri, { signal: context.io.signal });
        const output = context.output;
        output.answer(header, () =>
          output.fields([
            ['uri', header.uri],
            ['version id', header.versionId],
            ['size', header.size],
            ['sha-256', header.etag],
            ['content type', header.contentType],
            ['message', header.message],
            ['created', isoTime(header.createdAt)],
            ['modified', isoTime(header.lastModified)],
            ...Object.entries(header.tags).map(([name, value]) => [`tag ${name}`, value] as const),
          ]),
        );
      });
    });

  blobs
    .command('get <uri>')
    .description('Print a blob: decoded as JSON, or with --raw its bytes')
    .option('--raw', 'write the bytes to standard output', false)
    .action(async (uri: string, options: { raw: boolean }) => {
      await context.withStorage(async (storage) => {
        const blob = await storage.blobs.get(uri, { signal: context.io.signal });
        if (options.raw) context.io.stdout.write(blob.bytes);
        else context.output.line(JSON.stringify(describeBlob(blob), undefined, 2));
      });
    });
}
