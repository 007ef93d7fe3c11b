import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import type { LoadedTable, Repositories } from '@floecat/repository';
import {
  catalogNameKey,
  namespacePathKey,
  openRepositories,
  ownerById,
  repositoryContext,
} from '@floecat/repository';
import type { Pointer, Storage } from '@floecat/storage-spi';
import { mapBounded } from '@floecat/storage-spi';

import { startAwsBackend } from '../service/repository/test/support/aws-backend.ts';
import type { Side } from './measure.ts';
import { compare } from './measure.ts';
import { openOurs } from './pointers-fixture.ts';
import { print, report } from './report.ts';
import { inScratchFolder } from './scratch.ts';

const ACCOUNT = 'bench';
const METADATA = randomBytes(2_000);

/** How much is done on one backend. */
interface Dose {
  readonly tables: number;
  /** How often each side does its part in one round. */
  readonly times: number;
  readonly rounds: number;
  readonly inFlight: number;
  /** Pages of a listing at once. */
  readonly pages: number;
}

/**
 * Commits, loads and pages of a listing a second, through the repositories, beside the same calls of the stores by hand:
 * what no repository can do without. It says what envelopes, names, checks and retries cost.
 */
export async function benchRepository(): Promise<boolean> {
  print('Repositories, beside the bare calls of the stores:');
  return inScratchFolder(async (folder) => {
    await using storage = await openOurs(folder);
    return await benchOn('local', storage, { tables: 64, times: 4, rounds: 9, inFlight: 64, pages: 16 });
  });
}

/** As {@link benchRepository}, on DynamoDB Local and an S3 endpoint, where they can run; for information. */
export async function benchRepositoryOnEmulators(): Promise<void> {
  const backend = await startAwsBackend();
  if ('skip' in backend) {
    print(`Repositories on DynamoDB Local and an S3 endpoint: not measured, ${backend.skip}`);
    return;
  }
  try {
    await using fixture = await backend.open();
    await benchOn('emulators', fixture.storage, { tables: 32, times: 1, rounds: 3, inFlight: 8, pages: 1 });
  } finally {
    await backend[Symbol.asyncDispose]();
  }
}

async function benchOn(where: string, storage: Storage, dose: Dose): Promise<boolean> {
  // Without memory for blobs: a load is to read its blob.
  const repositories = openRepositories(repositoryContext(storage, ACCOUNT, { cache: { blobBytes: 0 } }));
  const tables = await fill(repositories, dose);
  const line = async (what: string, baseline: Side, ours: Side, target?: number): Promise<boolean> => {
    const result = await compare(baseline, ours, dose.rounds);
    const more = where === 'local' && target !== undefined && { target };
    return report({ what: `${where}, ${what}`, baseline: 'bare calls', result, ...more });
  };
  return [
    await line('commits', commitsByHand(storage, dose), commits(repositories, tables, dose), 0.5),
    await line('loads by name', loadsByHand(storage, tables, dose), loads(repositories, tables, dose), 0.4),
    await line(
      `pages of ${dose.tables} tables`,
      pagesByHand(storage, tables, dose),
      pages(repositories, dose),
      0.4,
    ),
  ].every(Boolean);
}

async function fill(
  { accounts, catalogs, namespaces, tables }: Repositories,
  { tables: count, inFlight }: Dose,
): Promise<LoadedTable[]> {
  await accounts.ensure(ACCOUNT);
  await catalogs.create('lake');
  const sales = await namespaces.create('lake', ['sales']);
  return mapBounded(
    Array.from({ length: count }, (_, i) => nameOf(i)),
    inFlight,
    async (name) => {
      const staged = await tables.stage(sales, name, {
        tableUuid: randomUUID(),
        location: `s3://lake/${name}`,
        metadataLocation: `s3://lake/${name}/metadata/1.metadata.json`,
        formatVersion: 2,
        snapshotCount: 0n,
        lastUpdatedMs: BigInt(Date.now()),
        metadata: METADATA,
      });
      return tables.publish(sales, staged);
    },
  );
}

