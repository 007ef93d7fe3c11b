import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { TableSchema } from '@floecat/proto/resources';
import type { BatchOperation, CallOptions, Pointer } from '@floecat/storage-spi';
import { lastSegment, StorageConflictError } from '@floecat/storage-spi';

import { changeOf, commit } from './commit.ts';
import { ResourceConflictError, ResourceNotFoundError } from './errors.ts';
import { loadByName, readNamed } from './load.ts';
import { checkName, dotted } from './names.ts';
import type { LoadedNamespace, NamespaceRepository } from './namespace-repository.ts';
import { isAlive } from './namespace-repository.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';
import { ownerById, relationNameKey, relationNamesPrefix } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import { tableKind } from './resource-kind.ts';
import type { Loaded } from './root-blob.ts';
import { joinText, splitText } from './text-chunks.ts';

export type LoadedTable = Loaded<typeof TableSchema>;

/** What a caller says of a new table; ids, names and the stored text are added. */
export type NewTable = Pick<
  MessageInitShape<typeof TableSchema>,
  | 'tableUuid'
  | 'location'
  | 'metadataLocation'
  | 'formatVersion'
  | 'currentSnapshotId'
  | 'snapshotCount'
  | 'lastUpdatedMs'
> & {
  /** The metadata JSON as it was read. */
  readonly metadata: Uint8Array;
};

/** Tables by name, and the two steps of a registration: stage without a name, publish with one. */
export class TableRepository {
  readonly #context: RepositoryContext;
  readonly #namespaces: NamespaceRepository;

  constructor(context: RepositoryContext, namespaces: NamespaceRepository) {
    this.#context = context;
    this.#namespaces = namespaces;
  }

  /** Throws `StorageConflictError` naming the holder if a table or view of this name exists. */
  async assertNameFree(namespace: LoadedNamespace, name: string, options?: CallOptions): Promise<void> {
    const keys = this.#nameKeys(namespace.owner.id, name);
    const holders = await this.#context.storage.pointers.getBatch(keys, options);
    const holder = holders.find((pointer) => pointer !== undefined);
    if (holder) throw nameTaken(namespace, name, holder);
  }

