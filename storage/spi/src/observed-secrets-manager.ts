import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';
import type { Observing, OperationEnd } from './observe-call.ts';
import { observeCall } from './observe-call.ts';
import type { CallOptions } from './pointer-store.ts';
import type { SecretPage, SecretRef, SecretsManager } from './secrets-manager.ts';
import type { StorageObserver } from './storage-observer.ts';

/** As `observePointerStore`, for secrets. The observer is told sizes, never names or values. */
export function observeSecretsManager(
  inner: SecretsManager,
  observer: StorageObserver,
  clock: Clock = systemClock,
): SecretsManager {
  return new ObservedSecretsManager(inner, { observer, clock });
}

class ObservedSecretsManager implements SecretsManager {
  readonly #inner: SecretsManager;
  readonly #observing: Observing;

  constructor(inner: SecretsManager, observing: Observing) {
    this.#inner = inner;
    this.#observing = observing;
  }

  put(ref: SecretRef, payload: Uint8Array, options?: CallOptions): Promise<void> {
    return this.#observe(
      'put secret',
      () => this.#inner.put(ref, payload, options),
      () => written(payload),
    );
  }

  get(ref: SecretRef, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#observe(
      'get secret',
      () => this.#inner.get(ref, options),
      (payload) => (payload ? { items: 1, bytesRead: payload.length } : {}),
    );
  }

  update(ref: SecretRef, payload: Uint8Array, options?: CallOptions): Promise<void> {
    return this.#observe(
      'update secret',
      () => this.#inner.update(ref, payload, options),
      () => written(payload),
    );
  }

  delete(ref: SecretRef, options?: CallOptions): Promise<void> {
    return this.#observe(
      'delete secret',
      () => this.#inner.delete(ref, options),
      () => ({ items: 1 }),
    );
  }

  list(
    account: string,
    options?: CallOptions & { readonly limit?: number; readonly pageToken?: string },
  ): Promise<SecretPage> {
    return this.#observe(
      'list secrets',
      () => this.#inner.list(account, options),
      ({ secrets }) => ({ items: secrets.length }),
    );
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #observe<T>(operation: string, body: () => Promise<T>, endOf: (result: T) => OperationEnd): Promise<T> {
    return observeCall(this.#observing, 'secrets', operation, body, endOf);
  }
}

function written(payload: Uint8Array): OperationEnd {
  return { items: 1, bytesWritten: payload.length };
}
