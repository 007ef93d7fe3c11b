import type { CallOptions, RandomSource, SecretPage, SecretRef, SecretsManager } from '@floecat/storage-spi';
import {
  guardSecretsManager,
  PageTokens,
  pageOfSecrets,
  secretName,
  StorageNotFoundError,
} from '@floecat/storage-spi';

import type { Attempt, Failure, Wire, WireCall } from '../wire/index.ts';
import { isSdkError } from '../wire/index.ts';
import type { AccountClients } from './account-clients.ts';
import { ACCOUNT_TAG } from './account-role.ts';
import { accountTag, nameOf, prefixOfAccount, refOf } from './secret-names.ts';
import type { SecretsService } from './secrets-service.ts';

/** How long a deleted secret can still be restored, in days. */
export const DEFAULT_RECOVERY_DAYS = 30;
const LIST_PAGE = 100;
/** A put that finds the secret deleted by others every time gives up after this many. */
const MAX_ROUNDS = 5;
/** Attempts of a request that AWS refuses for the state of a secret, though the state looks right. */
const MAX_REFUSALS = 3;
const EXPIRED = ['ExpiredToken', 'ExpiredTokenException'];

export interface ProdSecretsManagerConfig {
  readonly storeId: string;
  readonly random: RandomSource;
  readonly wire: Wire;
  /**
   * One client for all, under this process's own credentials; or each account's calls under the account's own assumed
   * ones. Account clients are ended with the store, one client is not.
   */
  readonly access: { readonly service: SecretsService } | { readonly accounts: AccountClients };
  /** 7 to 30. Default 30. */
  readonly recoveryDays?: number;
  /** Key that encrypts new secrets. Default: the account's own key for Secrets Manager. */
  readonly kmsKeyId?: string;
}

/**
 * Secrets in AWS Secrets Manager, named `accounts/{account}/{type}/{id}` with each part escaped, and tagged with
 * `AccountId` before or together with their value. A deleted secret can be restored in AWS for some days; to this
 * store it is absent at once, and a put restores it first.
 *
 * AWS calls Secrets Manager eventually consistent: a read soon after a write may miss it, and listings may lag by
 * minutes. Hand it out through {@link openProdSecretsManager}, which guards it.
 */
export class ProdSecretsManager implements SecretsManager {
  readonly #config: ProdSecretsManagerConfig;
  readonly #tokens: PageTokens;

  constructor(config: ProdSecretsManagerConfig) {
    this.#config = config;
    this.#tokens = new PageTokens(config.storeId);
  }

  async put(ref: SecretRef, payload: Uint8Array, options: CallOptions = {}): Promise<void> {
    const call = this.#call('put secret', ref, options);
    // One token for the value in whichever way it gets there: AWS takes the same token and value for one write.
    const token = this.#config.random.uuid();
    for (let round = 1; ; round++) {
      const made = await this.#create(call, payload, token);
      if (made === 'created') return;
      if (made === 'deleted') await this.#ask(call, 'RestoreSecret', true, restore);
      const replaced = await this.#replace(call, payload, token);
      if (replaced === 'done') return;
      if (replaced === 'deleted') await this.#ask(call, 'RestoreSecret', true, restore);
      if (round === MAX_ROUNDS)
        throw new StorageNotFoundError(
          `put secret: ${call.key} is being deleted by others each time it is put; put it again later`,
          { operation: 'put secret', key: call.key },
        );
    }
  }

