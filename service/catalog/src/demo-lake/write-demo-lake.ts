import { resolve } from 'node:path';

import type { Clock, RandomSource } from '@floecat/storage-spi';
import { InvalidArgumentError, StorageError } from '@floecat/storage-spi';

import type { DemoTable } from './build-table.ts';
import { buildTable } from './build-table.ts';
import { demoStories } from './demo-content.ts';
import { checkAborted, fileError } from './lake-errors.ts';
import { LakeFolder } from './lake-folder.ts';
import { finishedTables, MARKER_NAME, markerBytes } from './lake-marker.ts';
import { seededRandom } from './seeded-random.ts';
import type { LakeFile } from './table-builder.ts';

const OPERATION = 'writeDemoLake';

export interface DemoLakeOptions {
  /** A local folder; made if absent. */
  readonly folder: string;
  /** What the locations in metadata begin with. Default `file://` and the folder's absolute path. */
  readonly baseLocation?: string;
  /** Source of the ids. Default a seeded one, so that the lake is the same each time. */
  readonly random?: RandomSource;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** The files of the demonstration lake. Does no I/O. */
export function demoLake(options: { readonly baseLocation: string; readonly random: RandomSource }): {
  readonly tables: readonly DemoTable[];
  readonly files: readonly LakeFile[];
} {
  const files: LakeFile[] = [];
  const emit = (file: LakeFile): void => void files.push(file);
  return { tables: demoStories.map((story) => buildTable(story, { ...options, emit })), files };
}

/**
 * Makes the small lake that a new catalog starts with, and answers its tables. Once the lake is finished, which a
 * marker file written last tells, it is left as it is, whatever engines have done to it since; one that a crash or
 * an abort left unfinished is written anew over what there is. Everything is durable when this returns.
 *
 * Throws `STORAGE_MISCONFIGURED` where the folder holds a lake with another base location or a newer format, or
 * cannot be written; `STORAGE_ACCESS_DENIED`, `STORAGE_FULL`; `STORAGE_ABORT_RETRYABLE` if aborted.
 */
export async function writeDemoLake(options: DemoLakeOptions): Promise<readonly DemoTable[]> {
  const { clock, signal, random = seededRandom('floecat demonstration lake') } = options;
  if (options.folder === '') throw new InvalidArgumentError(`${OPERATION}: the folder has no name; give one`);
  const folder = resolve(options.folder);
  const baseLocation = (options.baseLocation ?? `file://${folder}`).replace(/\/+$/, '');
  const finished = await finishedTables(OPERATION, folder, baseLocation);
  if (finished) return finished;
  checkAborted(OPERATION, signal);
  const { tables, files } = demoLake({ baseLocation, random });
  try {
    await using lake = await LakeFolder.open(folder, clock.now());
    for (const file of files) {
      checkAborted(OPERATION, signal);
      await lake.write(file);
    }
    await lake.sync();
    checkAborted(OPERATION, signal);
    await lake.write({ path: MARKER_NAME, bytes: markerBytes(baseLocation, clock.now(), tables) });
    await lake.sync();
  } catch (cause) {
    throw cause instanceof StorageError ? cause : fileError(OPERATION, folder, cause);
  }
  return tables;
}
