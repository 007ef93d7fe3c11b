import { create } from '@bufbuild/protobuf';
import { NamespaceSchema } from '@floecat/proto/resources';
import type { BatchOperation, CallOptions } from '@floecat/storage-spi';
import { InvalidArgumentError, lastSegment, StorageConflictError } from '@floecat/storage-spi';

import type { CatalogRepository } from './catalog-repository.ts';
import { changeOf, commit } from './commit.ts';
import { ResourceConflictError, ResourceNotFoundError } from './errors.ts';
import { loadByName, resolveName } from './load.ts';
import { checkName, dotted } from './names.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';
import { namespacePathKey, namespacePathsPrefix, ownerById } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import { namespaceKind } from './resource-kind.ts';
import type { Loaded } from './root-blob.ts';

export type LoadedNamespace = Loaded<typeof NamespaceSchema>;

/** Namespaces, which may be nested; a path of levels names one. */
export class NamespaceRepository {
  readonly #context: RepositoryContext;
  readonly #catalogs: CatalogRepository;

  constructor(context: RepositoryContext, catalogs: CatalogRepository) {
    this.#context = context;
    this.#catalogs = catalogs;
  }

  /**
   * The parent must exist. Throws `StorageConflictError` if the path is taken, `ResourceNotFoundError` if the
   * catalog or the parent is missing.
   */
  async create(
    catalog: string,
    levels: readonly string[],
    options: CallOptions & { readonly properties?: Readonly<Record<string, string>> } = {},
  ): Promise<LoadedNamespace> {
    if (levels.length === 0)
      throw new InvalidArgumentError('a namespace has at least one level: give it a name');
    for (const level of levels) checkName('namespace level', level);
    const { account, clock, random } = this.#context;
    const parents: Loaded[] = [await this.#catalogs.require(catalog, options)];
    const catalogId = parents[0]?.owner.id ?? '';
    if (levels.length > 1) parents.push(await this.require(catalog, levels.slice(0, -1), options));
    const id = random.uuid();
    const owner = ownerById(account, 'namespaces', id);
    const pathKey = namespacePathKey(account, catalogId, levels);
    const resource = create(NamespaceSchema, {
      id,
      catalogId,
      levels: [...levels],
      properties: { ...options.properties },
      createdAtMs: BigInt(clock.now()),
    });
    const change = changeOf(namespaceKind, {
      owner,
      resource,
      state: 'LIVE',
      names: [{ action: 'create', key: pathKey }],
    });
    const result = await commit(this.#context, [change], { ...options, checks: parents.map(isAlive) });
    if (!result.applied) {
      if (!result.conflicts.some((conflict) => conflict.key === pathKey))
        throw new ResourceConflictError(`the parent of ${dotted(levels)} was dropped meanwhile`);
      throw new StorageConflictError(`namespace ${dotted(levels)} exists already in catalog ${catalog}`, {
        operation: 'create namespace',
        key: pathKey,
      });
    }
    return result.loaded[0];
  }

  async get(
    catalog: string,
    levels: readonly string[],
    options?: CallOptions,
  ): Promise<LoadedNamespace | undefined> {
    const { account } = this.#context;
    const pathKey = namespacePathKey(account, await this.#catalogs.requireId(catalog, options), levels);
    return loadByName(
      this.#context,
      namespaceKind,
      pathKey,
      (id) => ownerById(account, 'namespaces', id),
      options,
    );
  }

  async require(catalog: string, levels: readonly string[], options?: CallOptions): Promise<LoadedNamespace> {
    const namespace = await this.get(catalog, levels, options);
    if (!namespace) throw missing(catalog, levels);
    return namespace;
  }

  /** The namespace's id by two pointer reads, for keys that hold it. */
  async requireId(catalog: string, levels: readonly string[], options?: CallOptions): Promise<string> {
    const catalogId = await this.#catalogs.requireId(catalog, options);
    const id = await resolveName(
      this.#context,
      namespacePathKey(this.#context.account, catalogId, levels),
      options,
    );
    if (id === undefined) throw missing(catalog, levels);
    return id;
  }

  /** The namespaces directly below `parent` (no levels: the outermost ones), each as its levels. */
  async listChildren(
    catalog: string,
    parent: readonly string[],
    request: PageRequest = {},
  ): Promise<Page<readonly string[]>> {
    const call = request.signal && { signal: request.signal };
    const catalogId = await this.#catalogs.requireId(catalog, call);
    if (parent.length > 0) await this.requireId(catalog, parent, call);
    const prefix = namespacePathsPrefix(this.#context.account, catalogId, parent);
    const page = await this.#context.storage.pointers.listPointersByPrefix(prefix, request);
    return pageOf(
      page.pointers.map((pointer) => [...parent, lastSegment(pointer.key)]),
      page,
    );
  }
}

/** The check that a parent is still the same and takes children. */
export function isAlive(parent: Loaded): BatchOperation {
  const { key, incarnation } = parent.pointer;
  return { op: 'check-owner', key, incarnation, states: ['LIVE'] };
}

function missing(catalog: string, levels: readonly string[]): ResourceNotFoundError {
  return new ResourceNotFoundError('namespace', dotted(levels), `not in catalog ${catalog}`);
}
