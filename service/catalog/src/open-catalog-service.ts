import type { Settings } from '@floecat/config';
import { openRepositories, repositoryContext } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';

import { CatalogService } from './catalog-service.ts';
import { LocalFolderReader, UpstreamLocations } from './harvest/index.ts';
import { demoLakeFolder } from './seed.ts';

/** The service that these settings describe, over stores that are open already. It holds nothing of its own. */
export function openCatalogService(storage: Storage, settings: Settings): CatalogService {
  const lake = demoLakeFolder(settings);
  const mappings = [...settings.upstream.locations, { prefix: `file://${lake}`, folder: lake }];
  return new CatalogService({
    repositories: openRepositories(repositoryContext(storage, settings.identity.account)),
    defaultCatalog: settings.identity.catalog,
    upstream: new LocalFolderReader(new UpstreamLocations(mappings)),
    registerConcurrency: settings.upstream.registerConcurrency,
  });
}
