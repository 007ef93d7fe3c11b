import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { clone } from '@bufbuild/protobuf';
import type { BatchOperation, CallOptions, Pointer, ReadOptions } from '@floecat/storage-spi';

import { DEFAULT_ATTEMPTS, pauseAfter } from './attempts.ts';
import type { BlobWriter, Payload } from './blob-writer.ts';
import { changeOf } from './change.ts';
import type { ChangeOptions } from './commit.ts';
import { alsoOf } from './commit.ts';
import { commitOne } from './commit-one.ts';
import type { DropOptions } from './drop.ts';
import { dropOwner } from './drop.ts';
import { ResourceConflictError, ResourceNotFoundError } from './errors.ts';
import { load, loadMany, loadRoot } from './load.ts';
import type { NameStep } from './name-path.ts';
import { bears, idIn, loadPath } from './name-path.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf, readsOf } from './page.ts';
import { parentChecks, parentOf } from './parent-checks.ts';
import type { OwnerRef } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { ResourceKind } from './resource-kind.ts';
import { mutation } from './retry/mutation.ts';
import { withRetriedReads } from './retry/retried-reads.ts';
import { retryOptions } from './retry/retry-policy.ts';
import { runWithRetry } from './retry/run-with-retry.ts';
import type { Dropped, Loaded, MutationMeta } from './root-blob.ts';
import { isDropped, isPresent } from './root-blob.ts';

/** Blobs that a new state names beside those that it carries over. */
export interface NewBlobs {
  readonly payloads?: readonly Payload[];
  readonly writer?: BlobWriter;
}

/**
 * Changes a copy of the resource as it now is, in place; answers the blobs that it newly names. Throws to leave all as
 * it is. Runs again with the newer state where somebody else was first.
 */
export type ChangeResource<D extends DescMessage> = (
  resource: MessageShape<D>,
  seen: Loaded<D>,
) => NewBlobs | void | Promise<NewBlobs | void>;

/**
 * What a change is of: an id, or how to find it, which are looked up again where somebody else was first; or a resource
 * as it was loaded, of which only that very state is changed, else `ResourceConflictError`.
 */
export type Target<D extends DescMessage> = string | Loaded<D> | (() => Promise<Loaded<D>>);

export interface UpdateOptions extends ChangeOptions {
  /** Default 64. What was loaded before is tried once. */
  readonly attempts?: number;
  /** For messages; default: its name. */
  readonly label?: string;
}

/** What every kind of resource can do. */
export class ResourceRepository<D extends DescMessage> {
  readonly kind: ResourceKind<D>;
  protected readonly context: RepositoryContext;

  constructor(context: RepositoryContext, kind: ResourceKind<D>) {
    this.context = context;
    this.kind = kind;
  }

  async getById(id: string, options?: ReadOptions): Promise<Loaded<D> | undefined> {
    const loaded = await load(this.context, this.kind, this.ownerOf(id), options);
    return loaded && isPresent(loaded) ? loaded : undefined;
  }

  async requireById(id: string, options?: ReadOptions): Promise<Loaded<D>> {
    const loaded = await this.getById(id, options);
    if (!loaded) throw this.missing(id);
    return loaded;
  }

