import { splitArguments } from '@floecat/config';
import { InvalidArgumentError } from '@floecat/storage-spi';
import { CommanderError } from 'commander';

import type { CliIo } from './cli-io.ts';
import { CommandContext } from './command-context.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { buildProgram } from './program.ts';

/** Runs one command line and answers its exit code ({@link EXIT}). Throws nothing. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const { rest } = splitArguments(args);
  const json = rest.includes('--json');
  const context = new CommandContext(io, { args, json });
  try {
    await buildProgram(context).parseAsync(
      rest.filter((argument) => argument !== '--json'),
      { from: 'user' },
    );
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed the help that was asked for, or for people its own message.
      if (error.exitCode === 0) return EXIT.ok;
      if (json) report(wrongCall(error), json, io);
      return EXIT.usage;
    }
    if (io.signal.aborted) {
      io.stderr.write('floecat: stopped\n');
      return EXIT.interrupted;
    }
    report(error, json, io);
    return exitCodeOf(error);
  }
}

function wrongCall({ code, message }: CommanderError): InvalidArgumentError {
  // Where a command is missing, commander shows the help instead of a message.
  const isHelp = code === 'commander.help';
  const why = isHelp ? 'a command is missing' : message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new InvalidArgumentError(`${why}; floecat --help lists the commands`);
}

function report(error: unknown, json: boolean, io: CliIo): void {
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | undefined)?.code;
  if (json) io.stderr.write(JSON.stringify({ error: { code: code ?? 'INTERNAL', message } }) + '\n');
  else io.stderr.write(`floecat: ${message}\n`);
  // What is not ours is a defect: its stack is what a report of it needs.
  if (typeof code !== 'string' && error instanceof Error && error.stack) io.stderr.write(error.stack + '\n');
}
