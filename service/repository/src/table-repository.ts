import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { TableSchema } from '@floecat/proto/resources';
import type { CallOptions } from '@floecat/storage-spi';

import { changeOf } from './change.ts';
import type { ChangeOptions } from './commit.ts';
import { alsoOf, commit } from './commit.ts';
import { commitOne } from './commit-one.ts';
import { conflictError } from './conflict-error.ts';
import { ResourceConflictError } from './errors.ts';
import { tableKind } from './kinds.ts';
import { checkName } from './names.ts';
import type { LoadedNamespace } from './namespace-repository.ts';
import { isAlive } from './parent-checks.ts';
import { fullName, RelationRepository } from './relation-repository.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { Loaded } from './root-blob.ts';
import { splitText } from './text-chunks.ts';

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
export class TableRepository extends RelationRepository<typeof TableSchema> {
  protected readonly collection = 'tables';

  constructor(context: RepositoryContext) {
    super(context, tableKind);
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
    const { clock, random } = this.context;
    const id = random.uuid();
    const owner = this.ownerOf(id);
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
    return commitOne<LoadedTable>(this.context, change, { ...options, also: [isAlive(namespace)] });
  }

  /** Gives a staged table its name; from then on it is whole and visible. Compares the row that a sweep compares. */
  async publish(
    namespace: LoadedNamespace,
    staged: LoadedTable,
    options: ChangeOptions = {},
  ): Promise<LoadedTable> {
    const { owner, resource } = staged;
    const label = fullName(namespace, resource.name);
    const change = changeOf(tableKind, { owner, previous: staged, resource, state: 'LIVE', label });
    const also = [isAlive(namespace), ...(await alsoOf(options.also))];
    const result = await commit(this.context, [change], { ...options, also });
    if (result.applied) return result.roots[0] as LoadedTable;
    const error = conflictError([change], result.conflicts);
    throw result.conflicts.some(({ key }) => key === owner.key) && error instanceof ResourceConflictError
      ? swept(resource.name)
      : error;
  }

  /**
   * Writes the staged row again, so that a registration that takes longer than the grace is not swept. Answers the
   * row to go on with.
   */
  async touch(staged: LoadedTable, options?: CallOptions): Promise<LoadedTable> {
    const { owner, resource } = staged;
    const change = changeOf(tableKind, { owner, previous: staged, resource, state: 'STAGED' });
    const result = await commit(this.context, [change], options);
    if (!result.applied) throw swept(resource.name);
    return result.roots[0] as LoadedTable;
  }
}

function swept(name: string): ResourceConflictError {
  return new ResourceConflictError(
    `the staged table ${name} was swept before it was published, because it stood for longer than ` +
      'floecat.gc.pointer.min-age-ms: register it again',
  );
}
