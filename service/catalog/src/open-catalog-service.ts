import type { ObjectSource, OpenUpstreamOptions, Settings } from '@floecat/config';
import { openUpstream, retryBudget } from '@floecat/config';
import { openRepositories, repositoryContext } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';

import { CatalogService } from './catalog-service.ts';
import { LocatedReader } from './harvest/index.ts';
import { demoLakeFolder } from './seed.ts';

/**
 * The service that these settings describe, over stores that are open already and stay open. What it opens for upstream
 * tables is closed with it. Throws `STORAGE_MISCONFIGURED` for upstream settings that cannot work.
 */
export async function openCatalogService(
  storage: Storage,
  settings: Settings,
  options: OpenUpstreamOptions = {},
): Promise<CatalogService> {
  const source = await openUpstream(settings, storage.secrets, options);
  try {
    return new CatalogService({
      repositories: openRepositories(
        repositoryContext(storage, settings.identity.account, {
          cache: settings.cache,
          retry: settings.retry,
          budget: retryBudget(settings.aws.retryBudget),
          idempotency: settings.idempotency,
        }),
      ),
      defaultCatalog: settings.identity.catalog,
      upstream: upstreamReader(settings, source),
      registerConcurrency: settings.upstream.registerConcurrency,
      close: async () => source?.[Symbol.asyncDispose](),
    });
  } catch (error) {
    await source?.[Symbol.asyncDispose]();
    throw error;
  }
}

function upstreamReader(settings: Settings, source: ObjectSource | undefined): LocatedReader {
  const { locations, s3 } = settings.upstream;
  const lake = demoLakeFolder(settings);
  return new LocatedReader({
    mappings: [...locations, { prefix: `file://${lake}`, folder: lake }],
    s3Locations: s3.locations,
    ...(source && { source }),
  });
}
