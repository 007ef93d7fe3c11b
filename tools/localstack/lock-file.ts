import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { startOf } from './run-state.ts';

const ASK_AGAIN_MS = 100;

/**
 * Waits until no other process has this lock, and takes it until disposed of. One left behind by a process that has
 * ended counts for nothing.
 */
export async function lockFile(path: string): Promise<AsyncDisposable> {
  const own = `${path}.${randomUUID()}`;
  const holder = `${process.pid} ${(await startOf(process.pid)) ?? ''}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(own, holder);
  try {
    for (;;) {
      try {
        // Unlike writing it there, this never leaves half a file.
        await link(own, path);
        return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      if (await isLeftBehind(path)) await rm(path, { force: true });
      else await delay(ASK_AGAIN_MS);
    }
  } finally {
    await rm(own, { force: true });
  }
}

async function isLeftBehind(path: string): Promise<boolean> {
  // Gone meanwhile: to be asked for again, not removed.
  const holder = await readFile(path, 'utf8').catch(() => undefined);
  if (holder === undefined) return false;
  const [pid = '', ...startedAt] = holder.split(' ');
  return (await startOf(Number(pid))) !== startedAt.join(' ');
}
