import type { PageRequest } from '@floecat/repository';
import type { SecretRef } from '@floecat/storage-spi';
import { InvalidArgumentError, MAX_SECRET_BYTES, StorageNotFoundError } from '@floecat/storage-spi';
import type { Command } from 'commander';

import type { CommandContext } from '../command-context.ts';
import { printListing } from '../listing.ts';
import type { PageOptions } from '../paging.ts';
import { pageOptions } from '../paging.ts';

export function secretCommands(program: Command, context: CommandContext): void {
  const { io } = context;
  const secrets = program
    .command('secrets')
    .description('Secrets of the account, such as keys for upstream tables')
    .addHelpText(
      'after',
      `
A secret is named <type>/<id>. Its value is read from standard input and never from the command line.

Examples:
  floecat secrets put s3/upstream < key.json
  floecat secrets get s3/upstream
  floecat -D floecat.upstream.s3.secret=s3/upstream register sales.orders s3://lake/orders`,
    );

  secrets
    .command('put <name>')
    .description('Store a secret, new or not; its value comes from standard input, as it is')
    .action(async (name: string) => {
      // Refused before anything is read or opened.
      parseName(name, '');
      const payload = await readInput(context);
      await context.withStorage(async (storage, { identity }) => {
        const ref = parseName(name, identity.account);
        await storage.secrets.put(ref, payload, { signal: io.signal });
        context.output.answer({ name, bytes: payload.length }, () =>
          context.output.line(`stored secret ${name}, ${payload.length} bytes`),
        );
      });
    });

  secrets
    .command('get <name>')
    .description('Write the value of a secret to standard output, as it is')
    .action(async (name: string) => {
      await context.withStorage(async (storage, { identity }) => {
        const ref = parseName(name, identity.account);
        const payload = await storage.secrets.get(ref, { signal: io.signal });
        if (!payload)
          throw new StorageNotFoundError(`no secret ${name} in account ${ref.account}`, {
            operation: 'get secret',
            key: name,
          });
        if (context.output.json)
          context.output.answer({ name, base64: Buffer.from(payload).toString('base64') }, () => undefined);
        else io.stdout.write(payload);
      });
    });

  pageOptions(secrets.command('ls').description('List the names of secrets')).action(
    async (options: PageOptions) => {
      await context.withStorage(async (storage, { identity }) => {
        const read = async (request: PageRequest) => {
          const { secrets: items, ...rest } = await storage.secrets.list(identity.account, request);
          return { items, ...rest };
        };
        await printListing(context, 'secrets', options, read, {
          header: ['name'],
          row: ({ type, id }) => [`${type}/${id}`],
          empty: 'no secrets',
        });
      });
    },
  );

  secrets
    .command('rm <name>')
    .description('Delete a secret; deleting none succeeds')
    .action(async (name: string) => {
      await context.withStorage(async (storage, { identity }) => {
        await storage.secrets.delete(parseName(name, identity.account), { signal: io.signal });
        context.output.answer({ name }, () => context.output.line(`deleted secret ${name}`));
      });
    });
}

function parseName(name: string, account: string): SecretRef {
  const [, type, id] = /^([^/]+)\/(.+)$/s.exec(name) ?? [];
  if (type !== undefined && id !== undefined) return { account, type, id };
  throw new InvalidArgumentError(`${JSON.stringify(name)} is not the name of a secret; write <type>/<id>`, {
    operation: 'secrets',
  });
}

/** All of standard input; more than a secret can hold is refused without reading on. */
async function readInput({ io }: CommandContext): Promise<Uint8Array> {
  if (io.stdinIsTerminal)
    throw refuse(
      'the value is read from standard input; pipe it in, as in: floecat secrets put s3/upstream < key.json',
    );
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of io.stdin) {
    const bytes = chunk as Uint8Array;
    size += bytes.length;
    if (size > MAX_SECRET_BYTES)
      throw refuse(`the value is larger than ${MAX_SECRET_BYTES} bytes, the most that a secret can hold`);
    chunks.push(bytes);
  }
  if (size === 0) throw refuse('standard input is empty; a secret holds at least one byte');
  return Buffer.concat(chunks);
}

function refuse(why: string): InvalidArgumentError {
  return new InvalidArgumentError(`put secret: ${why}`, { operation: 'put secret' });
}
