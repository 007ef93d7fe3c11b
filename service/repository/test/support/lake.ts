import { create } from '@bufbuild/protobuf';
import { ScanBundleSchema, SnapshotStatisticsSchema } from '@floecat/proto/snapshots';
import type { LoadedTable } from '@floecat/repository';

import { METADATA, NEW_TABLE } from '../support.ts';
import type { LawWorld } from './law-world.ts';

/** Publishes a table in a namespace of `lake`. */
export async function publishTable(
  { repositories }: Pick<LawWorld, 'repositories'>,
  levels: readonly string[],
  name: string,
): Promise<LoadedTable> {
  const { tables, namespaces } = repositories;
  const namespace = await namespaces.require('lake', levels);
  return tables.publish(namespace, await tables.stage(namespace, name, NEW_TABLE));
}

/** Gives a table one snapshot: two rows that hang on it. */
export async function addSnapshot(world: LawWorld, table: LoadedTable, snapshotId: bigint): Promise<void> {
  const { repo, repositories } = world;
  const tableId = table.owner.id;
  await repositories.snapshots.createAll(table, [
    {
      snapshotId,
      statistics: create(SnapshotStatisticsSchema, { tableId, snapshotId }),
      bundle: create(ScanBundleSchema, { tableId, snapshotId }),
      writer: new repo.BlobWriter(repositories.context),
    },
  ]);
}

/**
 * Fills `lake`: `sales` with two tables, one of them with snapshots, and a view; `sales.eu` with a table, `sales.eu.de`
 * empty; `hr` beside it with a table.
 */
export async function fillLake(world: LawWorld): Promise<void> {
  const { namespaces, views } = world.repositories;
  const orders = await publishTable(world, ['sales'], 'orders');
  await addSnapshot(world, orders, 1n);
  await addSnapshot(world, orders, 2n);
  await publishTable(world, ['sales'], 'lines');
  const sales = await namespaces.require('lake', ['sales']);
  await views.create(sales, 'recent', { viewUuid: 'v', location: 's3://lake/v', metadata: METADATA });
  await namespaces.create('lake', ['sales', 'eu']);
  await namespaces.create('lake', ['sales', 'eu', 'de']);
  await publishTable(world, ['sales', 'eu'], 'orders');
  await namespaces.create('lake', ['hr']);
  await publishTable(world, ['hr'], 'people');
}

/** What a reader sees of `lake`: its namespaces and what is in them. */
export async function lakeContent({ repositories }: Pick<LawWorld, 'repositories'>): Promise<string[]> {
  const { namespaces, tables, views } = repositories;
  const seen: string[] = [];
  const walk = async (parent: readonly string[]): Promise<void> => {
    for (const { resource } of (await namespaces.list('lake', parent)).items) {
      const { levels } = resource;
      seen.push(`${levels.join('.')}/`);
      for (const table of (await tables.list('lake', levels)).items)
        seen.push(`${levels.join('.')}/${table.resource.name}`);
      for (const view of (await views.list('lake', levels)).items)
        seen.push(`${levels.join('.')}/view ${view.resource.name}`);
      await walk(levels);
    }
  };
  await walk([]);
  return seen.toSorted();
}