  /**
   * Updates, renames or moves, whatever `change` does to the resource, in one transaction over its canonical and name
   * pointers. A new name needs a live parent and a free name (`StorageConflictError`).
   */
  async update(
    target: Target<D>,
    change: ChangeResource<D>,
    options: UpdateOptions = {},
  ): Promise<Loaded<D>> {
    const { attempts = DEFAULT_ATTEMPTS, also, label } = options;
    const named = label !== undefined && { label };
    return mutation(this.context, options, (context, call) =>
      this.#retried(context, target, attempts, call, async (seen) => {
        const resource = clone(this.kind.schema, seen.resource);
        const blobs = (await change(resource, seen)) ?? {};
        const { owner } = seen;
        const state = seen.pointer.state === 'STAGED' ? 'STAGED' : 'LIVE';
        const next = changeOf(this.kind, { owner, previous: seen, resource, state, ...blobs, ...named });
        const takesName = next.names.some(({ isNew }) => isNew);
        const parent = takesName ? await this.#parentChecks(context, resource, call) : [];
        return commitOne<Loaded<D>>(context, next, { ...call, also: [...parent, ...(await alsoOf(also))] });
      }),
    );
  }

  /**
   * Drops it and leaves a tombstone; its names are free from then on. A drop by id that was interrupted is gone on
   * with. Throws `ResourceNotEmptyError` where it has children, unless `recursive`; `ResourceNotFoundError`.
   */
  async drop(target: Target<D>, options: DropOptions = {}): Promise<MutationMeta> {
    const context = withRetriedReads(this.context);
    const call = options.signal ? { signal: options.signal } : {};
    const dropIt = async (seen: Loaded<D> | Dropped): Promise<MutationMeta> => {
      const { tombstone } = await dropOwner(context, this.kind, seen, options);
      return (tombstone ?? seen).meta;
    };
    if (typeof target === 'string') {
      const root = await loadRoot(context, this.kind, this.ownerOf(target), call);
      if (root && isDropped(root) && root.pointer.state === 'DELETING') return dropIt(root);
    }
    return this.#retried(context, target, DEFAULT_ATTEMPTS, call, dropIt);
  }

  protected missing(id: string): ResourceNotFoundError {
    return new ResourceNotFoundError(this.kind.type, id);
  }

  protected ownerOf(id: string): OwnerRef {
    return this.kind.owner(this.context.account, id);
  }

  /** Creates it under its names, in its parent, which must be live. */
  protected async insert(
    resource: MessageShape<D>,
    options: Omit<UpdateOptions, 'attempts'> & NewBlobs = {},
  ): Promise<Loaded<D>> {
    const { also, signal, ...rest } = options;
    const owner = this.ownerOf(this.kind.id(resource));
    const change = changeOf(this.kind, { owner, resource, state: 'LIVE', ...rest });
    return mutation(this.context, signal ? { signal } : {}, async (context, call) => {
      const parent = await this.#parentChecks(context, resource, call);
      return commitOne<Loaded<D>>(context, change, { ...call, also: [...parent, ...(await alsoOf(also))] });
    });
  }

  protected atPath(path: readonly NameStep[], options?: ReadOptions): Promise<Loaded<D> | undefined> {
    return loadPath(this.context, this.kind, path, options);
  }

  /** The resources whose names start with `prefix`, in the order of their names. */
  protected async listNamed(prefix: string, request: PageRequest = {}): Promise<Page<Loaded<D>>> {
    const page = await this.context.storage.pointers.listPointersByPrefix(prefix, request);
    const owners = page.pointers.map((row) => this.ownerOf(idIn(row) ?? ''));
    const { roots, damaged } = await loadMany(this.context, this.kind, owners, readsOf(request));
    const items = roots.flatMap((root, i) =>
      root && bears<D>(root, (page.pointers[i] as Pointer).key) ? [root] : [],
    );
    return pageOf(items, page, damaged);
  }

  /** That the parent of a resource takes children, as conditions of the transaction. */
  async #parentChecks(
    context: RepositoryContext,
    resource: MessageShape<D>,
    options: CallOptions,
  ): Promise<BatchOperation[]> {
    const parent = parentOf(this.kind, context.account, resource);
    return parent ? parentChecks(context, parent, options) : [];
  }

  /** Runs `work` on what was seen, or on what there is, again and again while somebody else is first. */
  async #retried<T>(
    context: RepositoryContext,
    target: Target<D>,
    attempts: number,
    options: CallOptions,
    work: (seen: Loaded<D>) => Promise<T>,
  ): Promise<T> {
    if (typeof target === 'object') return work(target);
    const find = typeof target === 'function' ? target : () => this.requireById(target, options);
    for (let attempt = 1; ; attempt++) {
      // However it is found, only reads do that.
      const seen = await runWithRetry(context, { attempt: find }, retryOptions(context, options));
      try {
        return await work(seen);
      } catch (error) {
        const beaten =
          error instanceof ResourceConflictError &&
          error.conflicts.some((conflict) => conflict.key === seen.owner.key);
        if (!beaten || attempt >= attempts) throw error;
      }
      await pauseAfter(context, attempt, options.signal);
    }
  }
}
