import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

export const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const OURS = /^(?:FLOECAT|LOCALSTACK|REAL_AWS|AWS|MAKE|MFLAGS|NODE_TEST_CONTEXT)/;

export type Variables = Readonly<Record<string, string>>;

/** What a user's environment holds beside `env`: nothing that a run target would look at. */
export function environment(env: Variables): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !OURS.test(name));
  return { ...Object.fromEntries(inherited), ...env };
}

export interface RunOptions {
  readonly env: Variables;
  /** Where `./.floecat` and `application.properties` would be. */
  readonly cwd: string;
  /** The checkout that is served. */
  readonly root: string;
}

/** A run target under way. Its lines are waited for in the order in which they come. */
export class RunProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #ended: Promise<number | null>;
  #next = 0;
  #woken = Promise.withResolvers<void>();
  #over = false;

  /** Ends with the test, also where that takes too long; what it has said is shown then. */
  constructor(t: TestContext, target: string, { env, cwd, root }: RunOptions) {
    const main = join(root, 'tools', 'run', 'main.ts');
    this.#child = spawn(process.execPath, ['--conditions=floecat-source', main, target], {
      env: environment({ FLOECAT_HTTP_PORT: '0', FLOECAT_LOG_LEVEL: 'warn', ...env }),
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      createInterface({ input: stream as NodeJS.ReadableStream }).on('line', (line) => {
        this.#lines.push(line);
        this.#wake();
      });
    this.#ended = once(this.#child, 'close').then(([code]) => {
      this.#over = true;
      this.#wake();
      return code as number | null;
    });
    t.signal.addEventListener('abort', () => {
      if (this.#over) return;
      process.stderr.write(`${target} did not come to its end:\n${this.output}\n`);
      this.#child.kill('SIGTERM');
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get output(): string {
    return this.#lines.join('\n');
  }

  /** The next line that matches, after the one that was waited for before. Fails where the process ends without. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      while (this.#next < this.#lines.length) {
        const match = pattern.exec(this.#lines[this.#next++] ?? '');
        if (match) return match;
      }
      if (this.#over) throw new Error(`the target ended without ${pattern}:\n${this.output}`);
      await this.#woken.promise;
    }
  }

  /** Where it answers once it is up, the next time. */
  async url(): Promise<string> {
    return (await this.line(/serves catalog default on (\S+)/))[1] ?? '';
  }

  /** Waits until it ends by itself; answers the exit code. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** Ends it as an operator would. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #wake(): void {
    const { resolve } = this.#woken;
    this.#woken = Promise.withResolvers<void>();
    resolve();
  }
}
