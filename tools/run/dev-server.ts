import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { SourceChanges } from './source-changes.ts';

/** What is under way may be finished; after this the server is ended. */
const STOP_MS = 30_000;

export interface DevServerOptions {
  /** The checkout whose sources are served. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** Stops the server, and then the run. */
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

/**
 * Runs `floecat serve` from the sources, and again whenever they change, until told to stop. Answers the exit code: that
 * of the server where it ended by itself before any change, so that a wrong setting is not waited upon.
 */
export async function serveFromSources({ root, env, signal, note }: DevServerOptions): Promise<number> {
  const stop = once(signal, 'abort').then(() => 'stop' as const);
  if (signal.aborted) return 0;
  for (let restarts = 0; ; restarts++) {
    // From before the server reads them, so that no change goes by.
    using changes = new SourceChanges(root);
    const changed = changes.settled.then((path) => ({ path }));
    await using server = new Server(root, env);
    const event = await Promise.race([stop, changed, server.ended]);
    if (event === 'stop') return server.stop();
    if ('code' in event) {
      if (restarts === 0) return event.code;
      note(`the server has ended with ${event.code}; it is started again once a source changes`);
      if ((await Promise.race([stop, changed])) === 'stop') return event.code;
    }
    const { path } = await changed;
    note(`${path} has changed: the server starts again`);
    const code = await server.stop();
    if (code !== 0 && !('code' in event)) note(`the server did not stop cleanly: it ended with ${code}`);
  }
}

class Server implements AsyncDisposable {
  readonly ended: Promise<{ readonly code: number }>;
  readonly #child: ChildProcess;

  constructor(root: string, env: NodeJS.ProcessEnv) {
    const main = join(root, 'cli', 'src', 'main.ts');
    this.#child = spawn(process.execPath, ['--conditions=floecat-source', main, 'serve'], {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    // Told to stop before it listens for that, it ends by the signal itself.
    this.ended = once(this.#child, 'exit').then(([code, signal]) => ({
      code: (code as number | null) ?? (signal === 'SIGTERM' ? 0 : 1),
    }));
  }

  /** Ends it as an operator would; answers its exit code. One that has ended already is left alone. */
  async stop(): Promise<number> {
    // Not SIGINT, which a terminal has sent it already: a second one would end it without a word.
    this.#child.kill('SIGTERM');
    const forced = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    const { code } = await this.ended;
    clearTimeout(forced);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
