import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { buildCatalogServer, CatalogService, LocalFolderReader, UpstreamLocations } from '@floecat/catalog';
import { openRepositories, repositoryContext } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';

import { openTestStorage } from '../../../../tools/localstack/test-storage.ts';

/** The real tables that lie beside the checkout; tests that need them are skipped, saying so, where they are absent. */
export const LAKE = join(import.meta.dirname, '../../../../../shared/data/lake');
export const LAKE_MISSING = existsSync(LAKE) ? false : `the real Iceberg tables are not at ${LAKE}`;

export const LAKE_LOCATIONS = [
  { prefix: 's3://yb-iceberg-tpcds', folder: join(LAKE, 'yb-iceberg-tpcds') },
  { prefix: 's3://floecat', folder: join(LAKE, 'floecat') },
  { prefix: 'lineitem_iceberg', folder: join(LAKE, 'lineitem_iceberg') },
  { prefix: 'data/persistent', folder: join(LAKE, 'data/persistent') },
];

export interface RealTable {
  readonly name: string;
  readonly location: string;
  /** Newest metadata file, below the lake. */
  readonly metadata: string;
  readonly snapshots: number;
  /** Snapshots whose manifest list is missing. */
  readonly missing: readonly string[];
}

export const REAL_TABLES: readonly RealTable[] = [
  {
    name: 'trino_test',
    location: 's3://yb-iceberg-tpcds/trino_test',
    metadata: 'yb-iceberg-tpcds/trino_test/metadata/00002-503f4508-3824-4cb6-bdf1-4bd6bf5a0ade.metadata.json',
    snapshots: 3,
    missing: ['909135298008832391'],
  },
  {
    name: 'trino_types',
    location: 's3://floecat/sales/us/trino_types',
    metadata:
      'floecat/sales/us/trino_types/metadata/00001-d751d7ce-209e-443e-9937-c25e2a08fc29.metadata.json',
    snapshots: 2,
    missing: [],
  },
  {
    name: 'lineitem',
    location: './lineitem_iceberg',
    metadata: 'lineitem_iceberg/metadata/v2.metadata.json',
    snapshots: 2,
    missing: [],
  },
  {
    name: 'hive_partitioned',
    location: 'data/persistent/hive_partitioned_table',
    metadata: 'data/persistent/hive_partitioned_table/metadata/v4.metadata.json',
    snapshots: 2,
    missing: [],
  },
  {
    name: 'mytable',
    location: 'data/persistent/equality_deletes/warehouse/mydb/mytable',
    metadata: 'data/persistent/equality_deletes/warehouse/mydb/mytable/metadata/v7.metadata.json',
    snapshots: 6,
    missing: ['7342794868382145167'],
  },
];

export interface RestWorld extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly service: CatalogService;
  readonly storage: Storage;
}

/** A catalog `default` on a fresh store, reading the real tables, with a namespace `tpch`. */
export async function openRestWorld(
  locations: readonly { readonly prefix: string; readonly folder: string }[] = LAKE_LOCATIONS,
): Promise<RestWorld> {
  const storage = await openTestStorage();
  const service = new CatalogService({
    repositories: openRepositories(repositoryContext(storage, 'default')),
    defaultCatalog: 'default',
    upstream: new LocalFolderReader(new UpstreamLocations(locations)),
  });
  await service.prepare();
  await service.repositories.namespaces.create('default', ['tpch']);
  const app = buildCatalogServer(service);
  await app.ready();
  return {
    app,
    service,
    storage,
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await storage.close();
    },
  };
}

export async function registerOverRest(
  world: RestWorld,
  name: string,
  location: string,
): Promise<LightMyRequestResponse> {
  return world.app.inject({
    method: 'POST',
    url: '/v1/default/namespaces/tpch/register',
    payload: { name, 'metadata-location': location },
  });
}
