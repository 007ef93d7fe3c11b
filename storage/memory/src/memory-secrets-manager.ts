import type { SecretPage, SecretRef, SecretsManager } from '@floecat/storage-spi';
import { joinKey, PageTokens, pageOfSecrets, secretName, StorageNotFoundError } from '@floecat/storage-spi';

interface Secret {
  readonly ref: SecretRef;
  readonly payload: Uint8Array;
}

/** The reference SecretsManager. */
export class MemorySecretsManager implements SecretsManager {
  readonly #tokens: PageTokens;
  readonly #secrets = new Map<string, Secret>();

  constructor(config: { readonly storeId: string }) {
    this.#tokens = new PageTokens(config.storeId);
  }

  async put(ref: SecretRef, payload: Uint8Array): Promise<void> {
    const { account, type, id } = ref;
    this.#secrets.set(keyOf(ref), { ref: { account, type, id }, payload: new Uint8Array(payload) });
  }

  async get(ref: SecretRef): Promise<Uint8Array | undefined> {
    return this.#secrets.get(keyOf(ref))?.payload.slice();
  }

  async update(ref: SecretRef, payload: Uint8Array): Promise<void> {
    if (!this.#secrets.has(keyOf(ref))) {
      const key = secretName(ref);
      throw new StorageNotFoundError(`update secret: no secret ${key}; put it first`, {
        operation: 'update secret',
        key,
      });
    }
    await this.put(ref, payload);
  }

  async delete(ref: SecretRef): Promise<void> {
    this.#secrets.delete(keyOf(ref));
  }

  async list(
    account: string,
    options: { readonly limit?: number; readonly pageToken?: string } = {},
  ): Promise<SecretPage> {
    const refs = [...this.#secrets.values()].map(({ ref }) => ref).filter((ref) => ref.account === account);
    return pageOfSecrets(this.#tokens, account, refs, options);
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function keyOf(ref: SecretRef): string {
  return joinKey(ref.account, ref.type, ref.id);
}
