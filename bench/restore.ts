import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { create, toBinary } from '@bufbuild/protobuf';
import { EnvelopeSchema, OwnerState, RootBlobSchema } from '@floecat/proto/envelope';
import { NamespaceSchema } from '@floecat/proto/resources';
import type { RecoveryContext } from '@floecat/recovery';
import {
  createBackup,
  findBackup,
  FolderTarget,
  openBackup,
  restore,
  restoredBackup,
} from '@floecat/recovery';
import {
  namespacePathKey,
  openRepositories,
  ownerById,
  repositoryContext,
  rootUri,
} from '@floecat/repository';
import { openLocalStorage } from '@floecat/storage-local';
import type { Pointer, Storage } from '@floecat/storage-spi';
import { mapBounded, systemClock, systemRandom } from '@floecat/storage-spi';

import { figuresOf } from './child.ts';
import { cpuTime } from './measure.ts';
import { watchMemory } from './peak-memory.ts';
import { count, print } from './report.ts';
import { inScratchFolder } from './scratch.ts';

/** What a restore may take: some 50 bytes a name beside what does not grow. */
const MOST_MEGABYTES = 600;
const ACCOUNT = 'acme';
const WORK = ['import', 'restore'] as const;
type Work = (typeof WORK)[number];

interface Figures {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly megabytes: number;
  readonly pointers: number;
  readonly problems: number;
}

/**
 * A restore of a million pointers (`FLOECAT_BENCH_RESTORE_POINTERS`), half of them owners with a root blob and half their
 * names, into an empty table of the embedded store. The baseline is what no restore can do without: the rows of the backup
 * read and imported, with no blob looked at. Each in a process of its own, so that its memory is known.
 */
export async function benchRestore(
  pointers = Number(process.env['FLOECAT_BENCH_RESTORE_POINTERS'] ?? 1_000_000),
): Promise<boolean> {
  return inScratchFolder(async (folder) => {
    const began = performance.now();
    await generate(folder, pointers / 2);
    print(
      `restore: ${count(pointers / 2)} owners made in ${((performance.now() - began) / 1_000).toFixed(0)} s`,
    );
    const figures = {} as Record<Work, Figures>;
    for (const work of WORK) {
      await rm(join(folder, 'store', 'pointers'), { recursive: true });
      const found = await figuresOf<Figures>(fileURLToPath(import.meta.url), folder, work);
      figures[work] = found;
      print(
        `restore, ${work}: ${found.seconds.toFixed(1)} s (${found.cpuSeconds.toFixed(1)} s of CPU), ${count(Math.round(found.pointers / found.seconds))} pointers/s, peak memory ${found.megabytes} MB`,
      );
    }
    const { import: bare, restore: whole } = figures;
    const right = whole.problems === 0 && whole.pointers === bare.pointers;
    print(
      `restore: ${(whole.seconds / bare.seconds).toFixed(2)} times the import (no target); rows ${right ? 'right' : 'WRONG'}; memory of at most ${MOST_MEGABYTES} MB: ${whole.megabytes <= MOST_MEGABYTES ? 'met' : 'MISSED'}`,
    );
    return right && whole.megabytes <= MOST_MEGABYTES;
  });
}

async function runChild(folder: string, work: Work): Promise<void> {
  await using storage = await openLocalStorage({ dataDir: join(folder, 'store'), adopt: true });
  await using target = new FolderTarget(join(folder, 'backups'));
  const context: RecoveryContext = { storage, clock: systemClock, random: systemRandom };
  const found = await findBackup(target);
  const reader = await openBackup(target, found?.id ?? '');
  const memory = watchMemory();
  const began = performance.now();
  let problems = 0;
  if (work === 'import') {
    let rows: Pointer[] = [];
    for await (const row of reader.pointers('')) {
      rows.push(row);
      if (rows.length < 1_000) continue;
      await storage.pointers.importPointers(rows, 'if-lower');
      rows = [];
    }
    await storage.pointers.importPointers(rows, 'if-lower');
  } else problems = (await restore(context, { backup: restoredBackup(reader) })).problemCount;
  const seconds = (performance.now() - began) / 1_000;
  const { own: megabytes } = memory();
  const pointers = await storage.pointers.countByPrefix('');
  process.stdout.write(
    JSON.stringify({ seconds, cpuSeconds: cpuTime() / 1_000, megabytes, pointers, problems }),
  );
}

/** Namespaces as the repository would have made them, without what its commits cost. */
async function generate(folder: string, owners: number): Promise<void> {
  await using storage = await openLocalStorage({ dataDir: join(folder, 'store'), flush: false });
  const { accounts, catalogs } = openRepositories(repositoryContext(storage, ACCOUNT));
  await accounts.ensure(ACCOUNT);
  const lake = await catalogs.create('lake');
  for (let from = 0; from < owners; from += 1_000) {
    const serials = Array.from({ length: Math.min(1_000, owners - from) }, (_, i) => from + i);
    const rows = await mapBounded(serials, 64, (serial) => putNamespace(storage, lake.owner.id, serial));
    await storage.pointers.importPointers(rows.flat(), 'if-absent');
  }
  await using target = new FolderTarget(join(folder, 'backups'));
  await createBackup({ storage, clock: systemClock, random: systemRandom }, target);
}

async function putNamespace(storage: Storage, catalogId: string, serial: number): Promise<Pointer[]> {
  const [id, writeId] = [systemRandom.uuid(), systemRandom.uuid()];
  const owner = ownerById(ACCOUNT, 'namespaces', id);
  const levels = [`n${serial}`];
  const name = namespacePathKey(ACCOUNT, catalogId, levels);
  const now = Date.now();
  const envelope = create(EnvelopeSchema, {
    format: 1,
    kind: 'namespaces',
    messageType: NamespaceSchema.typeName,
    schemaVersion: 1,
    storeId: storage.layout.storeId,
    owner: owner.key,
    incarnation: writeId,
    version: 1n,
    writeId,
    timeMs: BigInt(now),
    transaction: [
      { key: owner.key, version: 1n },
      { key: name, version: 1n, target: { case: 'value', value: id } },
    ],
    names: [{ key: name, version: 1n }],
    state: OwnerState.LIVE,
  });
  const resource = toBinary(NamespaceSchema, create(NamespaceSchema, { id, catalogId, levels }));
  const bytes = toBinary(RootBlobSchema, create(RootBlobSchema, { envelope, resource }));
  const blobUri = rootUri(owner, bytes);
  await storage.blobs.put(blobUri, bytes, { message: RootBlobSchema.typeName });
  const common = { version: 1, writeId, incarnation: writeId, updatedAt: now } as const;
  return [
    { key: owner.key, kind: 'blob', blobUri, state: 'LIVE', ...common },
    { key: name, kind: 'value', value: id, ...common },
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, work] = process.argv.slice(2);
  if (folder === undefined) process.exitCode = (await benchRestore()) ? 0 : 1;
  else await runChild(folder, work as Work);
}
