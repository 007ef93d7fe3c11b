import type { CallOptions } from './pointer-store.ts';

/** A secret's name: `accounts/{account}/{type}/{id}`, each part 1 to 128 UTF-8 bytes. */
export interface SecretRef {
  readonly account: string;
  readonly type: string;
  readonly id: string;
}

export interface SecretPage {
  readonly secrets: readonly SecretRef[];
  readonly nextPageToken?: string;
}

/**
 * Small secrets (1 to 65,536 bytes), kept apart by account: nothing read or listed under one account ever shows
 * another's. Errors name the secret, never its value.
 */
export interface SecretsManager extends AsyncDisposable {
  /** Stores the secret, new or not. */
  put(ref: SecretRef, payload: Uint8Array, options?: CallOptions): Promise<void>;
  /** The payload, or `undefined`. */
  get(ref: SecretRef, options?: CallOptions): Promise<Uint8Array | undefined>;
  /** Replaces a secret that exists; `STORAGE_NOT_FOUND` where it does not. */
  update(ref: SecretRef, payload: Uint8Array, options?: CallOptions): Promise<void>;
  /** Deleting nothing succeeds. */
  delete(ref: SecretRef, options?: CallOptions): Promise<void>;
  /** The account's secrets, in UTF-8 order of type, then id. */
  list(
    account: string,
    options?: CallOptions & { readonly limit?: number; readonly pageToken?: string },
  ): Promise<SecretPage>;
  close(): Promise<void>;
}
