import assert from 'node:assert/strict';

import type { SecretRef, SecretsManager } from '@floecat/storage-spi';

import type { ContractCase } from '../contract-case.ts';
import type { Capability, StorageFixture } from '../fixture.ts';

/** What a secrets case works with: the store, and accounts in it. */
export interface SecretsBench {
  readonly store: SecretsManager;
  readonly fixture: StorageFixture;
  /** An account of this case. */
  readonly account: (name: string) => string;
  /** A secret of this case's account `a`. */
  readonly ref: (id: string, type?: string) => SecretRef;
}

export function secretsCase(
  name: string,
  body: (bench: SecretsBench) => Promise<void>,
  ...needs: readonly Capability[]
): ContractCase {
  const run = (fixture: StorageFixture): Promise<void> => {
    const account = (suffix: string): string => fixture.prefix.replaceAll('/', '') + suffix;
    const ref = (id: string, type = 'type'): SecretRef => ({ account: account('a'), type, id });
    return body({ store: fixture.storage.secrets, fixture, account, ref });
  };
  return { name, needs, run };
}

export function payloadOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export async function holdsSecret(store: SecretsManager, ref: SecretRef, payload: Uint8Array): Promise<void> {
  const found = await store.get(ref);
  assert.ok(found instanceof Uint8Array, `no secret ${JSON.stringify(ref)}`);
  assert.ok(Buffer.compare(found, payload) === 0, `secret ${JSON.stringify(ref)} has another payload`);
}

export async function walkSecrets(
  store: SecretsManager,
  account: string,
  options: { readonly limit?: number; readonly pageToken?: string } = {},
): Promise<readonly SecretRef[]> {
  const found: SecretRef[] = [];
  let pageToken = options.pageToken;
  for (let page = 0; page < 1_000; page++) {
    const answer = await store.list(account, { ...options, ...(pageToken !== undefined && { pageToken }) });
    assert.ok(answer.secrets.length <= (options.limit ?? 1_000), 'a page longer than its limit');
    found.push(...answer.secrets);
    pageToken = answer.nextPageToken;
    if (pageToken === undefined) return found;
  }
  assert.fail('the listing did not end after 1,000 pages');
}
