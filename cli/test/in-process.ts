import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';

import { EXIT } from '../src/exit-codes.ts';
import { runCli } from '../src/run-cli.ts';
import type { Finished } from './support.ts';
import { storageVariables } from './support.ts';

/** What standard input holds. */
export const SECRET = 'a-secret-that-is-nowhere-else';

export interface Bench {
  readonly folder: string;
  readonly run: (...args: string[]) => Promise<Finished>;
  /** As {@link run}, with `--json`; fails where the command does. */
  readonly json: <T>(...args: string[]) => Promise<T>;
}

/** Commands in this process, which is what most of their time would go into otherwise. */
export function bench(folder: string): Bench {
  const FLOECAT_DATA_DIR = join(folder, 'store');
  const run = (...args: string[]): Promise<Finished> => {
    const given = { FLOECAT_DATA_DIR };
    return runInProcess(folder, args, { ...given, ...storageVariables(args, { env: given, cwd: folder }) });
  };
  return {
    folder,
    run,
    json: async <T>(...args: string[]): Promise<T> => {
      const { code, stdout, stderr } = await run(...args, '--json');
      assert.equal(code, EXIT.ok, stderr);
      return JSON.parse(stdout) as T;
    },
  };
}

/** One command, with {@link SECRET} on standard input. */
export async function runInProcess(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Finished> {
  const stdout = new Gathered();
  const stderr = new Gathered();
  const code = await runCli(args, {
    stdin: Readable.from([Buffer.from(SECRET)]),
    stdinIsTerminal: false,
    stdout,
    stderr,
    interactive: false,
    env,
    cwd,
    signal: new AbortController().signal,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

class Gathered extends Writable {
  text = '';

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