function nameOf(i: number): string {
  return `orders-${String(i).padStart(4, '0')}`;
}

/** One update of each table as it was loaded: a root blob and a conditional write. */
function commits({ tables }: Repositories, loaded: LoadedTable[], dose: Dose): Side {
  return eachOf(dose, async (i) => {
    loaded[i] = await tables.update(loaded[i] as LoadedTable, (table) => void (table.lastUpdatedMs += 1n));
  });
}

function commitsByHand({ pointers, blobs }: Storage, dose: Dose): Side {
  const rows: (Pointer | undefined)[] = [];
  const ids = Array.from({ length: dose.tables }, () => randomUUID());
  return eachOf(dose, async (i) => {
    const { key, blobPrefix } = ownerById(ACCOUNT, 'tables', ids[i] ?? '');
    const bytes = randomBytes(900);
    const blobUri = `${blobPrefix}${createHash('sha256').update(bytes).digest('hex')}.pb`;
    await blobs.put(blobUri, bytes, { message: 'floecat.v1.RootBlob' });
    const result = await pointers.compareAndSet(key, rows[i] ?? 0, { kind: 'blob', blobUri, state: 'LIVE' });
    if (!result.applied) throw new Error(`${key} was changed by somebody else`);
    rows[i] = result.pointer;
  });
}

/** Each table by its name, which was resolved before. */
function loads({ tables }: Repositories, loaded: readonly LoadedTable[], dose: Dose): Side {
  return eachOf(dose, async (i) => {
    const found = await tables.require('lake', ['sales'], nameOf(i));
    if (found.owner.id !== loaded[i]?.owner.id) throw new Error(`another table is called ${nameOf(i)}`);
  });
}

/** The names on the way and the canonical row in one request, then the blob. */
function loadsByHand({ pointers, blobs }: Storage, loaded: readonly LoadedTable[], dose: Dose): Side {
  return eachOf(dose, async (i) => {
    const { owner, resource } = loaded[i] as LoadedTable;
    const names = [catalogNameKey(ACCOUNT, 'lake'), namespacePathKey(ACCOUNT, resource.catalogId, ['sales'])];
    const rows = await pointers.getBatch([...names, owner.key]);
    const row = rows.at(-1);
    await blobs.get(row?.kind === 'blob' ? row.blobUri : '');
  });
}

/** All tables of the namespace in one page. */
function pages({ tables }: Repositories, dose: Dose): Side {
  return eachOf({ ...dose, tables: dose.pages, inFlight: dose.pages }, async () => {
    const { items } = await tables.list('lake', ['sales']);
    if (items.length !== dose.tables) throw new Error(`a page of ${items.length}`);
  });
}

function pagesByHand({ pointers, blobs }: Storage, loaded: readonly LoadedTable[], dose: Dose): Side {
  const [name] = loaded[0]?.envelope.names ?? [];
  const prefix = name?.key.slice(0, name.key.lastIndexOf('/') + 1) ?? '';
  return eachOf({ ...dose, tables: dose.pages, inFlight: dose.pages }, async () => {
    const page = await pointers.listPointersByPrefix(prefix);
    const keys = page.pointers.map(
      (row) => ownerById(ACCOUNT, 'tables', row.kind === 'value' ? row.value : '').key,
    );
    const rows = await pointers.getBatch(keys);
    await blobs.getBatch(rows.flatMap((row) => (row?.kind === 'blob' ? [row.blobUri] : [])));
  });
}

/** Runs `one` for every number, some at a time, as often as the dose says. */
function eachOf({ tables, times, inFlight }: Dose, one: (number: number) => Promise<void>): Side {
  const numbers = Array.from({ length: tables }, (_, i) => i);
  return async () => {
    for (let time = 0; time < times; time++) await mapBounded(numbers, inFlight, one);
    return tables * times;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = (await benchRepository()) ? 0 : 1;
  await benchRepositoryOnEmulators();
}
