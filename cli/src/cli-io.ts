import type { Readable, Writable } from 'node:stream';

/** Everything of the process that a command may touch, so that a test can own it. */
export interface CliIo {
  readonly stdin: Readable;
  /** Whether standard input is a terminal, where nothing is piped in. */
  readonly stdinIsTerminal: boolean;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Whether a person watches stderr: progress is shown there, and only then. */
  readonly interactive: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted by SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}
