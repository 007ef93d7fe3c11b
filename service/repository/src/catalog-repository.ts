import { create } from '@bufbuild/protobuf';
import { CatalogSchema } from '@floecat/proto/resources';
import type { CallOptions } from '@floecat/storage-spi';
import { lastSegment, StorageConflictError } from '@floecat/storage-spi';

import { changeOf, commit } from './commit.ts';
import { ResourceConflictError, ResourceNotFoundError } from './errors.ts';
import { load, loadByName, resolveName } from './load.ts';
import { checkName } from './names.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';
import { accountOwner, catalogNameKey, catalogNamesPrefix, ownerById } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import { accountKind, catalogKind } from './resource-kind.ts';
import type { Loaded } from './root-blob.ts';

export type LoadedCatalog = Loaded<typeof CatalogSchema>;

/** The catalogs of one account. A catalog is an Iceberg warehouse, its name the prefix of its REST paths. */
export class CatalogRepository {
  readonly #context: RepositoryContext;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  /** Throws `StorageConflictError` if the name is taken, `ResourceNotFoundError` if the account is missing. */
  async create(
    name: string,
    options: CallOptions & { readonly properties?: Readonly<Record<string, string>> } = {},
  ): Promise<LoadedCatalog> {
    checkName('catalog', name);
    const { account, clock, random } = this.#context;
    const parent = await load(this.#context, accountKind, accountOwner(account), options);
    if (!parent) throw new ResourceNotFoundError('account', account);
    const id = random.uuid();
    const owner = ownerById(account, 'catalogs', id);
    const nameKey = catalogNameKey(account, name);
    const resource = create(CatalogSchema, {
      id,
      name,
      properties: { ...options.properties },
      createdAtMs: BigInt(clock.now()),
    });
    const change = changeOf(catalogKind, {
      owner,
      resource,
      state: 'LIVE',
      names: [{ action: 'create', key: nameKey }],
    });
    const { key, incarnation } = parent.pointer;
    const result = await commit(this.#context, [change], {
      ...options,
      checks: [{ op: 'check-owner', key, incarnation, states: ['LIVE'] }],
    });
    if (!result.applied) {
      const holder = result.conflicts.find((conflict) => conflict.key === nameKey);
      if (!holder) throw new ResourceConflictError(`account ${account} was dropped meanwhile`);
      throw new StorageConflictError(`catalog ${name} exists already`, {
        operation: 'create catalog',
        key: nameKey,
      });
    }
    return result.loaded[0];
  }

  /** The catalog of this name, made if it is missing. Many processes may ask at once. */
  async ensure(name: string, options: CallOptions = {}): Promise<LoadedCatalog> {
    const existing = await this.get(name, options);
    if (existing) return existing;
    try {
      return await this.create(name, options);
    } catch (error) {
      if (!(error instanceof StorageConflictError)) throw error;
      return this.require(name, options);
    }
  }

  get(name: string, options?: CallOptions): Promise<LoadedCatalog | undefined> {
    const { account } = this.#context;
    const nameKey = catalogNameKey(account, name);
    return loadByName(
      this.#context,
      catalogKind,
      nameKey,
      (id) => ownerById(account, 'catalogs', id),
      options,
    );
  }

  async require(name: string, options?: CallOptions): Promise<LoadedCatalog> {
    const catalog = await this.get(name, options);
    if (!catalog) throw new ResourceNotFoundError('catalog', name);
    return catalog;
  }

  /** The catalog's id by one pointer read, for keys that hold it. */
  async requireId(name: string, options?: CallOptions): Promise<string> {
    const id = await resolveName(this.#context, catalogNameKey(this.#context.account, name), options);
    if (id === undefined) throw new ResourceNotFoundError('catalog', name);
    return id;
  }

  async listNames(request: PageRequest = {}): Promise<Page<string>> {
    const prefix = catalogNamesPrefix(this.#context.account);
    const page = await this.#context.storage.pointers.listPointersByPrefix(prefix, request);
    return pageOf(
      page.pointers.map((pointer) => lastSegment(pointer.key)),
      page,
    );
  }
}
