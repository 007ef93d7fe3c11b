import { create } from '@bufbuild/protobuf';
import type { AccountSchema } from '@floecat/proto/resources';
import { AccountSchema as schema } from '@floecat/proto/resources';
import type { CallOptions, ReadOptions } from '@floecat/storage-spi';
import { lastSegment } from '@floecat/storage-spi';

import { changeOf } from './change.ts';
import { commit } from './commit.ts';
import { ResourceConflictError } from './errors.ts';
import { accountKind } from './kinds.ts';
import { load, loadMany, loadRoot } from './load.ts';
import { checkName } from './names.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf, readsOf } from './page.ts';
import { ACCOUNT_DIRECTORY } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import { ResourceRepository } from './resource-repository.ts';
import { mutation } from './retry/mutation.ts';
import type { Loaded } from './root-blob.ts';
import { isDropped, isPresent } from './root-blob.ts';

export type LoadedAccount = Loaded<typeof AccountSchema>;

/** Accounts, which everything else hangs under. An account's id never changes and stands in every key. */
export class AccountRepository extends ResourceRepository<typeof AccountSchema> {
  constructor(context: RepositoryContext) {
    super(context, accountKind);
  }

  get(id: string, options?: ReadOptions): Promise<LoadedAccount | undefined> {
    return this.getById(id, options);
  }

  /**
   * The account, made if it is missing. Many processes may ask at once. One that was dropped comes back empty, as the
   * next version over its tombstone; while it is being dropped, `ResourceConflictError`.
   */
  ensure(id: string, options: CallOptions = {}): Promise<LoadedAccount> {
    return mutation(this.context, options, (context, call) => this.#ensure(context, id, call));
  }

  async #ensure(context: RepositoryContext, id: string, call: CallOptions): Promise<LoadedAccount> {
    const owner = this.ownerOf(id);
    const before = await loadRoot(context, accountKind, owner, call);
    if (before && isPresent(before)) return before;
    checkName('account', id);
    if (before?.pointer.state === 'DELETING')
      throw new ResourceConflictError(`account ${id} is being dropped: drop it again to finish that first`);
    const resource = create(schema, { id, displayName: id, createdAtMs: BigInt(context.clock.now()) });
    const over = before && isDropped(before) && { previous: before };
    const change = changeOf(accountKind, { owner, resource, state: 'LIVE', ...over });
    const result = await commit(context, [change], call);
    if (result.applied) return result.roots[0] as LoadedAccount;
    const made = await load(context, accountKind, owner, call);
    if (!made || !isPresent(made))
      throw new ResourceConflictError(`account ${id} was dropped while it was being made: try again`, {
        conflicts: result.conflicts,
      });
    return made;
  }

  /** In the order of their ids. A page can be shorter than asked for, because dropped ones are left out of it. */
  async list(request: PageRequest = {}): Promise<Page<LoadedAccount>> {
    const page = await this.context.storage.pointers.listPointersByPrefix(ACCOUNT_DIRECTORY, request);
    const owners = page.pointers
      .filter((row) => row.state !== 'TOMBSTONE')
      .map((row) => this.ownerOf(lastSegment(row.key)));
    const { roots, damaged } = await loadMany(this.context, accountKind, owners, readsOf(request));
    const items = roots.filter((root): root is LoadedAccount => root !== undefined && isPresent(root));
    return pageOf(items, page, damaged);
  }

  /** How many there are. Reads them all. */
  async count(options: CallOptions = {}): Promise<number> {
    let count = 0;
    let pageToken: string | undefined;
    do {
      const page = await this.list({ ...options, ...(pageToken && { pageToken }) });
      count += page.items.length + (page.damaged?.length ?? 0);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return count;
  }
}
