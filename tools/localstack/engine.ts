import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { pythonWith } from './python-environment.ts';
import type { TiedServer } from './tied-server.ts';
import { startTiedPython, untilUp } from './tied-server.ts';

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const START = 'from ministack.app import main; main()';

/** Installs the Python engine, where it is not yet. Throws `PythonMissingError` where it cannot be. */
export function installEngine(): Promise<string> {
  return pythonWith(REQUIREMENTS);
}

/** Starts the engine on 127.0.0.1 as a process of its own that outlives this one, and answers once it is healthy. */
export async function startDetachedEngine(port: number, log: string): Promise<number> {
  const python = await installEngine();
  const out = await open(log, 'w');
  try {
    const child = spawn(python, ['-c', START], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...engineEnvironment(port, tmpdir()) },
      stdio: ['ignore', out.fd, out.fd],
      detached: true,
    });
    await untilUp(
      child,
      () => isUp(`http://127.0.0.1:${port}`),
      () => readFile(log, 'utf8'),
    );
    child.unref();
    return child.pid as number;
  } finally {
    await out.close();
  }
}

/** Starts an engine on a free port that ends with this process, for tests. */
export async function startOwnEngine(): Promise<TiedServer> {
  return startTiedPython({
    python: await installEngine(),
    code: START,
    env: engineEnvironment,
    answers: isUp,
  });
}

async function isUp(endpoint: string): Promise<boolean> {
  return (await whoAnswers(endpoint))?.startsWith('an AWS emulator') === true;
}

/** What answers at the endpoint: a description, or `undefined` where nothing listens. */
export async function whoAnswers(endpoint: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`${endpoint}/_localstack/health`, { signal: AbortSignal.timeout(5_000) });
    const health = (await answer.json().catch(() => ({}))) as { services?: object; version?: string };
    if (answer.ok && health.services) return `an AWS emulator, version ${health.version ?? 'unknown'}`;
    return `a server that is no AWS emulator (${answer.status} from /_localstack/health)`;
  } catch (error) {
    const { cause, name } = error as {
      cause?: { code?: string; errors?: { code?: string }[] };
      name: string;
    };
    if (name === 'TimeoutError') return 'a server that does not answer';
    const codes = cause?.errors?.map(({ code }) => code) ?? [cause?.code];
    return codes.every((code) => code === 'ECONNREFUSED') ? undefined : 'a server that does not speak HTTP';
  }
}

function engineEnvironment(port: number, temporary: string): NodeJS.ProcessEnv {
  return {
    TMPDIR: temporary,
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    SERVICES: 's3,dynamodb,secretsmanager,sts',
    LOG_LEVEL: 'WARNING',
    PYTHONUNBUFFERED: '1',
    // It would look for containers of its own to clear away.
    DOCKER_HOST: 'unix:///nonexistent',
  };
}
