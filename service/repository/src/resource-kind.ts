import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import {
  AccountSchema,
  CatalogSchema,
  NamespaceSchema,
  TableSchema,
  ViewSchema,
} from '@floecat/proto/resources';
import { ScanBundleSchema, SnapshotStatisticsSchema } from '@floecat/proto/snapshots';

import type { Collection } from './pointer-keys.ts';

/** How one kind of resource is stored. */
export interface ResourceKind<D extends DescMessage> {
  readonly collection: Collection;
  readonly schema: D;
  /** Grows when a stored message changes its meaning; a reader refuses a newer one. */
  readonly schemaVersion: number;
  /** URIs of the blobs, beside its root, that the resource names. */
  references(resource: MessageShape<D>): readonly string[];
}

function kind<D extends DescMessage>(
  collection: Collection,
  schema: D,
  references: (resource: MessageShape<D>) => readonly string[],
): ResourceKind<D> {
  return Object.freeze({ collection, schema, schemaVersion: 1, references });
}

const nothing = (): readonly string[] => [];

export const accountKind = kind('accounts', AccountSchema, nothing);
export const catalogKind = kind('catalogs', CatalogSchema, nothing);
export const namespaceKind = kind('namespaces', NamespaceSchema, nothing);
export const tableKind = kind('tables', TableSchema, (table) => table.metadata.map((part) => part.uri));
export const viewKind = kind('views', ViewSchema, (view) => view.metadata.map((part) => part.uri));
export const statisticsKind = kind('statistics', SnapshotStatisticsSchema, nothing);
export const scanBundleKind = kind('scan-bundles', ScanBundleSchema, (bundle) =>
  bundle.chunks.map((c) => c.uri),
);
