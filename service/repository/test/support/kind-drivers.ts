import type { Loaded, MutationMeta } from '@floecat/repository';

import { METADATA, NEW_TABLE } from '../support.ts';
import type { LawWorld } from './law-world.ts';

/** How one kind of resource is driven, so that one suite holds every kind to the same laws. */
export interface KindDriver {
  readonly type: string;
  readonly create: (world: LawWorld, name: string) => Promise<Loaded>;
  readonly get: (world: LawWorld, name: string) => Promise<Loaded | undefined>;
  readonly getById: (world: LawWorld, id: string) => Promise<Loaded | undefined>;
  /** The names of those that were made by `create`, as they are listed with their resources. */
  readonly list: (world: LawWorld) => Promise<string[]>;
  readonly count: (world: LawWorld) => Promise<number>;
  /** Changes something that is no name. */
  readonly update: (world: LawWorld, target: string | Loaded) => Promise<Loaded>;
  readonly rename?: (world: LawWorld, target: Loaded, name: string) => Promise<Loaded>;
  readonly drop: (world: LawWorld, target: string | Loaded) => Promise<MutationMeta>;
}

const NEW_VIEW = {
  viewUuid: 'cc2317c6-1937-45fc-b29f-935ff34bcf22',
  location: 's3://lake/v',
  metadata: METADATA,
};

const account: KindDriver = {
  type: 'account',
  create: ({ repositories }, name) => repositories.accounts.ensure(name),
  get: ({ repositories }, name) => repositories.accounts.get(name),
  getById: ({ repositories }, id) => repositories.accounts.getById(id),
  list: async ({ repositories }) =>
    (await repositories.accounts.list()).items
      .map(({ resource }) => resource.id)
      .filter((id) => id !== 'acme'),
  count: async ({ repositories }) => (await repositories.accounts.count()) - 1,
  update: ({ repositories }, target) =>
    repositories.accounts.update(target, (each) => void (each.displayName += '!')),
  drop: ({ repositories }, target) => repositories.accounts.drop(target),
};

const catalog: KindDriver = {
  type: 'catalog',
  create: ({ repositories }, name) => repositories.catalogs.create(name),
  get: ({ repositories }, name) => repositories.catalogs.get(name),
  getById: ({ repositories }, id) => repositories.catalogs.getById(id),
  list: async ({ repositories }) =>
    (await repositories.catalogs.list()).items
      .map(({ resource }) => resource.name)
      .filter((name) => name !== 'lake'),
  count: async ({ repositories }) => (await repositories.catalogs.count()) - 1,
  update: ({ repositories }, target) =>
    repositories.catalogs.update(target, (each) => void (each.properties['n'] = 'x')),
  rename: ({ repositories }, target, name) => repositories.catalogs.rename(target, name),
  drop: ({ repositories }, target) => repositories.catalogs.drop(target),
};

const namespace: KindDriver = {
  type: 'namespace',
  create: ({ repositories }, name) => repositories.namespaces.create('lake', ['sales', name]),
  get: ({ repositories }, name) => repositories.namespaces.get('lake', ['sales', name]),
  getById: ({ repositories }, id) => repositories.namespaces.getById(id),
  list: async ({ repositories }) =>
    (await repositories.namespaces.list('lake', ['sales'])).items.map(
      ({ resource }) => resource.levels.at(-1) ?? '',
    ),
  count: ({ repositories }) => repositories.namespaces.count('lake', ['sales']),
  update: ({ repositories }, target) =>
    repositories.namespaces.update(target, (each) => void (each.properties['n'] = 'x')),
  rename: ({ repositories }, target, name) => repositories.namespaces.rename(target, ['sales', name]),
  drop: ({ repositories }, target) => repositories.namespaces.drop(target),
};

const table: KindDriver = {
  type: 'table',
  create: async ({ repositories }, name) => {
    const { tables, namespaces } = repositories;
    const sales = await namespaces.require('lake', ['sales']);
    return tables.publish(sales, await tables.stage(sales, name, NEW_TABLE));
  },
  get: ({ repositories }, name) => repositories.tables.get('lake', ['sales'], name),
  getById: ({ repositories }, id) => repositories.tables.getById(id),
  list: async ({ repositories }) =>
    (await repositories.tables.list('lake', ['sales'])).items.map(({ resource }) => resource.name),
  count: ({ repositories }) => repositories.tables.count('lake', ['sales']),
  update: ({ repositories }, target) =>
    repositories.tables.update(target, (each) => void (each.location += '/x')),
  rename: async ({ repositories }, target, name) =>
    repositories.tables.rename(target, await repositories.namespaces.require('lake', ['sales']), name),
  drop: ({ repositories }, target) => repositories.tables.drop(target),
};

const view: KindDriver = {
  type: 'view',
  create: async ({ repositories }, name) =>
    repositories.views.create(await repositories.namespaces.require('lake', ['sales']), name, NEW_VIEW),
  get: ({ repositories }, name) => repositories.views.get('lake', ['sales'], name),
  getById: ({ repositories }, id) => repositories.views.getById(id),
  list: async ({ repositories }) =>
    (await repositories.views.list('lake', ['sales'])).items.map(({ resource }) => resource.name),
  count: ({ repositories }) => repositories.views.count('lake', ['sales']),
  update: ({ repositories }, target) =>
    repositories.views.replaceMetadata(target, Buffer.from('{"view":2}'), { location: 's3://lake/v2' }),
  rename: async ({ repositories }, target, name) =>
    repositories.views.rename(target, await repositories.namespaces.require('lake', ['sales']), name),
  drop: ({ repositories }, target) => repositories.views.drop(target),
};

export const DRIVERS: readonly KindDriver[] = [account, catalog, namespace, table, view];
