import { MemorySecretsManager } from '@floecat/storage-memory';
import type { SecretPage, SecretRef } from '@floecat/storage-spi';
import { joinKey } from '@floecat/storage-spi';

import type { Mutant } from './mutant.ts';

class AccountsShareIds extends MemorySecretsManager {
  override get({ account, type, id }: SecretRef): Promise<Uint8Array | undefined> {
    return super.get({ account: account.toLowerCase(), type, id });
  }
}

class ListsAlikeAccounts extends MemorySecretsManager {
  readonly #refs = new Map<string, SecretRef>();
  override async put(ref: SecretRef, payload: Uint8Array): Promise<void> {
    this.#refs.set(keyOf(ref), ref);
    await super.put(ref, payload);
  }
  override async list(account: string): Promise<SecretPage> {
    return { secrets: [...this.#refs.values()].filter((ref) => ref.account.startsWith(account)) };
  }
}

class OrderedByKey extends MemorySecretsManager {
  override async list(...args: Parameters<MemorySecretsManager['list']>): Promise<SecretPage> {
    const page = await super.list(...args);
    return { ...page, secrets: page.secrets.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) };
  }
}

class UpdateCreates extends MemorySecretsManager {
  override update(ref: SecretRef, payload: Uint8Array): Promise<void> {
    return super.put(ref, payload);
  }
}

class PayloadIsText extends MemorySecretsManager {
  override put(ref: SecretRef, payload: Uint8Array): Promise<void> {
    return super.put(ref, Buffer.from(Buffer.from(payload).toString('utf8'), 'utf8'));
  }
}

class PutKeepsTheFirst extends MemorySecretsManager {
  override async put(ref: SecretRef, payload: Uint8Array): Promise<void> {
    if ((await super.get(ref)) === undefined) await super.put(ref, payload);
  }
}

class DeletedNameIsBlocked extends MemorySecretsManager {
  readonly #deleted = new Set<string>();
  override async delete(ref: SecretRef): Promise<void> {
    this.#deleted.add(keyOf(ref));
    await super.delete(ref);
  }
  override async put(ref: SecretRef, payload: Uint8Array): Promise<void> {
    if (!this.#deleted.has(keyOf(ref))) await super.put(ref, payload);
  }
}

function keyOf(ref: SecretRef): string {
  return joinKey(ref.account, ref.type, ref.id);
}

export const secretsMutants: readonly Mutant[] = [
  { bug: 'accounts are folded to lower case', law: '[34]', secrets: (c) => new AccountsShareIds(c) },
  {
    bug: 'a listing shows accounts that start alike',
    law: '[34]',
    secrets: (c) => new ListsAlikeAccounts(c),
  },
  { bug: 'order is that of the joined name', law: '[31]', secrets: (c) => new OrderedByKey(c) },
  { bug: 'update creates', law: 'update of an absent', secrets: (c) => new UpdateCreates(c) },
  { bug: 'a payload is taken for text', law: 'comes back exactly', secrets: (c) => new PayloadIsText(c) },
  { bug: 'a second put is lost', law: 'comes back exactly', secrets: (c) => new PutKeepsTheFirst(c) },
  { bug: 'a deleted name is blocked', law: 'a deleted secret', secrets: (c) => new DeletedNameIsBlocked(c) },
];