  /**
   * Stores a table in state STAGED: it has no name and no reader sees it, until {@link publish}. One that is not
   * published within the pointer collector's grace is swept.
   */
  async stage(
    namespace: LoadedNamespace,
    name: string,
    table: NewTable,
    options?: CallOptions,
  ): Promise<LoadedTable> {
    checkName('table', name);
    const { account, clock, random } = this.#context;
    const id = random.uuid();
    const owner = ownerById(account, 'tables', id);
    const { metadata, ...fields } = table;
    const { refs, payloads } = await splitText(owner, 'metadata', metadata);
    const resource = create(TableSchema, {
      ...fields,
      id,
      catalogId: namespace.resource.catalogId,
      namespaceId: namespace.owner.id,
      name,
      registeredAtMs: BigInt(clock.now()),
      metadata: refs,
      metadataBytes: BigInt(metadata.length),
    });
    const change = changeOf(tableKind, { owner, resource, state: 'STAGED', payloads });
    const result = await commit(this.#context, [change], { ...options, checks: [isAlive(namespace)] });
    if (!result.applied) throw parentGone(namespace);
    return result.loaded[0];
  }

  /** Gives a staged table its name; from then on it is whole and visible. Compares the row that a sweep compares. */
  async publish(
    namespace: LoadedNamespace,
    staged: LoadedTable,
    options?: CallOptions,
  ): Promise<LoadedTable> {
    const { name } = staged.resource;
    const [nameKey, otherKey] = this.#nameKeys(namespace.owner.id, name);
    const change = changeOf(tableKind, {
      owner: staged.owner,
      previous: staged,
      resource: staged.resource,
      state: 'LIVE',
      names: [{ action: 'create', key: nameKey }],
    });
    const checks: BatchOperation[] = [isAlive(namespace), { op: 'check-absent', key: otherKey }];
    const result = await commit(this.#context, [change], { ...options, checks });
    if (!result.applied) {
      const conflictAt = (key: string): (typeof result.conflicts)[number] | undefined =>
        result.conflicts.find((conflict) => conflict.key === key);
      const holder = conflictAt(nameKey) ?? conflictAt(otherKey);
      if (holder?.current) throw nameTaken(namespace, name, holder.current);
      throw conflictAt(staged.owner.key) ? swept(name) : parentGone(namespace);
    }
    return result.loaded[0];
  }

  /**
   * Writes the staged row again, so that a registration that takes longer than the grace is not swept. Answers the
   * row to go on with.
   */
  async touch(staged: LoadedTable, options?: CallOptions): Promise<LoadedTable> {
    const { owner, resource } = staged;
    const change = changeOf(tableKind, { owner, previous: staged, resource, state: 'STAGED' });
    const result = await commit(this.#context, [change], options);
    if (!result.applied) throw swept(resource.name);
    return result.loaded[0];
  }

  async get(
    catalog: string,
    levels: readonly string[],
    name: string,
    options?: CallOptions,
  ): Promise<LoadedTable | undefined> {
    const { account } = this.#context;
    const [nameKey] = this.#nameKeys(await this.#namespaces.requireId(catalog, levels, options), name);
    return loadByName(this.#context, tableKind, nameKey, (id) => ownerById(account, 'tables', id), options);
  }

  async require(
    catalog: string,
    levels: readonly string[],
    name: string,
    options?: CallOptions,
  ): Promise<LoadedTable> {
    const table = await this.get(catalog, levels, name, options);
    if (!table)
      throw new ResourceNotFoundError('table', dotted([...levels, name]), `not in catalog ${catalog}`);
    return table;
  }

  /** The metadata JSON, byte for byte as it was registered. */
  async metadata(table: LoadedTable, options?: CallOptions): Promise<Uint8Array> {
    const { metadata, metadataBytes } = table.resource;
    const { blobs } = this.#context.storage;
    return readNamed(this.#context, table, () => joinText(blobs, metadata, metadataBytes, options), options);
  }

  async listNames(
    catalog: string,
    levels: readonly string[],
    request: PageRequest = {},
  ): Promise<Page<string>> {
    const call = request.signal && { signal: request.signal };
    const namespace = await this.#namespaces.requireId(catalog, levels, call);
    const prefix = relationNamesPrefix(this.#context.account, namespace, 'tables');
    const page = await this.#context.storage.pointers.listPointersByPrefix(prefix, request);
    return pageOf(
      page.pointers.map((pointer) => lastSegment(pointer.key)),
      page,
    );
  }

  /** Where the name of a table is taken: by a table, or by a view. */
  #nameKeys(namespace: string, name: string): [tableKey: string, viewKey: string] {
    const { account } = this.#context;
    return [
      relationNameKey(account, namespace, 'tables', name),
      relationNameKey(account, namespace, 'views', name),
    ];
  }
}

function nameTaken(namespace: LoadedNamespace, name: string, holder: Pointer): StorageConflictError {
  const what = holder.key.includes('/views/by-name/') ? 'a view' : 'a table';
  const id = holder.kind === 'value' ? holder.value : '?';
  const full = dotted([...namespace.resource.levels, name]);
  return new StorageConflictError(`${full} exists already, as ${what} with the id ${id}`, {
    operation: 'create table',
    key: holder.key,
  });
}

function parentGone(namespace: LoadedNamespace): ResourceConflictError {
  return new ResourceConflictError(`namespace ${dotted(namespace.resource.levels)} was dropped meanwhile`);
}

function swept(name: string): ResourceConflictError {
  return new ResourceConflictError(
    `the staged table ${name} was swept before it was published, because it stood for longer than ` +
      'floecat.gc.pointer.min-age-ms: register it again',
  );
}
