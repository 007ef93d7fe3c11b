import { create } from '@bufbuild/protobuf';
import type { AccountSchema } from '@floecat/proto/resources';
import { AccountSchema as schema } from '@floecat/proto/resources';
import type { CallOptions } from '@floecat/storage-spi';
import { lastSegment } from '@floecat/storage-spi';

import { changeOf, commit } from './commit.ts';
import { ResourceConflictError } from './errors.ts';
import { load, loadMany } from './load.ts';
import { checkName } from './names.ts';
import type { Page, PageRequest } from './page.ts';
import { pageOf } from './page.ts';
import { ACCOUNT_DIRECTORY, accountOwner } from './pointer-keys.ts';
import type { RepositoryContext } from './repository-context.ts';
import { accountKind } from './resource-kind.ts';
import type { Loaded } from './root-blob.ts';

export type LoadedAccount = Loaded<typeof AccountSchema>;

/** Accounts, which everything else hangs under. An account's id never changes and stands in every key. */
export class AccountRepository {
  readonly #context: RepositoryContext;

  constructor(context: RepositoryContext) {
    this.#context = context;
  }

  get(id: string, options?: CallOptions): Promise<LoadedAccount | undefined> {
    return load(this.#context, accountKind, accountOwner(id), options);
  }

  /** The account, made if it is missing. Many processes may ask at once. */
  async ensure(id: string, options?: CallOptions): Promise<LoadedAccount> {
    const existing = await this.get(id, options);
    if (existing) return existing;
    checkName('account', id);
    const resource = create(schema, { id, displayName: id, createdAtMs: BigInt(this.#context.clock.now()) });
    const change = changeOf(accountKind, { owner: accountOwner(id), resource, state: 'LIVE' });
    const result = await commit(this.#context, [change], options);
    if (result.applied) return result.loaded[0];
    const made = await this.get(id, options);
    if (!made)
      throw new ResourceConflictError(`account ${id} was removed while it was being made: try again`);
    return made;
  }

  async list(request: PageRequest = {}): Promise<Page<LoadedAccount>> {
    const page = await this.#context.storage.pointers.listPointersByPrefix(ACCOUNT_DIRECTORY, request);
    const owners = page.pointers.map((pointer) => accountOwner(lastSegment(pointer.key)));
    const loaded = await loadMany(
      this.#context,
      accountKind,
      owners,
      request.signal && { signal: request.signal },
    );
    return pageOf(
      loaded.filter((account) => account !== undefined),
      page,
    );
  }
}
