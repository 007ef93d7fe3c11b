import type { LoadedTable, Repositories } from '@floecat/repository';
import { fingerprintOf, ResourceNotFoundError, runOnce } from '@floecat/repository';
import type { CallOptions } from '@floecat/storage-spi';
import { InvalidArgumentError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { UpstreamReader } from './harvest/index.ts';
import type { RegisterRequest, RegisterResult } from './register.ts';
import { registerTable } from './register.ts';

export interface CatalogServiceConfig {
  readonly repositories: Repositories;
  /** Catalog that clients get who name no warehouse. */
  readonly defaultCatalog: string;
  readonly upstream: UpstreamReader;
  /** Snapshots harvested at a time. Default 8. */
  readonly registerConcurrency?: number;
  /** Ends what was opened for this service alone. Default: nothing. */
  readonly close?: () => Promise<void>;
}

export interface RegisteredOnce extends Omit<RegisterResult, 'problems'> {
  /** Absent where another call has registered it: the statistics of each snapshot tell them. */
  readonly problems: RegisterResult['problems'] | undefined;
  readonly replayed: boolean;
}

/** What the REST server and the CLI do, over the repositories of one account. */
export class CatalogService implements AsyncDisposable {
  readonly repositories: Repositories;
  readonly defaultCatalog: string;
  /** Reads upstream tables where they are. */
  readonly upstream: UpstreamReader;
  readonly #config: CatalogServiceConfig;

  constructor(config: CatalogServiceConfig) {
    if (!(config.registerConcurrency === undefined || config.registerConcurrency >= 1))
      throw new InvalidArgumentError('registerConcurrency must be 1 or more');
    this.#config = Object.freeze({ ...config });
    this.repositories = config.repositories;
    this.defaultCatalog = config.defaultCatalog;
    this.upstream = config.upstream;
  }

  /** Makes the account and the default catalog if they are missing. */
  async prepare(options?: CallOptions): Promise<void> {
    const { accounts, catalogs, context } = this.repositories;
    await accounts.ensure(context.account, options);
    await catalogs.ensure(this.defaultCatalog, options);
  }

  /** Reads an upstream table and stores it: {@link registerTable}. */
  register(request: RegisterRequest): Promise<RegisterResult> {
    const { registerConcurrency = 8 } = this.#config;
    return registerTable(this.repositories, this.upstream, { concurrency: registerConcurrency, ...request });
  }

  /**
   * As {@link register}, once for all calls with this idempotency key, `runOnce` says how. What a later call gets is
   * the table as it is then.
   */
  async registerOnce(key: string, request: RegisterRequest): Promise<RegisteredOnce> {
    const { catalog, namespace, name, location, signal } = request;
    const fingerprint = fingerprintOf('register', catalog, namespace, name, location);
    let problems: RegisterResult['problems'] | undefined;
    const once = await runOnce<RecordedTable>(
      this.repositories.context,
      { key, fingerprint },
      async (run) => {
        const registered = await this.register({
          ...request,
          signal: run.signal,
          also: (staged) => async () => [await run.completing(resultOf(staged))],
        });
        ({ problems } = registered);
        return resultOf(registered.table);
      },
      signal ? { signal } : {},
    );
    const { table, snapshots } = once.result;
    return { table: await this.registered(table, name), snapshots, problems, replayed: once.replayed };
  }

  /** A table that a request registered. Throws `ResourceNotFoundError` where it is gone again. */
  async registered(id: string, name: string): Promise<LoadedTable> {
    const table = await this.repositories.tables.getById(id);
    if (!table)
      throw new ResourceNotFoundError('table', name, 'it was registered by this request, and dropped since');
    return table;
  }

  /** Throws unless pointers and blobs answer. */
  async assertReady(options?: CallOptions): Promise<void> {
    const { accounts, context } = this.repositories;
    const account = await accounts.get(context.account, options);
    if (!account)
      throw new StorageMisconfiguredError(
        `account ${context.account} does not exist: start the service once`,
      );
    // The blob itself may have come from memory.
    await context.storage.blobs.head(account.meta.blobUri, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#config.close?.();
  }
}

// An interface would not count as JSON.
type RecordedTable = { readonly table: string; readonly snapshots: number };

function resultOf({ owner, resource }: LoadedTable): RecordedTable {
  return { table: owner.id, snapshots: Number(resource.snapshotCount) };
}
