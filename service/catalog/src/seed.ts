import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Settings } from '@floecat/config';
import { dotted } from '@floecat/repository';
import type { CallOptions } from '@floecat/storage-spi';
import { StorageConflictError, systemClock } from '@floecat/storage-spi';

import type { CatalogService } from './catalog-service.ts';
import type { DemoTable } from './demo-lake/index.ts';
import { demoStories, readDemoLake, writeDemoLake } from './demo-lake/index.ts';

/** Where the demonstration lake lies, unless `floecat.seed.location` says otherwise. */
export function demoLakeFolder(settings: Pick<Settings, 'dataDir'>): string {
  return join(settings.dataDir, 'demo-lake');
}

/**
 * Registers a small demonstration lake while the default catalog has no namespace, or where an earlier attempt was
 * interrupted: the one at `floecat.seed.location`, or one that it writes into the data folder. Answers the names of the
 * tables that it registered.
 */
export async function seedDemoLake(
  service: CatalogService,
  settings: Pick<Settings, 'dataDir' | 'identity'>,
  options: CallOptions = {},
): Promise<readonly string[]> {
  const { seedLocation } = settings.identity;
  return seedLocation === undefined
    ? seedFromFolder(service, demoLakeFolder(settings), options)
    : seedFromLocation(service, seedLocation, options);
}

async function seedFromFolder(
  service: CatalogService,
  folder: string,
  options: CallOptions,
): Promise<readonly string[]> {
  const { repositories, defaultCatalog: catalog } = service;
  const unfinished = `${folder}.registering`;
  const existing = await repositories.namespaces.listChildren(catalog, [], { limit: 1, ...options });
  if (existing.items.length > 0 && !existsSync(unfinished)) return [];

  await mkdir(folder, { recursive: true });
  await writeFile(
    unfinished,
    'The demonstration lake is being registered; the next start goes on with it.\n',
  );
  const tables = await writeDemoLake({ folder, clock: systemClock, ...options });
  const registered = await registerAll(service, tables, options);
  await rm(unfinished, { force: true });
  return registered;
}

/** Nothing is kept on this machine, so what the catalog has tells whether an attempt was interrupted. */
async function seedFromLocation(
  service: CatalogService,
  location: string,
  options: CallOptions,
): Promise<readonly string[]> {
  if (!(await hasRoomForLake(service, options))) return [];
  return registerAll(service, await readDemoLake(service.upstream, location, options), options);
}

/** Whether the default catalog has no namespace but the lake's, and not all of the lake's tables. */
async function hasRoomForLake(service: CatalogService, options: CallOptions): Promise<boolean> {
  const { repositories, defaultCatalog: catalog } = service;
  const lakes = new Set(demoStories.map(({ namespace }) => namespace[0]));
  const limit = lakes.size + 1;
  const { items } = await repositories.namespaces.listChildren(catalog, [], { limit, ...options });
  if (items.some(([outermost]) => !lakes.has(outermost))) return false;
  for (const { namespace, name } of demoStories) {
    const parent = await repositories.namespaces.get(catalog, namespace, options);
    if (!parent || !(await repositories.tables.get(catalog, namespace, name, options))) return true;
  }
  return false;
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
