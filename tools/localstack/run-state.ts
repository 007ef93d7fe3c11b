import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What `up` started on a port, so that `down` stops that and nothing else. */
export type Started =
  | { readonly kind: 'docker' }
  /** `startedAt` tells the process from a later one that was given the same id. */
  | { readonly kind: 'engine'; readonly pid: number; readonly startedAt: string };

export class RunState {
  readonly #file: string;

  constructor(folder: string, port: number) {
    this.#file = join(folder, `up-${port}.json`);
  }

  async read(): Promise<Started | undefined> {
    try {
      return JSON.parse(await readFile(this.#file, 'utf8')) as Started;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError)
        return undefined;
      throw error;
    }
  }

  async write(started: Started): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true });
    await writeFile(this.#file, JSON.stringify(started) + '\n');
  }

  async clear(): Promise<void> {
    await rm(this.#file, { force: true });
  }
}

/** When the process began, in the system's own words; `undefined` where there is none. */
export async function startOf(pid: number): Promise<string | undefined> {
  try {
    // After the name, which may hold anything, in brackets: field 3 and on. Field 22 is the start time.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    try {
      return (await run('ps', ['-o', 'lstart=', '-p', String(pid)])).stdout.trim() || undefined;
    } catch {
      return undefined;
    }
  }
}
