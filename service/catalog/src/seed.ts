import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Settings } from '@floecat/config';
import { dotted } from '@floecat/repository';
import type { CallOptions } from '@floecat/storage-spi';
import { StorageConflictError, systemClock } from '@floecat/storage-spi';

import type { CatalogService } from './catalog-service.ts';
import { writeDemoLake } from './demo-lake/index.ts';

/** Where the demonstration lake lies. */
export function demoLakeFolder(settings: Settings): string {
  return join(settings.dataDir, 'demo-lake');
}

/**
 * Registers a small demonstration lake while the default catalog has no namespace, or where an earlier attempt
 * was interrupted. Answers the names of the tables that it registered.
 */
export async function seedDemoLake(
  service: CatalogService,
  folder: string,
  options: CallOptions = {},
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
  const registered: string[] = [];
  for (const { namespace, name, metadataLocation } of await writeDemoLake({
    folder,
    clock: systemClock,
    ...options,
  })) {
    for (let depth = 1; depth <= namespace.length; depth++)
      await unlessTaken(repositories.namespaces.create(catalog, namespace.slice(0, depth), options));
    await unlessTaken(service.register({ catalog, namespace, name, location: metadataLocation, ...options }));
    registered.push(dotted([...namespace, name]));
  }
  await rm(unfinished, { force: true });
  return registered;
}

async function unlessTaken(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof StorageConflictError)) throw error;
  }
}
