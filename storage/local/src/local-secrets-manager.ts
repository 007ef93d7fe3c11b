import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { CallOptions, SecretPage, SecretRef, SecretsManager } from '@floecat/storage-spi';
import {
  joinKey,
  PageTokens,
  pageOfSecrets,
  secretName,
  StorageCorruptionError,
  StorageMisconfiguredError,
  StorageNotFoundError,
} from '@floecat/storage-spi';

import type { DurableFiles } from './durable-files.ts';
import { fileError, isMissing } from './file-errors.ts';
import { segmentNames } from './file-names.ts';
import type { Health } from './health.ts';
import { readNames } from './name-tree.ts';
import { ACCOUNTS_FOLDER } from './secret-key.ts';
import { seal, unseal } from './secret-seal.ts';
import { Slots } from './slots.ts';

export interface LocalSecretsManagerConfig {
  readonly storeId: string;
  readonly key: Uint8Array;
  readonly files: DurableFiles;
  readonly health: Health;
}

/** Where a secret's file stands, relative to the folder of all secrets. */
interface Place {
  readonly folder: string;
  readonly name: string;
}

/**
 * Secrets as files, each sealed under the store's key and durable before it is acknowledged. `update` and `delete`
 * of one secret by two processes at once may leave it updated; within one process they take turns.
 */
export class LocalSecretsManager implements SecretsManager {
  readonly #config: LocalSecretsManagerConfig;
  readonly #tokens: PageTokens;
  // Secrets are few and rarely written, so writes simply take turns.
  readonly #turn = new Slots(1);

  constructor(config: LocalSecretsManagerConfig) {
    this.#config = config;
    this.#tokens = new PageTokens(config.storeId);
  }

  async put(ref: SecretRef, payload: Uint8Array): Promise<void> {
    const sealed = seal(this.#config.key, sealedName(ref), payload);
    await this.#write('put secret', ref, ({ folder, name }, context) =>
      this.#config.files.write(folder, name, [sealed], context),
    );
  }

  async get(ref: SecretRef): Promise<Uint8Array | undefined> {
    const key = secretName(ref);
    this.#config.health.check('get secret', key);
    const sealed = await this.#read('get secret', ref);
    if (!sealed) return this.#absent('get secret', key);
    try {
      return unseal(this.#config.key, sealedName(ref), sealed);
    } catch (cause) {
      throw new StorageCorruptionError(
        `get secret: ${key} does not open: ${(cause as Error).message}; put it again`,
        { operation: 'get secret', key, cause },
      );
    }
  }

  async update(ref: SecretRef, payload: Uint8Array): Promise<void> {
    const sealed = seal(this.#config.key, sealedName(ref), payload);
    await this.#write('update secret', ref, async ({ folder, name }, context) => {
      if (!(await this.#read('update secret', ref)))
        throw new StorageNotFoundError(`update secret: no secret ${context.key}; put it first`, context);
      await this.#config.files.write(folder, name, [sealed], context);
    });
  }

  async delete(ref: SecretRef): Promise<void> {
    await this.#write('delete secret', ref, ({ folder, name }, context) =>
      this.#config.files.remove(folder, [name], context),
    );
  }

  async list(
    account: string,
    options: CallOptions & { readonly limit?: number; readonly pageToken?: string } = {},
  ): Promise<SecretPage> {
    this.#config.health.check('list secrets', account);
    const folder = this.#config.files.path(ACCOUNTS_FOLDER, ...segmentNames(account));
    const refs: SecretRef[] = [];
    try {
      const types = await readNames(folder);
      for (const { segment: type, path } of types.folders) {
        const { files } = await readNames(join(folder, path));
        for (const { segment: id } of files) refs.push({ account, type, id });
      }
    } catch (error) {
      throw fileError(error, `reading ${folder}`, { operation: 'list secrets', key: account });
    }
    if (refs.length === 0) await this.#absent('list secrets', account);
    return pageOfSecrets(this.#tokens, account, refs, options);
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A volume that is not mounted must not look like a store without secrets. */
  async #absent(operation: string, key: string): Promise<undefined> {
    if (await this.#config.files.temps.isReady()) return undefined;
    throw new StorageMisconfiguredError(
      `${operation}: ${this.#config.files.path('.')} is not the folder of a store any more; is the volume mounted, was it moved?`,
      { operation, key },
    );
  }

  async #write(
    operation: string,
    ref: SecretRef,
    body: (place: Place, context: { operation: string; key: string }) => Promise<void>,
  ): Promise<void> {
    const key = secretName(ref);
    await this.#turn.run(async () => {
      this.#config.health.check(operation, key);
      await body(placeOf(ref), { operation, key });
    });
  }

  async #read(operation: string, ref: SecretRef): Promise<Buffer | undefined> {
    const { folder, name } = placeOf(ref);
    const path = this.#config.files.path(folder, name);
    try {
      return await readFile(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw fileError(error, `reading ${path}`, { operation, key: secretName(ref) });
    }
  }
}

function placeOf({ account, type, id }: SecretRef): Place {
  const names = [...segmentNames(account), ...segmentNames(type), ...segmentNames(id)];
  return { folder: join(ACCOUNTS_FOLDER, ...names.slice(0, -1)), name: names.at(-1) ?? '' };
}

/** What is authenticated; unlike {@link secretName} it is never the same for two secrets. */
function sealedName({ account, type, id }: SecretRef): string {
  return joinKey(account, type, id);
}
