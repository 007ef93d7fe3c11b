import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs the benchmark `file` with `args` in a process of its own, so that its memory is known; answers the JSON it prints. */
export async function figuresOf<T>(file: string, ...args: readonly string[]): Promise<T> {
  const { stdout } = await run(process.execPath, [...process.execArgv, file, ...args]);
  return JSON.parse(stdout) as T;
}
