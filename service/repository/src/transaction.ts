import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { BatchOperation, CallOptions } from '@floecat/storage-spi';
import { InvalidArgumentError } from '@floecat/storage-spi';

import { DEFAULT_ATTEMPTS, pauseAfter } from './attempts.ts';
import type { Change } from './change.ts';
import { changeOf } from './change.ts';
import { commit, refuseTooMany } from './commit.ts';
import { conflictError } from './conflict-error.ts';
import { ResourceConflictError } from './errors.ts';
import type { Parent } from './parent-checks.ts';
import { parentChecks, parentOf } from './parent-checks.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { ResourceKind } from './resource-kind.ts';
import { mutation } from './retry/mutation.ts';
import { retryOptions } from './retry/retry-policy.ts';
import { runWithRetry } from './retry/run-with-retry.ts';
import type { NewBlobs } from './resource-repository.ts';
import type { Loaded } from './root-blob.ts';

/**
 * Several changes that are applied together or not at all. Nothing is stored before {@link commit}, and what a crash
 * leaves behind are blobs that nobody refers to, which the collector takes.
 *
 * Each change touches one row, and one more for each name that it takes or gives up, each key that must be free
 * for it, and the parent of each new name; the store allows 100 rows.
 */
export class Transaction {
  readonly #context: RepositoryContext;
  readonly #changes: Change[] = [];
  readonly #parents = new Map<string, Parent>();
  readonly #conditions: BatchOperation[] = [];
  #committed = false;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  /** Creates a resource, whose id must be new. Its parent may be created in the same transaction. */
  create<D extends DescMessage>(
    kind: ResourceKind<D>,
    resource: MessageShape<D>,
    blobs: NewBlobs = {},
  ): this {
    const owner = kind.owner(this.#context.account, kind.id(resource));
    return this.#add(kind, changeOf(kind, { owner, resource, state: 'LIVE', ...blobs }), resource);
  }

  /** Replaces the resource as it was seen; another name renames it. */
  replace<D extends DescMessage>(
    kind: ResourceKind<D>,
    seen: Loaded<D>,
    resource: MessageShape<D>,
    blobs: NewBlobs = {},
  ): this {
    const { owner } = seen;
    const change = changeOf(kind, { owner, previous: seen, resource, state: 'LIVE', ...blobs });
    return this.#add(kind, change, resource);
  }

  /** Makes it a condition that nobody changed this since it was seen. */
  unchanged(seen: Loaded): this {
    this.#conditions.push({ op: 'check', key: seen.owner.key, expected: seen.pointer });
    return this;
  }

  /** Adds conditions and rows that are no owners, such as the record of an idempotent run. */
  also(...operations: readonly BatchOperation[]): this {
    this.#conditions.push(...operations);
    return this;
  }

  /**
   * Applies all of it, once. Answers what the owners are now, in the order in which they were added. Throws
   * `StorageConflictError` where a name is taken, `ResourceConflictError` where something has changed,
   * `InvalidArgumentError` before any I/O where it touches more rows than a transaction can.
   */
  async commit(options: CallOptions & { readonly writeId?: string } = {}): Promise<readonly Loaded[]> {
    if (this.#committed) throw new InvalidArgumentError('a transaction is committed once: begin another');
    this.#committed = true;
    return mutation(this.#context, options, (context, call) =>
      this.#commit(context, { ...options, ...call }),
    );
  }

  async #commit(
    context: RepositoryContext,
    { writeId, ...call }: CallOptions & { readonly writeId?: string },
  ): Promise<readonly Loaded[]> {
    const parents = this.#parentsOutside();
    const checks = parents.reduce((sum, { name }) => sum + (name === undefined ? 1 : 2), 0);
    refuseTooMany(this.#changes, this.#conditions, checks);
    const held = await Promise.all(parents.map((parent) => parentChecks(context, parent, call)));
    const result = await commit(context, this.#changes, {
      ...call,
      ...(writeId !== undefined && { writeId }),
      also: [...this.#conditions, ...held.flat()],
    });
    if (!result.applied) throw conflictError(this.#changes, result.conflicts);
    return result.roots as readonly Loaded[];
  }

  #add<D extends DescMessage>(kind: ResourceKind<D>, change: Change, resource: MessageShape<D>): this {
    if (this.#changes.some(({ owner }) => owner.key === change.owner.key))
      throw new InvalidArgumentError(`${change.owner.key} is in the transaction twice`, {
        operation: 'transact',
        key: change.owner.key,
      });
    this.#changes.push(change);
    const parent = parentOf(kind, this.#context.account, resource);
    if (parent && change.names.some(({ isNew }) => isNew)) this.#parents.set(parent.owner.key, parent);
    return this;
  }

  /** The parents that the transaction does not write itself: what it writes, its own row compares. */
  #parentsOutside(): Parent[] {
    return [...this.#parents.values()].filter(({ owner, name }) => {
      const written = this.#changes.find((change) => change.owner.key === owner.key);
      if (written && name !== undefined && !written.names.some(({ key }) => key === name))
        throw new InvalidArgumentError(
          `${written.label} does not have the path that something in it is to lie below`,
          {
            operation: 'transact',
            key: name,
          },
        );
      return !written;
    });
  }

  /** Whether a commit was refused because somebody else was first: what was read must be read again. */
  isBeatenBy(error: unknown): boolean {
    const keys = new Set([
      ...this.#changes.map(({ owner }) => owner.key),
      ...this.#conditions.map(({ key }) => key),
    ]);
    return error instanceof ResourceConflictError && error.conflicts.some(({ key }) => keys.has(key));
  }
}

/**
 * Runs `body`, which reads what it needs (with the call that it is given) and adds the changes, and commits them; again
 * from the start where somebody else was first or a read failed, all within `floecat.retry.deadline`. Answers what `body` answered and what the owners are now.
 */
export async function transact<T>(
  context: RepositoryContext,
  body: (transaction: Transaction, call: CallOptions) => T | Promise<T>,
  options: CallOptions & { readonly attempts?: number } = {},
): Promise<{ readonly result: T; readonly committed: readonly Loaded[] }> {
  const { attempts = DEFAULT_ATTEMPTS } = options;
  return mutation(context, options, async (_, call) => {
    for (let attempt = 1; ; attempt++) {
      const { transaction, result } = await begin(context, body, call);
      try {
        return { result, committed: await transaction.commit(call) };
      } catch (error) {
        if (!transaction.isBeatenBy(error) || attempt >= attempts) throw error;
      }
      await pauseAfter(context, attempt, call.signal);
    }
  });
}

/** What only reads and adds changes can be repeated as it is. */
function begin<T>(
  context: RepositoryContext,
  body: (transaction: Transaction, call: CallOptions) => T | Promise<T>,
  call: CallOptions,
): Promise<{ readonly transaction: Transaction; readonly result: T }> {
  const attempt = async ({ signal }: CallOptions): Promise<{ transaction: Transaction; result: T }> => {
    const transaction = new Transaction(context);
    return { transaction, result: await body(transaction, signal ? { signal } : {}) };
  };
  return runWithRetry(context, { attempt }, retryOptions(context, call));
}
