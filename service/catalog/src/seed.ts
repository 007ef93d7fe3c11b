import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { Settings } from '@floecat/config';
import { dotted, seedKey } from '@floecat/repository';
import type { CallOptions, Pointer } from '@floecat/storage-spi';
import { StorageConflictError, systemClock } from '@floecat/storage-spi';

import type { CatalogService } from './catalog-service.ts';
import type { DemoTable } from './demo-lake/index.ts';
import { readDemoLake, writeDemoLake } from './demo-lake/index.ts';

/** Where the demonstration lake lies, unless `floecat.seed.location` says otherwise. */
export function demoLakeFolder(settings: Pick<Settings, 'dataDir'>): string {
  return join(settings.dataDir, 'demo-lake');
}

/**
 * Registers a small demonstration lake in a default catalog that has no namespace yet: the one at
 * `floecat.seed.location`, or one that it writes into the data folder. A system row remembers that it was begun, so that
 * the next start goes on where this one is cut short, and that it was done, so that what is dropped later stays dropped.
 * Answers the names of the tables that it registered.
 */
export async function seedDemoLake(
  service: CatalogService,
  settings: Pick<Settings, 'dataDir' | 'identity'>,
  options: CallOptions = {},
): Promise<readonly string[]> {
  const { repositories, defaultCatalog: catalog } = service;
  const { storage, account } = repositories.context;
  const key = seedKey(account, catalog);
  const row = await storage.system.get(key, options);
  if (row && stateOf(row) === DONE) return [];
  if (!row) {
    const existing = await repositories.namespaces.listChildren(catalog, [], { limit: 1, ...options });
    const state = existing.items.length > 0 ? DONE : BEGUN;
    const begun = await storage.system.compareAndSet(key, 0, { kind: 'value', value: state }, options);
    // Another process that starts at this moment does the same; names that are taken are left as they are.
    if (state === DONE || (!begun.applied && begun.current && stateOf(begun.current) === DONE)) return [];
  }
  const { seedLocation } = settings.identity;
  const registered = await registerAll(
    service,
    seedLocation === undefined
      ? await writeInto(demoLakeFolder(settings), options)
      : await readDemoLake(service.upstream, seedLocation, options),
    options,
  );
  const now = await storage.system.get(key, options);
  if (now) await storage.system.compareAndSet(key, now, { kind: 'value', value: DONE }, options);
  return registered;
}

const BEGUN = 'begun';
const DONE = 'done';

function stateOf(row: Pointer): string | undefined {
  return row.kind === 'value' ? row.value : undefined;
}

async function writeInto(folder: string, options: CallOptions): Promise<readonly DemoTable[]> {
  await mkdir(folder, { recursive: true });
  return writeDemoLake({ folder, clock: systemClock, ...options });
}

/** Registers the tables; one whose name is taken is left as it is. */
async function registerAll(
  service: CatalogService,
  tables: readonly DemoTable[],
  options: CallOptions,
): Promise<readonly string[]> {
  const { repositories, defaultCatalog: catalog } = service;
  const registered: string[] = [];
  for (const { namespace, name, metadataLocation } of tables) {
    for (let depth = 1; depth <= namespace.length; depth++)
      await unlessTaken(repositories.namespaces.create(catalog, namespace.slice(0, depth), options));
    const request = { catalog, namespace, name, location: metadataLocation, ...options };
    if (await unlessTaken(service.register(request))) registered.push(dotted([...namespace, name]));
  }
  return registered;
}

/** Whether `work` went through; false where the name was taken. */
async function unlessTaken(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (!(error instanceof StorageConflictError)) throw error;
    return false;
  }
}
