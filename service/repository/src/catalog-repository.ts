import { create } from '@bufbuild/protobuf';
import { CatalogSchema } from '@floecat/proto/resources';
import type { CallOptions, ReadOptions } from '@floecat/storage-spi';
import { lastSegment, StorageConflictError } from '@floecat/storage-spi';

import type { ChangeOptions } from './commit.ts';
import { ResourceNotFoundError } from './errors.ts';
import { catalogKind } from './kinds.ts';
import { requirePath } from './name-path.ts';
import { catalogSteps } from './name-steps.ts';
import { checkName } from './names.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';
import { catalogNamesPrefix } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { Target, UpdateOptions } from './resource-repository.ts';
import { ResourceRepository } from './resource-repository.ts';
import type { Loaded } from './root-blob.ts';

export type LoadedCatalog = Loaded<typeof CatalogSchema>;

/** The catalogs of one account. A catalog is an Iceberg warehouse, its name the prefix of its REST paths. */
export class CatalogRepository extends ResourceRepository<typeof CatalogSchema> {
  constructor(context: RepositoryContext) {
    super(context, catalogKind);
  }

  /** Throws `StorageConflictError` if the name is taken, `ResourceNotFoundError` if the account is missing. */
  async create(
    name: string,
    options: ChangeOptions & { readonly properties?: Readonly<Record<string, string>> } = {},
  ): Promise<LoadedCatalog> {
    checkName('catalog', name);
    const { properties, ...call } = options;
    const { clock, random } = this.context;
    const resource = create(CatalogSchema, {
      id: random.uuid(),
      name,
      properties: { ...properties },
      createdAtMs: BigInt(clock.now()),
    });
    return this.insert(resource, call);
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

  get(name: string, options?: ReadOptions): Promise<LoadedCatalog | undefined> {
    return this.atPath(catalogSteps(this.context.account, name), options);
  }

  async require(name: string, options?: ReadOptions): Promise<LoadedCatalog> {
    const catalog = await this.get(name, options);
    if (!catalog) throw new ResourceNotFoundError('catalog', name);
    return catalog;
  }

  /** The catalog's id by one pointer read, for keys that hold it. */
  async requireId(name: string, options?: ReadOptions): Promise<string> {
    return (await requirePath(this.context, catalogSteps(this.context.account, name), options)).id;
  }

  /** Throws `StorageConflictError` if the new name is taken. */
  rename(
    target: Target<typeof CatalogSchema>,
    name: string,
    options?: UpdateOptions,
  ): Promise<LoadedCatalog> {
    checkName('catalog', name);
    return this.update(target, (catalog) => void (catalog.name = name), options);
  }

  async listNames(request: PageRequest = {}): Promise<Page<string>> {
    const prefix = catalogNamesPrefix(this.context.account);
    const page = await this.context.storage.pointers.listPointersByPrefix(prefix, request);
    return pageOf(
      page.pointers.map((pointer) => lastSegment(pointer.key)),
      page,
    );
  }

  list(request?: PageRequest): Promise<Page<LoadedCatalog>> {
    return this.listNamed(catalogNamesPrefix(this.context.account), request);
  }

  count(options?: ReadOptions): Promise<number> {
    return this.context.storage.pointers.countByPrefix(catalogNamesPrefix(this.context.account), options);
  }
}
