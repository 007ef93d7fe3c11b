import { file_floecat_v1_envelope as envelopeFile } from '@floecat/proto/envelope';
import {
  AccountSchema,
  CatalogSchema,
  file_floecat_v1_resources as resourcesFile,
  NamespaceSchema,
  TableSchema,
  ViewSchema,
} from '@floecat/proto/resources';
import {
  file_floecat_v1_snapshots as snapshotsFile,
  ScanBundleSchema,
  SnapshotStatisticsSchema,
} from '@floecat/proto/snapshots';

import { checkReferences } from './blob-references.ts';
import { dotted } from './names.ts';
import type { Collection } from './pointer-keys.ts';
import {
  accountOwner,
  catalogNameKey,
  catalogNamesPrefix,
  namespaceOfPathKey,
  namespacePathKey,
  namespacePathsPrefix,
  ownerById,
  relationNameKey,
  relationNamesPrefix,
  snapshotOwner,
  snapshotOwnerOfId,
  tableChildrenPrefix,
} from './pointer-keys.ts';
import type { ResourceKind } from './resource-kind.ts';
import { defineKind } from './resource-kind.ts';

const byId =
  (collection: 'catalogs' | 'namespaces' | 'tables' | 'views') =>
  (account: string, id: string): ReturnType<typeof ownerById> =>
    ownerById(account, collection, id);

export const tableKind = defineKind({
  collection: 'tables',
  schema: TableSchema,
  blobs: ['metadata.uri'],
  owner: byId('tables'),
  id: (table) => table.id,
  label: (table) => table.name,
  parent: (account, table) => ownerById(account, 'namespaces', table.namespaceId),
  names: (account, table) => [relationNameKey(account, table.namespaceId, 'tables', table.name)],
  rivals: (account, table) => [relationNameKey(account, table.namespaceId, 'views', table.name)],
  dependents: ({ account, id }) => tableChildrenPrefix(account, id),
});

export const viewKind = defineKind({
  collection: 'views',
  schema: ViewSchema,
  blobs: ['metadata.uri'],
  owner: byId('views'),
  id: (view) => view.id,
  label: (view) => view.name,
  parent: (account, view) => ownerById(account, 'namespaces', view.namespaceId),
  names: (account, view) => [relationNameKey(account, view.namespaceId, 'views', view.name)],
  rivals: (account, view) => [relationNameKey(account, view.namespaceId, 'tables', view.name)],
});

export const namespaceKind: ResourceKind<typeof NamespaceSchema> = defineKind({
  collection: 'namespaces',
  schema: NamespaceSchema,
  owner: byId('namespaces'),
  id: (namespace) => namespace.id,
  label: (namespace) => dotted(namespace.levels),
  parent: (account, { parentId, catalogId }) =>
    parentId === '' ? ownerById(account, 'catalogs', catalogId) : ownerById(account, 'namespaces', parentId),
  names: (account, { catalogId, levels }) => [namespacePathKey(account, catalogId, levels)],
  nameAbove: (account, { parentId, catalogId, levels }) =>
    parentId === '' ? undefined : namespacePathKey(account, catalogId, levels.slice(0, -1)),
  namesLieBelow: true,
  children: ({ account, id }, names) => [
    ...names.map((key) => {
      const { catalog, levels } = namespaceOfPathKey(key);
      return { kind: namespaceKind, prefix: namespacePathsPrefix(account, catalog, levels) };
    }),
    { kind: tableKind, prefix: relationNamesPrefix(account, id, 'tables') },
    { kind: viewKind, prefix: relationNamesPrefix(account, id, 'views') },
  ],
});

export const catalogKind = defineKind({
  collection: 'catalogs',
  schema: CatalogSchema,
  owner: byId('catalogs'),
  id: (catalog) => catalog.id,
  label: (catalog) => catalog.name,
  parent: (account) => accountOwner(account),
  names: (account, catalog) => [catalogNameKey(account, catalog.name)],
  children: ({ account, id }) => [{ kind: namespaceKind, prefix: namespacePathsPrefix(account, id, []) }],
});

export const accountKind = defineKind({
  collection: 'accounts',
  schema: AccountSchema,
  owner: (_account, id) => accountOwner(id),
  id: (account) => account.id,
  label: (account) => account.id,
  parent: () => undefined,
  children: ({ id }) => [{ kind: catalogKind, prefix: catalogNamesPrefix(id) }],
});

export const statisticsKind = defineKind({
  collection: 'statistics',
  schema: SnapshotStatisticsSchema,
  owner: (account, id) => snapshotOwnerOfId(account, id, 'statistics'),
  id: ({ tableId, snapshotId }) => snapshotOwner('', tableId, snapshotId, 'statistics').id,
  label: ({ snapshotId }) => String(snapshotId),
  parent: (account, { tableId }) => ownerById(account, 'tables', tableId),
});

export const scanBundleKind = defineKind({
  collection: 'scan-bundles',
  schema: ScanBundleSchema,
  blobs: ['chunks.uri'],
  owner: (account, id) => snapshotOwnerOfId(account, id, 'scan-bundle'),
  id: ({ tableId, snapshotId }) => snapshotOwner('', tableId, snapshotId, 'scan-bundle').id,
  label: ({ snapshotId }) => String(snapshotId),
  parent: (account, { tableId }) => ownerById(account, 'tables', tableId),
});

/** Every kind of resource, by its collection. */
export const KINDS: Readonly<Record<Collection, ResourceKind>> = Object.freeze({
  accounts: accountKind,
  catalogs: catalogKind,
  namespaces: namespaceKind,
  tables: tableKind,
  views: viewKind,
  statistics: statisticsKind,
  'scan-bundles': scanBundleKind,
});

// At the start, not in a test: a build that would lose blobs must not run.
checkReferences(Object.values(KINDS), [envelopeFile, resourcesFile, snapshotsFile]);
