import { AccountRepository } from './account-repository.ts';
import { CatalogRepository } from './catalog-repository.ts';
import { NamespaceRepository } from './namespace-repository.ts';
import type { RepositoryContext } from './repository-context.ts';
import { SnapshotRepository } from './snapshot-repository.ts';
import { TableRepository } from './table-repository.ts';

/** The repositories of one account over one storage. */
export interface Repositories {
  readonly context: RepositoryContext;
  readonly accounts: AccountRepository;
  readonly catalogs: CatalogRepository;
  readonly namespaces: NamespaceRepository;
  readonly tables: TableRepository;
  readonly snapshots: SnapshotRepository;
}

export function openRepositories(context: RepositoryContext): Repositories {
  const catalogs = new CatalogRepository(context);
  const namespaces = new NamespaceRepository(context, catalogs);
  return {
    context,
    accounts: new AccountRepository(context),
    catalogs,
    namespaces,
    tables: new TableRepository(context, namespaces),
    snapshots: new SnapshotRepository(context),
  };
}
