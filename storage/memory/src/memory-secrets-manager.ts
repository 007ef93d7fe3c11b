import type { SecretPage, SecretRef, SecretsManager } from '@floecat/storage-spi';
import {
  DEFAULT_PAGE_SIZE,
  joinKey,
  lowerBound,
  PageTokens,
  prefixOf,
  secretName,
  splitKey,
  StorageNotFoundError,
} from '@floecat/storage-spi';

import { SortedMap } from './sorted-map.ts';

/** The reference SecretsManager. */
export class MemorySecretsManager implements SecretsManager {
  readonly #tokens: PageTokens;
  readonly #payloads = new SortedMap<Uint8Array>();

  constructor(config: { readonly storeId: string }) {
    this.#tokens = new PageTokens(config.storeId);
  }

  async put(ref: SecretRef, payload: Uint8Array): Promise<void> {
    this.#payloads.set(keyOf(ref), payload.slice());
  }

  async get(ref: SecretRef): Promise<Uint8Array | undefined> {
    return this.#payloads.get(keyOf(ref))?.slice();
  }

  async update(ref: SecretRef, payload: Uint8Array): Promise<void> {
    if (!this.#payloads.get(keyOf(ref))) {
      const key = secretName(ref);
      throw new StorageNotFoundError(`update secret: no secret ${key}; put it first`, {
        operation: 'update secret',
        key,
      });
    }
    await this.put(ref, payload);
  }

  async delete(ref: SecretRef): Promise<void> {
    this.#payloads.delete(keyOf(ref));
  }

  async list(
    account: string,
    options: { readonly limit?: number; readonly pageToken?: string } = {},
  ): Promise<SecretPage> {
    const prefix = prefixOf(account);
    const { limit = DEFAULT_PAGE_SIZE, pageToken } = options;
    const keys = this.#payloads.keysFrom(prefix).filter((key) => key.startsWith(prefix));
    const after = pageToken === undefined ? undefined : this.#tokens.decode('secrets', prefix, pageToken);
    const start = after === undefined ? 0 : lowerBound(keys, after, (key) => key, true);
    const page = keys.slice(start, start + limit);
    const secrets = page.map((key) => {
      const [, type = '', id = ''] = splitKey(key);
      return { account, type, id };
    });
    if (start + limit >= keys.length) return { secrets };
    return { secrets, nextPageToken: this.#tokens.encode('secrets', prefix, page.at(-1) as string) };
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function keyOf(ref: SecretRef): string {
  return joinKey(ref.account, ref.type, ref.id);
}
