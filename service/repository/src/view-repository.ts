import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { ViewSchema } from '@floecat/proto/resources';

import type { ChangeOptions } from './commit.ts';
import { viewKind } from './kinds.ts';
import { checkName } from './names.ts';
import type { LoadedNamespace } from './namespace-repository.ts';
import { fullName, RelationRepository } from './relation-repository.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { Loaded } from './root-blob.ts';
import { splitText } from './text-chunks.ts';

export type LoadedView = Loaded<typeof ViewSchema>;

/** What a caller says of a new view; ids, names and the stored text are added. */
export type NewView = Pick<
  MessageInitShape<typeof ViewSchema>,
  'viewUuid' | 'location' | 'metadataLocation'
> & {
  /** The metadata JSON as it was read. */
  readonly metadata: Uint8Array;
};

/** Views by name. They share the names of a namespace with its tables. */
export class ViewRepository extends RelationRepository<typeof ViewSchema> {
  protected readonly collection = 'views';

  constructor(context: RepositoryContext) {
    super(context, viewKind);
  }

  /** Throws `StorageConflictError` if a view or a table has the name, `ResourceConflictError` if the namespace is gone. */
  async create(
    namespace: LoadedNamespace,
    name: string,
    view: NewView,
    options?: ChangeOptions,
  ): Promise<LoadedView> {
    checkName('view', name);
    const id = this.context.random.uuid();
    const { metadata, ...fields } = view;
    const { refs, payloads } = await splitText(this.ownerOf(id), 'metadata', metadata);
    const resource = create(ViewSchema, {
      ...fields,
      id,
      catalogId: namespace.resource.catalogId,
      namespaceId: namespace.owner.id,
      name,
      metadata: refs,
      metadataBytes: BigInt(metadata.length),
    });
    return this.insert(resource, { ...options, payloads, label: fullName(namespace, name) });
  }
}
