import assert from 'node:assert/strict';

import type { SecretRef } from '@floecat/storage-spi';
import { PageTokens } from '@floecat/storage-spi';

import { present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { damagedTokens } from '../damaged-tokens.ts';
import type { SecretsBench } from './secrets-support.ts';
import { payloadOf, secretsCase, walkSecrets } from './secrets-support.ts';

async function filled({ store, ref }: SecretsBench): Promise<{ refs: SecretRef[]; token: string }> {
  const refs = Array.from({ length: 9 }, (_, i) => ref(`id${i}`, i < 5 ? 'a' : 'b'));
  for (const each of refs) await store.put(each, payloadOf(each.id));
  const page = await store.list(ref('').account, { limit: 4 });
  return { refs, token: present(page.nextPageToken, 'the token') };
}

/** Listings of an account's secrets. */
export const secretListingCases: readonly ContractCase[] = [
  secretsCase(
    '[31] secrets are listed in UTF-8 order of type, then id, whatever the types contain',
    async (bench) => {
      const { store, ref, account } = bench;
      const types = ['a', 'a\0', 'a\u0001', 'a!', 'a/', 'a/b', 'aa', 'é', '\uff61', '\u{10000}'];
      const ids = ['\n', '!', '%', '.', '/', '0', 'Z', 'z', '\uffff', '\u{10ffff}'];
      const refs = types.flatMap((type) => ids.map((id) => ref(id, type)));
      for (const each of refs.toReversed()) await store.put(each, payloadOf('x'));
      assert.deepEqual(await walkSecrets(store, account('a')), refs);
      assert.deepEqual(await walkSecrets(store, account('a'), { limit: 7 }), refs);
    },
  ),

  secretsCase(
    '[38] a page limit below 1 is refused, every other one walks all secrets once',
    async (bench) => {
      const { store, account } = bench;
      const { refs } = await filled(bench);
      for (const limit of [0, -1, 0.5, Number.NaN, -Infinity])
        await refused(store.list(account('a'), { limit }), { operation: 'list secrets', mentions: [limit] });
      for (const limit of [1, 2, 4, 8, 9, 10, 1e9, Infinity])
        assert.deepEqual(await walkSecrets(store, account('a'), { limit }), refs);
    },
  ),

  secretsCase('[43] a damaged token is refused', async (bench) => {
    const { token } = await filled(bench);
    for (const { damage, text } of damagedTokens(token))
      await refused(bench.store.list(bench.account('a'), { pageToken: text })).catch((cause: unknown) => {
        throw new assert.AssertionError({ message: `${damage}: ${String(cause)}` });
      });
  }),

  secretsCase('[44] a token of another account, store or listing is refused', async (bench) => {
    const { store, account, fixture } = bench;
    const { token } = await filled(bench);
    for (const other of ['b', 'aa', 'a/', 'A'].map(account))
      await refused(store.list(other, { pageToken: token }));
    const { prefix } = fixture;
    for (let i = 0; i < 2; i++)
      await fixture.storage.pointers.compareAndSet(`${prefix}${i}`, 0, { kind: 'value', value: '' });
    const page = await fixture.storage.pointers.listPointersByPrefix(prefix, { limit: 1 });
    await refused(
      store.list(account('a'), { pageToken: present(page.nextPageToken, 'a token of pointers') }),
    );
    const foreign = new PageTokens('01234567-89ab-4cde-8f01-23456789abcd');
    await refused(store.list(account('a'), { pageToken: foreign.encode('secrets', account('a'), '/a/id3') }));
  }),

  secretsCase(
    '[42] [45] [46] a token goes on with another limit, twice, and after its secret is gone',
    async (bench) => {
      const { store, account } = bench;
      const { refs, token: pageToken } = await filled(bench);
      for (const limit of [1, 2, 5, 1_000])
        assert.deepEqual(await walkSecrets(store, account('a'), { limit, pageToken }), refs.slice(4));
      await store.delete(present(refs[3], 'the secret at the cursor'));
      await store.delete(present(refs[6], 'a secret ahead'));
      assert.deepEqual(
        await walkSecrets(store, account('a'), { pageToken }),
        refs.filter((_, i) => i >= 4 && i !== 6),
      );
    },
  ),

  secretsCase(
    '[45] a token from before a restart goes on',
    async (bench) => {
      const { refs, token: pageToken } = await filled(bench);
      const { secrets } = await bench.fixture.restart();
      assert.deepEqual(await walkSecrets(secrets, bench.account('a'), { pageToken }), refs.slice(4));
    },
    'restart',
  ),
];
