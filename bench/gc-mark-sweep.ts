import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import { create, toBinary } from '@bufbuild/protobuf';
import { EnvelopeSchema, OwnerState, RootBlobSchema } from '@floecat/proto/envelope';
import { AccountSchema } from '@floecat/proto/resources';
import { ScanBundleSchema, SnapshotStatisticsSchema } from '@floecat/proto/snapshots';
import type { RunReport } from '@floecat/gc';
import { collectOnce, DEFAULT_GC_SETTINGS } from '@floecat/gc';
import type { OwnerRef } from '@floecat/repository';
import { accountOwner, snapshotOwner } from '@floecat/repository';
import type { Clock, Pointer, Storage } from '@floecat/storage-spi';
import { mapBounded, systemClock, systemRandom } from '@floecat/storage-spi';
import { openLocalStorage } from '@floecat/storage-local';

import { figuresOf } from './child.ts';
import type { PeakMemory } from './peak-memory.ts';
import { watchMemory } from './peak-memory.ts';
import { count, print } from './report.ts';
import { inScratchFolder } from './scratch.ts';

const ACCOUNT = 'bench';
const SNAPSHOTS = 2_500;
const HOUR_MS = 3_600_000;
const PARALLEL = 64;
/** What the collector may take of its own: it is to be independent of the number of blobs. */
const MOST_MEGABYTES = 400;
const WORK = ['floor', 'mark', 'sweep'] as const;
type Work = (typeof WORK)[number];

interface Figures {
  readonly seconds: number;
  readonly memory: PeakMemory;
  readonly counts: RunReport['counts'];
}

/**
 * A mark and a sweep of an account with so many owners (`FLOECAT_BENCH_GC_OWNERS` comes first) and a tenth of that in
 * garbage, on the embedded store, each in a process of its own, so that its memory is known. The floor is what no mark
 * can do without: listing every version and every pointer, and reading every root.
 */
export async function benchGc(by: number = 1_000_000): Promise<boolean> {
  const owners = Number(process.env['FLOECAT_BENCH_GC_OWNERS'] ?? by);
  print(`Mark and sweep of ${count(owners)} owners on the embedded store:`);
  return inScratchFolder(async (folder) => {
    const began = performance.now();
    const garbage = await generate(folder, owners);
    print(
      `${count(owners)} owners and ${count(owners + garbage)} blobs were made in ${seconds(performance.now() - began)}`,
    );
    const figures = {} as Record<Work, Figures>;
    for (const work of WORK) {
      figures[work] = await figuresOf<Figures>(fileURLToPath(import.meta.url), folder, work);
      const { seconds: took, memory, counts } = figures[work];
      const versions = counts['versions'] ?? owners + garbage;
      print(
        `${work}: ${took.toFixed(0)} s, ${count(Math.round(versions / took))} blobs/s, peak memory ${memory.own} MB (${memory.withMapped} MB with the mapped file of the pointers)` +
          (work === 'floor'
            ? ''
            : `; condemned ${count(counts['condemned'] ?? 0)}, deleted ${count(counts['deleted'] ?? 0)}`),
      );
    }
    const { floor, mark, sweep } = figures;
    const right = mark.counts['condemned'] === garbage && sweep.counts['deleted'] === garbage;
    const small = Math.max(mark.memory.own, sweep.memory.own) <= MOST_MEGABYTES;
    print(
      `the mark takes ${(mark.seconds / floor.seconds).toFixed(2)} times its floor (no target); ` +
        `counts ${right ? 'right' : 'WRONG'}; memory of at most ${MOST_MEGABYTES} MB: ${small ? 'met' : 'MISSED'}`,
    );
    return right && small;
  });
}

async function runChild(dataDir: string, work: Work): Promise<void> {
  // The grace is over for the mark, the retention for the sweep.
  const ahead = work === 'sweep' ? 8 * 24 * HOUR_MS : 2 * HOUR_MS;
  const clock: Clock = { ...systemClock, now: () => Date.now() + ahead };
  await using storage = await openLocalStorage({ dataDir, clock, flush: false });
  const began = performance.now();
  const memory = watchMemory();
  const counts = work === 'floor' ? await readAll(storage) : await collect(storage, clock);
  const figures: Figures = {
    seconds: (performance.now() - began) / 1_000,
    memory: memory(),
    counts,
  };
  process.stdout.write(JSON.stringify(figures));
}