  async get(ref: SecretRef, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    const call = this.#call('get secret', ref, options);
    const found = await this.#ask(call, 'GetSecretValue', false, (service, abortSignal) =>
      service.getSecretValue({ SecretId: call.name }, { abortSignal }),
    );
    if (found === 'absent' || found === 'deleted') return undefined;
    // One that somebody else made as text is that text: nothing is guessed about what it may encode.
    const { SecretBinary, SecretString } = found;
    if (SecretBinary) return new Uint8Array(SecretBinary);
    return SecretString === undefined ? undefined : new TextEncoder().encode(SecretString);
  }

  async update(ref: SecretRef, payload: Uint8Array, options: CallOptions = {}): Promise<void> {
    const call = this.#call('update secret', ref, options);
    if ((await this.#replace(call, payload, this.#config.random.uuid())) === 'done') return;
    throw new StorageNotFoundError(`update secret: no secret ${call.key}; put it first`, {
      operation: 'update secret',
      key: call.key,
    });
  }

  async delete(ref: SecretRef, options: CallOptions = {}): Promise<void> {
    const call = this.#call('delete secret', ref, options);
    const RecoveryWindowInDays = this.#config.recoveryDays ?? DEFAULT_RECOVERY_DAYS;
    await this.#ask(call, 'DeleteSecret', true, (service, abortSignal) =>
      service.deleteSecret({ SecretId: call.name, RecoveryWindowInDays }, { abortSignal }),
    );
  }

  async list(
    account: string,
    options: CallOptions & { readonly limit?: number; readonly pageToken?: string } = {},
  ): Promise<SecretPage> {
    const prefix = prefixOfAccount(account);
    const call: SecretCall = {
      operation: 'list secrets',
      key: secretName({ account, type: '', id: '' }),
      account,
      name: prefix,
      signal: options.signal,
    };
    const refs: SecretRef[] = [];
    let NextToken: string | undefined;
    do {
      const page = { MaxResults: LIST_PAGE, ...(NextToken !== undefined && { NextToken }) };
      const answer = await this.#send(call, 'ListSecrets', false, (service, { signal: abortSignal }) =>
        service.listSecrets({ Filters: [{ Key: 'name', Values: [prefix] }], ...page }, { abortSignal }),
      );
      for (const { Name = '', DeletedDate } of answer.SecretList ?? []) {
        const ref = DeletedDate === undefined ? refOf(Name) : undefined;
        // The filter is a hint; the name decides.
        if (ref?.account === account) refs.push(ref);
      }
      NextToken = answer.NextToken;
    } while (NextToken !== undefined);
    return pageOfSecrets(this.#tokens, account, refs, options);
  }

  async close(): Promise<void> {
    const { access } = this.#config;
    if ('accounts' in access) await access.accounts[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #create(
    call: SecretCall,
    payload: Uint8Array,
    token: string,
  ): Promise<'created' | 'exists' | 'deleted'> {
    const { kmsKeyId } = this.#config;
    const input = {
      Name: call.name,
      ClientRequestToken: token,
      SecretBinary: payload,
      Tags: [accountTagOf(call)],
      ...(kmsKeyId !== undefined && { KmsKeyId: kmsKeyId }),
    };
    const made = await this.#ask(call, 'CreateSecret', true, async (service, abortSignal) => {
      try {
        await service.createSecret(input, { abortSignal });
        return 'created';
      } catch (error) {
        if (isSdkError(error, 'ResourceExistsException')) return 'exists';
        throw error;
      }
    });
    // There is nothing that a create could find absent, so this is a secret that came and went.
    return made === 'absent' ? 'exists' : made;
  }

  /** Tags the secret, and then gives it the value. */
  async #replace(
    call: SecretCall,
    payload: Uint8Array,
    token: string,
  ): Promise<'done' | 'absent' | 'deleted'> {
    const SecretId = call.name;
    const tag = { SecretId, Tags: [accountTagOf(call)] };
    const tagged = await this.#ask(call, 'TagResource', true, async (service, abortSignal) => {
      await service.tagResource(tag, { abortSignal });
      return 'done' as const;
    });
    if (tagged !== 'done') return tagged;
    const value = { SecretId, SecretBinary: payload, ClientRequestToken: token };
    return this.#ask(call, 'PutSecretValue', true, async (service, abortSignal) => {
      await service.putSecretValue(value, { abortSignal });
      return 'done' as const;
    });
  }

  /** Sends a request about one secret; answers `absent` or `deleted` (it can be restored) where that stops it. */
  #ask<T>(
    call: SecretCall,
    action: string,
    write: boolean,
    request: (service: SecretsService, signal: AbortSignal, name: string) => Promise<T>,
  ): Promise<T | 'absent' | 'deleted'> {
    return this.#send(call, action, write, async (service, { number, signal }) => {
      try {
        return await request(service, signal, call.name);
      } catch (error) {
        if (isSdkError(error, 'ResourceNotFoundException')) return 'absent';
        if (!isSdkError(error, 'InvalidRequestException')) throw error;
        // Secrets Manager has one error for many states. That of the secret is asked for, not read out of a message.
        if (await this.#isDeleted(call)) return 'deleted';
        throw number < MAX_REFUSALS ? new StateChangedError(error) : error;
      }
    });
  }

  #isDeleted(call: SecretCall): Promise<boolean> {
    return this.#send(call, 'DescribeSecret', false, async (service, { signal: abortSignal }) => {
      try {
        const { DeletedDate } = await service.describeSecret({ SecretId: call.name }, { abortSignal });
        return DeletedDate !== undefined;
      } catch (error) {
        if (isSdkError(error, 'ResourceNotFoundException')) return false;
        throw error;
      }
    });
  }

  #call(operation: string, ref: SecretRef, { signal }: CallOptions): SecretCall {
    return { operation, key: secretName(ref), account: ref.account, name: nameOf(operation, ref), signal };
  }

  #send<T>(
    call: SecretCall,
    action: string,
    write: boolean,
    request: (service: SecretsService, attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const { operation, key, account, signal } = call;
    const { wire, access } = this.#config;
    const wired: WireCall = {
      operation,
      key,
      action: `secretsmanager:${action}`,
      resource: `secret ${call.name}`,
      write,
      signal,
      classify: (error) => this.#classify(error, account),
    };
    return wire.send(wired, (attempt) =>
      'service' in access
        ? request(access.service, attempt)
        : access.accounts.use(operation, account, (service) => request(service, attempt)),
    );
  }

  #classify(error: unknown, account: string): Failure | undefined {
    if (error instanceof StateChangedError) return { kind: 'not-applied' };
    const { access } = this.#config;
    if ('accounts' in access && EXPIRED.some((name) => isSdkError(error, name)))
      access.accounts.forget(account);
    return undefined;
  }
}

/** A request was refused for the state of a secret, and then the state was another one. */
class StateChangedError extends Error {
  constructor(cause: unknown) {
    super(`the state of the secret changed: ${(cause as Error).message}`, { cause });
  }
}

async function restore(service: SecretsService, abortSignal: AbortSignal, SecretId: string): Promise<'done'> {
  try {
    await service.restoreSecret({ SecretId }, { abortSignal });
  } catch (error) {
    // Somebody else restored it; what follows finds out how it is now.
    if (!isSdkError(error, 'InvalidRequestException')) throw error;
  }
  return 'done';
}

interface SecretCall {
  readonly operation: string;
  /** For messages. */
  readonly key: string;
  readonly account: string;
  readonly name: string;
  readonly signal: AbortSignal | undefined;
}

function accountTagOf({ account }: SecretCall): { Key: string; Value: string } {
  return { Key: ACCOUNT_TAG, Value: accountTag(account) };
}

/** A {@link ProdSecretsManager}, guarded as every store is. */
export function openProdSecretsManager(config: ProdSecretsManagerConfig): SecretsManager {
  return guardSecretsManager(new ProdSecretsManager(config));
}
