import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { pythonWith } from './python-environment.ts';

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const START_DEADLINE_MS = 60_000;
const START = 'from ministack.app import main; main()';
/** Ends when its standard input does, so that it never outlives whoever started it. */
const START_TIED = `import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
${START}`;

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
      env: engineEnvironment(port, tmpdir()),
      stdio: ['ignore', out.fd, out.fd],
      detached: true,
    });
    await healthy(child, port, () => readFile(log, 'utf8'));
    child.unref();
    return child.pid as number;
  } finally {
    await out.close();
  }
}

export interface Engine extends AsyncDisposable {
  readonly endpoint: string;
}

/** Starts an engine on a free port that ends with this process, for tests. */
export async function startOwnEngine(): Promise<Engine> {
  const python = await installEngine();
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'floecat-engine-'));
    const child = spawn(python, ['-c', START_TIED], {
      env: engineEnvironment(port, folder),
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-4_000)));
    const stop = async (): Promise<void> => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    };
    try {
      await healthy(child, port, async () => said);
      // It must not keep the test process alive once the tests are over.
      child.unref();
      for (const stream of [child.stdin, child.stderr]) (stream as unknown as { unref(): void }).unref();
      return { endpoint: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
    } catch (error) {
      await stop();
      // Another process may have taken the port meanwhile.
      if (attempt === 3) throw error;
    }
  }
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

async function healthy(child: ChildProcess, port: number, said: () => Promise<string>): Promise<void> {
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended ??= `it exited with ${signal ?? code}`));
  for (const until = Date.now() + START_DEADLINE_MS; Date.now() < until; await delay(100)) {
    if (ended !== undefined) throw new Error(`the emulator did not start: ${ended}\n${await said()}`);
    if ((await whoAnswers(`http://127.0.0.1:${port}`))?.startsWith('an AWS emulator')) return;
  }
  child.kill('SIGKILL');
  throw new Error(`the emulator did not answer within ${START_DEADLINE_MS / 1000} s\n${await said()}`);
}

function engineEnvironment(port: number, temporary: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
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

/** A port that nothing listens on, for now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
