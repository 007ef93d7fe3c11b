import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is gone after `body`. In `FLOECAT_BENCH_DIR` if that is set, so that a disk can be chosen. */
export async function inScratchFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(process.env['FLOECAT_BENCH_DIR'] ?? tmpdir(), 'floecat-bench-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
