#!/usr/bin/env node
import { runCli } from './run-cli.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));

// A reader such as `head`, or of the log, that goes away early is no error.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.exitCode = 1;
    if (stream === process.stdout) process.stderr.write(`floecat: cannot write: ${error.message}\n`);
  });

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdinIsTerminal: process.stdin.isTTY,
  stdout: process.stdout,
  stderr: process.stderr,
  interactive: process.stderr.isTTY,
  env: process.env,
  cwd: process.cwd(),
  signal: stop.signal,
});
