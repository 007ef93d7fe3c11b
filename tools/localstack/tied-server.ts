import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const START_DEADLINE_MS = 60_000;
/** Ends when its standard input does, so that it never outlives whoever started it. */
const TIED = `import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
`;

/** A server of this process alone. Disposing of it ends it, and so does the end of this process, however it comes. */
export interface TiedServer extends AsyncDisposable {
  readonly endpoint: string;
}

export interface TiedPython {
  /** The interpreter. */
  readonly python: string;
  /** What serves, in Python. `os`, `sys` and `threading` are imported. */
  readonly code: string;
  /** Given a folder that is removed in the end. */
  readonly env: (port: number, folder: string) => NodeJS.ProcessEnv;
  /** Whether the server is up at this endpoint. */
  readonly answers: (endpoint: string) => Promise<boolean>;
}

/** Starts a server in Python on a free port of 127.0.0.1. */
export async function startTiedPython({ python, code, env, answers }: TiedPython): Promise<TiedServer> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'floecat-server-'));
    const child = spawn(python, ['-c', TIED + code], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: folder, ...env(port, folder) },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-4_000)));
    const stop = async (): Promise<void> => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null) {
        child.ref();
        child.kill('SIGKILL');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    };
    const endpoint = `http://127.0.0.1:${port}`;
    try {
      await untilUp(
        child,
        () => answers(endpoint),
        async () => said,
      );
      // It must not keep the test process alive once the tests are over.
      child.unref();
      for (const stream of [child.stdin, child.stderr]) (stream as unknown as { unref(): void }).unref();
      return { endpoint, [Symbol.asyncDispose]: stop };
    } catch (error) {
      await stop();
      // Another process may have taken the port meanwhile.
      if (attempt === 3) throw error;
    }
  }
}

/** Waits until the server answers. Throws, with what it said, where it ends instead or takes too long. */
export async function untilUp(
  child: ChildProcess,
  answers: () => Promise<boolean>,
  said: () => Promise<string>,
): Promise<void> {
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended ??= `it exited with ${signal ?? code}`));
  for (const until = Date.now() + START_DEADLINE_MS; Date.now() < until; await delay(100)) {
    if (ended !== undefined) throw new Error(`the server did not start: ${ended}\n${await said()}`);
    if (await answers()) return;
  }
  child.kill('SIGKILL');
  throw new Error(`the server did not answer within ${START_DEADLINE_MS / 1000} s\n${await said()}`);
}

/** A port that nothing listens on, for now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
