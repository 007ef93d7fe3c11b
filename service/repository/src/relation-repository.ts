import type { MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import type { TableSchema, ViewSchema } from '@floecat/proto/resources';
import { BlobRefSchema } from '@floecat/proto/resources';
import type { CallOptions, ReadOptions } from '@floecat/storage-spi';
import { lastSegment } from '@floecat/storage-spi';

import { nameTaken } from './conflict-error.ts';
import { readNamed } from './load.ts';
import { idIn, requirePath } from './name-path.ts';
import { namespaceSteps, relationSteps } from './name-steps.ts';
import { checkName, dotted } from './names.ts';
import type { LoadedNamespace } from './namespace-repository.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf, readsOf } from './page.ts';
import { relationNameKey, relationNamesPrefix } from './pointer-keys.ts';
import type { Target, UpdateOptions } from './resource-repository.ts';
import { ResourceRepository } from './resource-repository.ts';
import type { Loaded } from './root-blob.ts';
import { joinText, splitText } from './text-chunks.ts';

type RelationSchema = typeof TableSchema | typeof ViewSchema;
type OtherFields<D extends RelationSchema> = Partial<
  Omit<MessageShape<D>, 'id' | 'catalogId' | 'namespaceId' | 'name' | 'metadata' | 'metadataBytes'>
>;

/** What tables and views have in common: names in a namespace, which they share, and metadata kept as text. */
export abstract class RelationRepository<D extends RelationSchema> extends ResourceRepository<D> {
  protected abstract readonly collection: 'tables' | 'views';

  /** Throws `StorageConflictError` naming the holder if a table or view of this name exists. */
  async assertNameFree(namespace: LoadedNamespace, name: string, options?: CallOptions): Promise<void> {
    const { account, storage } = this.context;
    const keys = (['tables', 'views'] as const).map((collection) =>
      relationNameKey(account, namespace.owner.id, collection, name),
    );
    const holders = await storage.pointers.getBatch(keys, options);
    const holder = holders.find((row) => row !== undefined);
    if (holder) throw nameTaken(fullName(namespace, name), holder.key, idIn(holder));
  }

  get(
    catalog: string,
    levels: readonly string[],
    name: string,
    options?: ReadOptions,
  ): Promise<Loaded<D> | undefined> {
    return this.atPath(this.#path(catalog, levels, name), options);
  }

  async require(
    catalog: string,
    levels: readonly string[],
    name: string,
    options?: ReadOptions,
  ): Promise<Loaded<D>> {
    const path = this.#path(catalog, levels, name);
    const loaded = await this.atPath(path, options);
    if (!loaded) throw (path.at(-1) as (typeof path)[number]).missing();
    return loaded;
  }

  /** Its id by pointer reads alone. */
  async requireId(
    catalog: string,
    levels: readonly string[],
    name: string,
    options?: ReadOptions,
  ): Promise<string> {
    return (await requirePath(this.context, this.#path(catalog, levels, name), options)).id;
  }

  /** The metadata JSON, byte for byte as it was stored. */
  async metadata(loaded: Loaded<D>, options?: CallOptions): Promise<Uint8Array> {
    const { metadata, metadataBytes } = loaded.resource;
    const { blobs } = this.context.storage;
    return readNamed(this.context, loaded, () => joinText(blobs, metadata, metadataBytes, options), options);
  }

  /** Stores other metadata, with the fields that follow from it. */
  replaceMetadata(
    target: Target<D>,
    metadata: Uint8Array,
    fields: OtherFields<D> = {},
    options?: UpdateOptions,
  ): Promise<Loaded<D>> {
    return this.update(
      target,
      async (resource, { owner }) => {
        const { refs, payloads } = await splitText(owner, 'metadata', metadata);
        Object.assign(resource, fields, {
          metadata: refs.map((ref) => create(BlobRefSchema, ref)),
          metadataBytes: BigInt(metadata.length),
        });
        return { payloads };
      },
      options,
    );
  }

  /** Gives it another name, in this namespace, which may be another one. Throws `StorageConflictError` if it is taken. */
  rename(
    target: Target<D>,
    namespace: LoadedNamespace,
    name: string,
    options?: UpdateOptions,
  ): Promise<Loaded<D>> {
    checkName(this.kind.type, name);
    const { id: namespaceId, catalogId } = namespace.resource;
    return this.update(target, (resource) => void Object.assign(resource, { name, namespaceId, catalogId }), {
      ...options,
      label: fullName(namespace, name),
    });
  }

  async listNames(
    catalog: string,
    levels: readonly string[],
    request: PageRequest = {},
  ): Promise<Page<string>> {
    const prefix = await this.#namesPrefix(catalog, levels, readsOf(request));
    const page = await this.context.storage.pointers.listPointersByPrefix(prefix, request);
    return pageOf(
      page.pointers.map((pointer) => lastSegment(pointer.key)),
      page,
    );
  }

  /** As {@link listNames}, with the resources. */
  async list(
    catalog: string,
    levels: readonly string[],
    request: PageRequest = {},
  ): Promise<Page<Loaded<D>>> {
    return this.listNamed(await this.#namesPrefix(catalog, levels, readsOf(request)), request);
  }

  async count(catalog: string, levels: readonly string[], options: ReadOptions = {}): Promise<number> {
    const prefix = await this.#namesPrefix(catalog, levels, options);
    return this.context.storage.pointers.countByPrefix(prefix, options);
  }

  async #namesPrefix(catalog: string, levels: readonly string[], options: ReadOptions): Promise<string> {
    const { account } = this.context;
    const path = namespaceSteps(account, catalog, levels);
    const { id } = await requirePath(this.context, path, options);
    return relationNamesPrefix(account, id, this.collection);
  }

  #path(catalog: string, levels: readonly string[], name: string): ReturnType<typeof relationSteps> {
    return relationSteps(this.context.account, this.collection, catalog, levels, name);
  }
}

/** For people. */
export function fullName(namespace: LoadedNamespace, name: string): string {
  return dotted([...namespace.resource.levels, name]);
}
