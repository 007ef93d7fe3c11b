import { CallGate } from './call-gate.ts';
import * as check from './checks.ts';
import { MAX_SECRET_BYTES } from './limits.ts';
import type { CallOptions } from './pointer-store.ts';
import type { SecretPage, SecretRef, SecretsManager } from './secrets-manager.ts';

const MAX_PART_BYTES = 128;

/** `accounts/{account}/{type}/{id}` for messages. */
export function secretName(ref: SecretRef): string {
  return `accounts/${ref.account}/${ref.type}/${ref.id}`;
}

/** As `guardPointerStore`, for secrets. */
export function guardSecretsManager(inner: SecretsManager): SecretsManager {
  return new GuardedSecretsManager(inner);
}

class GuardedSecretsManager implements SecretsManager {
  readonly #inner: SecretsManager;
  readonly #gate = new CallGate();

  constructor(inner: SecretsManager) {
    this.#inner = inner;
  }

  async put(ref: SecretRef, payload: Uint8Array, options?: CallOptions): Promise<void> {
    checkRef('put secret', ref);
    checkPayload('put secret', ref, payload);
    return this.#run('put secret', ref, true, options, () => this.#inner.put(ref, payload, options));
  }

  async get(ref: SecretRef, options?: CallOptions): Promise<Uint8Array | undefined> {
    checkRef('get secret', ref);
    return this.#run('get secret', ref, false, options, () => this.#inner.get(ref, options));
  }

  async update(ref: SecretRef, payload: Uint8Array, options?: CallOptions): Promise<void> {
    checkRef('update secret', ref);
    checkPayload('update secret', ref, payload);
    return this.#run('update secret', ref, true, options, () => this.#inner.update(ref, payload, options));
  }

  async delete(ref: SecretRef, options?: CallOptions): Promise<void> {
    checkRef('delete secret', ref);
    return this.#run('delete secret', ref, true, options, () => this.#inner.delete(ref, options));
  }

  async list(
    account: string,
    options?: CallOptions & { readonly limit?: number; readonly pageToken?: string },
  ): Promise<SecretPage> {
    check.checkText(account, 'account', 1, MAX_PART_BYTES, check.refuser('list secrets', account));
    const limit = check.checkLimit(options?.limit, 'list secrets');
    return this.#run('list secrets', { account, type: '', id: '' }, false, options, () =>
      this.#inner.list(account, { ...options, limit }),
    );
  }

  close(): Promise<void> {
    return this.#gate.close(() => this.#inner.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #run<T>(
    operation: string,
    ref: SecretRef,
    write: boolean,
    options: CallOptions | undefined,
    body: () => Promise<T>,
  ): Promise<T> {
    return this.#gate.run({ operation, key: secretName(ref), write, signal: options?.signal }, body);
  }
}

function checkRef(operation: string, ref: SecretRef): void {
  const refuse = check.refuser(operation, secretName(ref));
  check.checkText(ref.account, 'account', 1, MAX_PART_BYTES, refuse);
  check.checkText(ref.type, 'type', 1, MAX_PART_BYTES, refuse);
  check.checkText(ref.id, 'id', 1, MAX_PART_BYTES, refuse);
}

function checkPayload(operation: string, ref: SecretRef, payload: Uint8Array): void {
  const refuse = check.refuser(operation, secretName(ref));
  if (!(payload instanceof Uint8Array)) refuse('the payload must be a Uint8Array');
  if (payload.length === 0) refuse('the payload is empty; a secret has 1 to 65,536 bytes');
  if (payload.length > MAX_SECRET_BYTES)
    refuse(`the payload is ${payload.length} bytes; the limit is ${MAX_SECRET_BYTES}`);
}
