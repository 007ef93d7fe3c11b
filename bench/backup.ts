import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { RecoveryContext } from '@floecat/recovery';
import { createBackup, FolderTarget, openBackup } from '@floecat/recovery';
import type { Storage } from '@floecat/storage-spi';
import { systemClock, systemRandom } from '@floecat/storage-spi';

import { figuresOf } from './child.ts';
import { cpuTime } from './measure.ts';
import { watchMemory } from './peak-memory.ts';
import { load, openOurs, record } from './pointers-fixture.ts';
import { count, print } from './report.ts';
import { inScratchFolder } from './scratch.ts';

/** What a backup may take: it is to be independent of the number of pointers. */
const MOST_MEGABYTES = 400;
const WORK = ['walk', 'full', 'incremental', 'read'] as const;
type Work = (typeof WORK)[number];

interface Figures {
  readonly id: string;
  readonly seconds: number;
  /** User and system, all threads. */
  readonly cpuSeconds: number;
  /** Memory of the process itself at its peak, without the pages of the store's file that the system holds mapped. */
  readonly megabytes: number;
  readonly pointers: number;
  readonly lines: number;
  readonly bytes: number;
}

/**
 * A backup of a million pointers (`FLOECAT_BENCH_BACKUP_POINTERS`) of the embedded store into a folder, then one of what
 * changed, a hundredth of them, then a read of both, each in a process of its own, so that its memory is known. The
 * baseline is the walk that no backup can do without: listing every pointer and doing nothing with it.
 */
export async function benchBackup(): Promise<boolean> {
  const pointers = Number(process.env['FLOECAT_BENCH_BACKUP_POINTERS'] ?? 1_000_000);
  return inScratchFolder(async (folder) => {
    await generate(folder, pointers);
    const figures = {} as Record<Work, Figures>;
    for (const work of WORK) {
      if (work === 'incremental') await change(folder, pointers);
      const since = { incremental: figures.full, read: figures.incremental }[work as string]?.id ?? '';
      const found = await figuresOf<Figures>(fileURLToPath(import.meta.url), folder, work, since);
      figures[work] = found;
      const rate = Math.round(found.pointers / found.seconds);
      print(
        `backup, ${work}: ${found.seconds.toFixed(1)} s (${found.cpuSeconds.toFixed(1)} s of CPU), ${count(rate)} pointers/s, peak memory ${found.megabytes} MB` +
          (work === 'walk'
            ? ''
            : `, ${(found.seconds / figures.walk.seconds).toFixed(2)} times the walk (no target)`) +
          (found.bytes > 0 ? `; ${count(found.lines)} lines in ${count(found.bytes)} bytes` : ''),
      );
    }
    const { full, incremental, read } = figures;
    const right =
      [full, incremental, read].every((each) => each.pointers === pointers) &&
      incremental.lines === Math.ceil(pointers / 100);
    const most = Math.max(...WORK.map((work) => figures[work].megabytes));
    print(
      `backup: counts ${right ? 'right' : 'WRONG'}; memory of at most ${MOST_MEGABYTES} MB: ${most <= MOST_MEGABYTES ? 'met' : 'MISSED'}`,
    );
    return right && most <= MOST_MEGABYTES;
  });
}

async function runChild(folder: string, work: Work, since: string): Promise<void> {
  await using storage = await openOurs(join(folder, 'store'));
  await using target = new FolderTarget(join(folder, 'backups'));
  const context: RecoveryContext = { storage, clock: systemClock, random: systemRandom };
  const memory = watchMemory();
  const began = performance.now();
  const done = { id: '', pointers: 0, lines: 0, bytes: 0 };
  if (work === 'walk') for await (const length of pages(storage)) done.pointers += length;
  else if (work === 'read')
    for await (const _ of (await openBackup(target, since)).pointers('')) done.pointers++;
  else Object.assign(done, await createBackup(context, target, since === '' ? {} : { since }));
  const { id, pointers, lines, bytes } = done;
  const figures: Figures = {
    id,
    seconds: (performance.now() - began) / 1_000,
    cpuSeconds: cpuTime() / 1_000,
    megabytes: memory().own,
    pointers,
    lines,
    bytes,
  };
  process.stdout.write(JSON.stringify(figures));
}

async function* pages({ pointers }: Storage): AsyncGenerator<number> {
  let pageToken: string | undefined;
  do {
    const page = await pointers.listPointersByPrefix('', pageToken === undefined ? {} : { pageToken });
    yield page.pointers.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}

async function generate(folder: string, pointers: number): Promise<void> {
  await using storage = await openOurs(join(folder, 'store'), false);
  for (let from = 0; from < pointers; from += 10_000)
    await load(
      storage,
      Array.from({ length: Math.min(10_000, pointers - from) }, (_, i) => keyOf(from + i)),
    );
}

/** Every hundredth pointer. */
async function change(folder: string, pointers: number): Promise<void> {
  await using storage = await openOurs(join(folder, 'store'), false);
  for (let i = 0; i < pointers; i += 100) {
    const { kind, blobUri } = record(2);
    const result = await storage.pointers.compareAndSet(keyOf(i), 1, { kind, blobUri, state: 'LIVE' });
    if (!result.applied) throw new Error(`${keyOf(i)} was not changed`);
  }
}

function keyOf(i: number): string {
  return `/accounts/6f1c1c9e/tables/by-id/${String(i).padStart(9, '0')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, work, since = ''] = process.argv.slice(2);
  if (folder === undefined) process.exitCode = (await benchBackup()) ? 0 : 1;
  else await runChild(folder, work as Work, since);
}
