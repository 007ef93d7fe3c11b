import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { promisify } from 'node:util';

import { installEngine } from '../../localstack/engine.ts';
import { PythonMissingError } from '../../localstack/python-environment.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..', '..');
const SCRIPT = join(ROOT, 'tools', 'localstack', 'localstack.ts');
export const BUCKET = 'lake-one';
export const TABLE = 'pointers_one';

/** What a test leaves behind, and where it remembers what it started. */
export const folder = await mkdtemp(join(tmpdir(), 'floecat-localstack-'));
after(() => rm(folder, { recursive: true, force: true }));

/** The interpreter of the Python engine, or why there is none here, for a skip to print. */
export const engine: { readonly python: string } | { readonly skip: string } = await installEngine().then(
  (python) => ({ python }),
  (error: unknown) => {
    if (error instanceof PythonMissingError) return { skip: `no emulator: ${error.message}` };
    throw error;
  },
);

export interface Ended {
  readonly code: number;
  readonly said: string;
}

type Environment = Readonly<Record<string, string>>;

/** Runs `localstack.ts <command>` for one port, where no Docker answers unless `env` says so. */
export async function localstack(port: number, command: string, env: Environment = {}): Promise<Ended> {
  return ended(process.execPath, [SCRIPT, command], await environment(port, env));
}

/** Runs `make localstack-<command>`, with the endpoint and `env` on make's command line. */
export async function makeLocalstack(port: number, command: string): Promise<Ended> {
  const { LOCALSTACK_ENDPOINT = '', ...env } = await environment(port, {});
  // Packages are as they are while tests run.
  const given = ['-C', ROOT, '-o', 'node_modules/.installed', `LOCALSTACK_ENDPOINT=${LOCALSTACK_ENDPOINT}`];
  return ended('make', [...given, `localstack-${command}`], env);
}

async function environment(port: number, env: Environment): Promise<NodeJS.ProcessEnv> {
  return {
    ...process.env,
    // So that the Python engine is used wherever these tests run.
    PATH: `${await fakeDocker('exit 1')}:${process.env['PATH']}`,
    LOCALSTACK_ENDPOINT: `http://127.0.0.1:${port}`,
    LOCALSTACK_BUCKET: BUCKET,
    LOCALSTACK_TABLE: TABLE,
    LOCALSTACK_STATE_DIR: join(folder, 'state'),
    ...env,
  };
}

async function ended(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(file, args, { env });
    return { code: 0, said: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, said: stdout + stderr };
  }
}

/** A folder whose `docker` does this. */
export async function fakeDocker(body: string): Promise<string> {
  const home = await mkdtemp(join(folder, 'docker-'));
  await writeFile(join(home, 'docker'), `#!/bin/sh\n${body}\n`);
  await chmod(join(home, 'docker'), 0o755);
  return home;
}
