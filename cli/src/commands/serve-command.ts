import { openServiceTelemetry, runCatalog } from '@floecat/catalog';
import type { Settings } from '@floecat/config';
import type { Storage } from '@floecat/storage-spi';
import type { Command } from 'commander';

import { collectBeside } from '../collect-beside.ts';
import type { CommandContext } from '../command-context.ts';

export function serveCommand(program: Command, context: CommandContext): void {
  program
    .command('serve')
    .description('Serve the Iceberg REST catalog until stopped')
    .addHelpText(
      'after',
      `
On the first start it makes a small demonstration lake and registers it, so that there is something to look at;
-D floecat.seed.enabled=false leaves that out.

Examples:
  floecat serve
  floecat serve -D floecat.http.port=9000 -D floecat.data-dir=/var/lib/floecat`,
    )
    .action(async () => {
      const { io } = context;
      const { observer, collectors, page } = await openServiceTelemetry(context.settings());
      const serve = async (storage: Storage, settings: Settings): Promise<void> => {
        const output = context.output;
        await using running = await runCatalog(storage, settings, {
          signal: io.signal,
          log: io.stderr,
          onProgress: (text) => output.note(text),
          background: (work) => collectBeside(storage, settings, work, collectors),
          ...(page && { metrics: page }),
        });
        output.answer({ url: running.url, catalog: settings.identity.catalog }, () => {
          output.line(
            `floecat serves catalog ${settings.identity.catalog} on ${running.url} (stop with Ctrl-C)`,
          );
          output.line(`try: curl ${running.url}/`);
        });
        await running.stopped;
      };
      await context.withStorage(serve, { ...(observer && { observer }) });
    });
}
