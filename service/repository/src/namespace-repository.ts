import { create } from '@bufbuild/protobuf';
import { NamespaceSchema } from '@floecat/proto/resources';
import type { CallOptions, ReadOptions } from '@floecat/storage-spi';
import { InvalidArgumentError, lastSegment } from '@floecat/storage-spi';

import { namesOf } from './change.ts';
import type { ChangeOptions } from './commit.ts';
import type { DropOptions } from './drop.ts';
import { close, ifEmpty, reopen } from './drop.ts';
import { ResourceNotFoundError } from './errors.ts';
import { namespaceKind } from './kinds.ts';
import { loadRoot } from './load.ts';
import { idIn, requirePath } from './name-path.ts';
import { catalogSteps, namespaceSteps } from './name-steps.ts';
import { checkName, dotted } from './names.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf, readsOf } from './page.ts';
import { namespacePathKey, namespacePathsPrefix } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import { ResourceRepository } from './resource-repository.ts';
import { mutation } from './retry/mutation.ts';
import type { Loaded, MutationMeta } from './root-blob.ts';
import { isDropped } from './root-blob.ts';

export type LoadedNamespace = Loaded<typeof NamespaceSchema>;

/** Namespaces, which may be nested; a path of levels names one. */
export class NamespaceRepository extends ResourceRepository<typeof NamespaceSchema> {
  constructor(context: RepositoryContext) {
    super(context, namespaceKind);
  }

  /**
   * The parent must exist. Throws `StorageConflictError` if the path is taken, `ResourceNotFoundError` if the
   * catalog or the parent is missing.
   */
  async create(
    catalog: string,
    levels: readonly string[],
    options: ChangeOptions & { readonly properties?: Readonly<Record<string, string>> } = {},
  ): Promise<LoadedNamespace> {
    checkLevels(levels);
    const { properties, also } = options;
    return mutation(this.context, options, async (context, call) => {
      const { account, clock, random } = context;
      const { id: catalogId } = await requirePath(context, catalogSteps(account, catalog), call);
      const parentId = await this.#parentId(context, catalogId, levels, call);
      const resource = create(NamespaceSchema, {
        id: random.uuid(),
        catalogId,
        parentId,
        levels: [...levels],
        properties: { ...properties },
        createdAtMs: BigInt(clock.now()),
      });
      return this.insert(resource, { ...call, also });
    });
  }

  get(
    catalog: string,
    levels: readonly string[],
    options?: ReadOptions,
  ): Promise<LoadedNamespace | undefined> {
    return this.atPath(namespaceSteps(this.context.account, catalog, levels), options);
  }

  async require(catalog: string, levels: readonly string[], options?: ReadOptions): Promise<LoadedNamespace> {
    const namespace = await this.get(catalog, levels, options);
    if (!namespace) throw new ResourceNotFoundError('namespace', dotted(levels), `not in catalog ${catalog}`);
    return namespace;
  }

  /** The namespace's id by pointer reads alone, for keys that hold it. */
  async requireId(catalog: string, levels: readonly string[], options?: ReadOptions): Promise<string> {
    const path = namespaceSteps(this.context.account, catalog, levels);
    return (await requirePath(this.context, path, options)).id;
  }

  /**
   * Gives it another path in its catalog; what is in it stays in it. One that holds other namespaces is refused
   * (`ResourceNotEmptyError`): their paths lie below its own. It takes nothing new meanwhile.
   */
  async rename(
    target: LoadedNamespace,
    levels: readonly string[],
    options: ChangeOptions = {},
  ): Promise<LoadedNamespace> {
    checkLevels(levels);
    return mutation(this.context, options, (context, call) =>
      this.#rename(context, target, levels, { ...options, ...call }),
    );
  }

  async #rename(
    context: RepositoryContext,
    target: LoadedNamespace,
    levels: readonly string[],
    { also, ...call }: ChangeOptions,
  ): Promise<LoadedNamespace> {
    const { catalogId, levels: before } = target.resource;
    if (before.every((level, i) => levels[i] === level))
      throw new InvalidArgumentError(
        `${dotted(before)} cannot become ${dotted(levels)}, which is itself or in it`,
      );
    const parentId = await this.#parentId(context, catalogId, levels, call);
    const closed = await close(context, this.kind, target, call);
    const nested = this.kind
      .children(closed.owner, namesOf(closed))
      .filter(({ kind }) => kind.collection === this.kind.collection);
    await ifEmpty(context, this.kind, closed, nested, call);
    try {
      return await this.update(
        closed,
        (namespace) => void Object.assign(namespace, { levels: [...levels], parentId }),
        { ...call, also },
      );
    } catch (error) {
      // Best effort: where it stays closed, a sweep or the next change opens it.
      await reopen(context, this.kind, closed, {}).catch(() => undefined);
      throw error;
    }
  }

  /** Drops the one that has this path, or goes on with a drop of it: it keeps its path until nothing lies below it. */
  async dropAt(catalog: string, levels: readonly string[], options: DropOptions = {}): Promise<MutationMeta> {
    const call = options.signal ? { signal: options.signal } : {};
    const id = await this.requireId(catalog, levels, call);
    const begun = await loadRoot(this.context, this.kind, this.ownerOf(id), call);
    if (begun && isDropped(begun)) return this.drop(id, options);
    return this.drop(() => this.require(catalog, levels, call), options);
  }

  /** The namespaces directly below `parent` (no levels: the outermost ones), each as its levels. */
  async listChildren(
    catalog: string,
    parent: readonly string[],
    request: PageRequest = {},
  ): Promise<Page<readonly string[]>> {
    const prefix = await this.#childrenPrefix(catalog, parent, readsOf(request));
    const page = await this.context.storage.pointers.listPointersByPrefix(prefix, request);
    return pageOf(
      page.pointers.map((pointer) => [...parent, lastSegment(pointer.key)]),
      page,
    );
  }

  /** As {@link listChildren}, with the resources. */
  async list(
    catalog: string,
    parent: readonly string[],
    request: PageRequest = {},
  ): Promise<Page<LoadedNamespace>> {
    return this.listNamed(await this.#childrenPrefix(catalog, parent, readsOf(request)), request);
  }

  /** How many lie directly below `parent`. */
  async count(catalog: string, parent: readonly string[], options: ReadOptions = {}): Promise<number> {
    const prefix = await this.#childrenPrefix(catalog, parent, options);
    return this.context.storage.pointers.countByPrefix(prefix, options);
  }

  async #childrenPrefix(catalog: string, parent: readonly string[], options: ReadOptions): Promise<string> {
    const { account } = this.context;
    const { id: catalogId } = await requirePath(this.context, catalogSteps(account, catalog), options);
    if (parent.length > 0) await this.requireId(catalog, parent, options);
    return namespacePathsPrefix(account, catalogId, parent);
  }

  /** The id of the namespace that one with these levels lies in; empty for an outermost one. */
  async #parentId(
    { account, storage }: RepositoryContext,
    catalogId: string,
    levels: readonly string[],
    options: CallOptions,
  ): Promise<string> {
    const above = levels.slice(0, -1);
    if (above.length === 0) return '';
    const key = namespacePathKey(account, catalogId, above);
    const id = idIn(await storage.pointers.get(key, options));
    if (id === undefined) throw new ResourceNotFoundError('namespace', dotted(above));
    return id;
  }
}

function checkLevels(levels: readonly string[]): void {
  if (levels.length === 0)
    throw new InvalidArgumentError('a namespace has at least one level: give it a name');
  for (const level of levels) checkName('namespace level', level);
}
