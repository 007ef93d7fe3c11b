import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { shareCompiledCode } from './compile-cache.ts';

shareCompiledCode();

export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to start one of the scripts in `children/`, for whoever puts another command before it. */
export function childCommand(script: string, args: readonly string[]): string[] {
  const file = fileURLToPath(new URL(`./children/${script}.ts`, import.meta.url));
  return [process.execPath, '--conditions=floecat-source', file, ...args];
}

export function startChild(
  script: string,
  args: readonly string[] = [],
  options: SpawnOptions & { readonly before?: readonly string[] } = {},
): ChildProcess {
  const { before = [], ...rest } = options;
  const [command = '', ...others] = [...before, ...childCommand(script, args)];
  return spawn(command, others, { stdio: ['pipe', 'pipe', 'pipe'], ...rest });
}

/** What the child printed, once it has ended. */
export async function endOf(child: ChildProcess): Promise<ChildResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

export function runChild(
  script: string,
  args: readonly string[] = [],
  options: SpawnOptions & { readonly before?: readonly string[] } = {},
): Promise<ChildResult> {
  return endOf(startChild(script, args, options));
}