async function collect(storage: Storage, clock: Clock): Promise<RunReport['counts']> {
  const [run] = await collectOnce(storage, DEFAULT_GC_SETTINGS, { clock, only: ['cas'] });
  if (!run?.ran || run.report.outcome !== 'done') throw new Error(JSON.stringify(run));
  return run.report.counts;
}

async function readAll({ pointers, blobs }: Storage): Promise<RunReport['counts']> {
  let versions = 0;
  let pageToken: string | undefined;
  do {
    const page = await blobs.listVersions(`/accounts/${ACCOUNT}/`, pageToken ? { pageToken } : {});
    versions += page.versions.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  do {
    const page = await pointers.listPointersByPrefix(`/accounts/${ACCOUNT}/`, pageToken ? { pageToken } : {});
    await blobs.getBatch(page.pointers.flatMap((row) => (row.kind === 'blob' ? [row.blobUri] : [])));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return { versions };
}

/** Answers how many blobs nothing leads to. */
async function generate(dataDir: string, owners: number): Promise<number> {
  await using storage = await openLocalStorage({ dataDir, flush: false });
  await makeOwner(
    storage,
    accountOwner(ACCOUNT),
    AccountSchema.typeName,
    toBinary(AccountSchema, create(AccountSchema, { id: ACCOUNT })),
  ).then((row) => storage.pointers.importPointers([row], 'if-absent'));
  let made = 0;
  let garbage = 0;
  for (let table = 0; made < owners; table++) {
    const tableId = `00000000-0000-4000-8000-${String(table).padStart(12, '0')}`;
    const refs = Array.from({ length: Math.min(2 * SNAPSHOTS, owners - made) }, (_, i) => ({
      snapshotId: BigInt(i >> 1),
      part: i % 2 === 0 ? ('statistics' as const) : ('scan-bundle' as const),
    }));
    made += refs.length;
    const rows = await mapBounded(refs, PARALLEL, async ({ snapshotId, part }) => {
      const owner = snapshotOwner(ACCOUNT, tableId, snapshotId, part);
      const ids = { tableId, snapshotId };
      const [type, resource] =
        part === 'statistics'
          ? [
              SnapshotStatisticsSchema.typeName,
              toBinary(SnapshotStatisticsSchema, create(SnapshotStatisticsSchema, ids)),
            ]
          : [ScanBundleSchema.typeName, toBinary(ScanBundleSchema, create(ScanBundleSchema, ids))];
      if (snapshotId % 10n === 0n) {
        // What an earlier version of it left behind.
        await makeOwner(storage, owner, type, resource);
        garbage++;
      }
      return makeOwner(storage, owner, type, resource);
    });
    await storage.pointers.importPointers(rows, 'if-absent');
  }
  return garbage;
}

/** Puts a root and answers the pointer that leads to it. */
async function makeOwner(
  storage: Storage,
  owner: OwnerRef,
  messageType: string,
  resource: Uint8Array,
): Promise<Pointer> {
  const writeId = systemRandom.uuid();
  const envelope = create(EnvelopeSchema, {
    format: 1,
    kind: owner.collection,
    messageType,
    schemaVersion: 1,
    storeId: storage.layout.storeId,
    owner: owner.key,
    incarnation: writeId,
    version: 1n,
    writeId,
    state: OwnerState.LIVE,
  });
  const bytes = toBinary(RootBlobSchema, create(RootBlobSchema, { envelope, resource }));
  const blobUri = `${owner.blobPrefix}${createHash('sha256').update(bytes).digest('hex')}.pb`;
  await storage.blobs.put(blobUri, bytes, { message: RootBlobSchema.typeName });
  return {
    key: owner.key,
    kind: 'blob',
    blobUri,
    state: 'LIVE',
    version: 1,
    writeId,
    incarnation: writeId,
    updatedAt: Date.now(),
  };
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(0)} s`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder, work] = process.argv;
  if (folder !== undefined && work !== undefined) await runChild(folder, work as Work);
  else process.exitCode = (await benchGc()) ? 0 : 1;
}
