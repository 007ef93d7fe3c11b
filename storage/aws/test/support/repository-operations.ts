import { randomUUID } from 'node:crypto';

import type { LoadedTable, LoadedView, Repositories } from '@floecat/repository';
import { openRepositories, relationNamesPrefix, repositoryContext } from '@floecat/repository';
import type { Pointer, Storage } from '@floecat/storage-spi';

import type { MeasuredOperation } from './measured-operation.ts';

const ACCOUNT = 'acme';
const PAGE = 1_000;
const METADATA = Buffer.from(JSON.stringify({ 'format-version': 2, padding: 'x'.repeat(4_000) }));
const NEW_TABLE = {
  tableUuid: randomUUID(),
  location: 's3://lake/orders',
  metadataLocation: 's3://lake/orders/metadata/v2.metadata.json',
  formatVersion: 2,
  snapshotCount: 0n,
  lastUpdatedMs: 1_700_000_000_000n,
  metadata: METADATA,
};

/**
 * What the repositories ask of AWS for resources. What they read to check it before they write is among it. A newcomer
 * has nothing in its caches.
 */
export async function repositoryOperations(storage: Storage): Promise<readonly MeasuredOperation[]> {
  const newcomer = (): Repositories => openRepositories(repositoryContext(storage, ACCOUNT));
  const { accounts, catalogs, namespaces, tables, views } = newcomer();
  await accounts.ensure(ACCOUNT);
  await catalogs.create('lake');
  const sales = await namespaces.create('lake', ['sales']);
  let names = 0;
  const fresh = (): string => `relation-${names++}`;
  const newView = (): Promise<LoadedView> =>
    views.create(sales, fresh(), { viewUuid: randomUUID(), metadata: METADATA });
  const newTable = async (): Promise<LoadedTable> =>
    tables.publish(sales, await tables.stage(sales, fresh(), NEW_TABLE));

  return [
    {
      name: 'load a table by id',
      requests: { GetItem: 1, GetObject: 1 },
      read: 1,
      prepare: async () => {
        const { owner } = await newTable();
        return () => newcomer().tables.requireById(owner.id);
      },
    },
    {
      name: 'load a table by the names of catalog, namespace and table',
      requests: { GetItem: 4, GetObject: 1 },
      read: 4,
      prepare: async () => {
        const { resource } = await newTable();
        return () => newcomer().tables.require('lake', ['sales'], resource.name);
      },
    },
    {
      name: 'the same again, names and root in the caches',
      requests: { BatchGetItem: 1 },
      read: 3,
      prepare: async () => {
        const { resource } = await newTable();
        const load = (): Promise<LoadedTable> => tables.require('lake', ['sales'], resource.name);
        await load();
        return load;
      },
    },
    {
      name: "replace a table's metadata, of one blob, in the state that was loaded",
      requests: { PutItem: 1, PutObject: 2 },
      write: 1,
      prepare: async () => {
        const table = await newTable();
        const metadata = Buffer.concat([METADATA, Buffer.from(' ')]);
        return () => tables.replaceMetadata(table, metadata);
      },
    },
    {
      name: 'create a view, of one blob beside its root',
      requests: { BatchGetItem: 1, PutObject: 2, TransactWriteItems: 1 },
      read: 1,
      write: 8,
      prepare: async () => newView,
    },
    {
      name: 'rename a view',
      requests: { BatchGetItem: 2, PutObject: 1, TransactWriteItems: 1 },
      read: 2,
      write: 10,
      prepare: async () => {
        const view = await newView();
        return () => views.rename(view, sales, fresh());
      },
    },
    {
      name: 'drop a view',
      requests: { BatchGetItem: 1, PutObject: 1, TransactWriteItems: 1 },
      read: 1,
      write: 4,
      prepare: async () => {
        const view = await newView();
        return () => views.drop(view);
      },
    },
    {
      name: 'create a namespace',
      requests: { BatchGetItem: 1, GetItem: 1, PutObject: 1, TransactWriteItems: 1 },
      read: 2,
      write: 6,
      prepare: async () => () => namespaces.create('lake', [fresh()]),
    },
    {
      name: 'stage a table, of one blob beside its root',
      requests: { PutObject: 2, TransactWriteItems: 1 },
      write: 4,
      prepare: async () => () => tables.stage(sales, fresh(), NEW_TABLE),
    },
    {
      name: 'publish a staged table',
      requests: { PutObject: 1, TransactWriteItems: 1 },
      write: 8,
      prepare: async () => {
        const staged = await tables.stage(sales, fresh(), NEW_TABLE);
        return () => tables.publish(sales, staged);
      },
    },
    {
      name: 'a page of 1,000 names of tables',
      requests: { GetItem: 2, Query: 1 },
      read: 70,
      prepare: async () => {
        const full = await namespaces.create('lake', ['full']);
        const prefix = relationNamesPrefix(ACCOUNT, full.owner.id, 'tables');
        const rows = Array.from({ length: PAGE }, (_, i) =>
          rowOf(`${prefix}table-${String(i).padStart(6, '0')}`),
        );
        await storage.pointers.importPointers(rows, 'if-absent');
        return () => newcomer().tables.listNames('lake', ['full']);
      },
    },
  ];
}

/** Of a size that is always the same. */
function rowOf(key: string): Pointer {
  const writeId = randomUUID();
  const updatedAt = 1_700_000_000_001;
  return { key, kind: 'value', value: randomUUID(), version: 1, writeId, incarnation: writeId, updatedAt };
}
