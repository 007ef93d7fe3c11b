import { AccountRepository } from './account-repository.ts';
import { CatalogRepository } from './catalog-repository.ts';
import { NamespaceRepository } from './namespace-repository.ts';
import type { RepositoryContext } from './repository-context.ts';
import { SnapshotRepository } from './snapshot-repository.ts';
import { TableRepository } from './table-repository.ts';
import { ViewRepository } from './view-repository.ts';

/** The repositories of one account over one storage. */
export interface Repositories {
  readonly context: RepositoryContext;
  readonly accounts: AccountRepository;
  readonly catalogs: CatalogRepository;
  readonly namespaces: NamespaceRepository;
  readonly tables: TableRepository;
  readonly views: ViewRepository;
  readonly snapshots: SnapshotRepository;
}

export function openRepositories(context: RepositoryContext): Repositories {
  return {
    context,
    accounts: new AccountRepository(context),
    catalogs: new CatalogRepository(context),
    namespaces: new NamespaceRepository(context),
    tables: new TableRepository(context),
    views: new ViewRepository(context),
    snapshots: new SnapshotRepository(context),
  };
}
