import assert from 'node:assert/strict';

import { PageTokens } from '@floecat/storage-spi';

import { present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { damagedTokens } from '../damaged-tokens.ts';
import type { PointerBench } from './pointer-support.ts';
import { create, fill, numbered, pageOf, pointerCase, walkKeys } from './pointer-support.ts';

async function someToken({ store, at }: PointerBench): Promise<{ keys: string[]; token: string }> {
  const keys = numbered(at, 'row', 6);
  await fill(store, keys);
  const page = await store.listPointersByPrefix(at(''), { limit: 3 });
  return { keys, token: present(page.nextPageToken, 'the token') };
}

/** Page tokens: bound to store, family and prefix, and checked to the last byte. */
export const tokenCases: readonly ContractCase[] = [
  pointerCase(
    '[43] a token with any byte flipped, cut at any length or made up is refused',
    async (bench) => {
      const { token } = await someToken(bench);
      for (const { damage, text } of damagedTokens(token))
        await refused(bench.store.listPointersByPrefix(bench.at(''), { pageToken: text })).catch(
          (cause: unknown) => {
            throw new assert.AssertionError({ message: `${damage}: ${String(cause)}` });
          },
        );
    },
  ),

  pointerCase('[44] a token of another prefix is refused, longer, shorter or beside it', async (bench) => {
    const { store, at } = bench;
    const { token } = await someToken(bench);
    for (const prefix of ['row', 'row000003', 'x', 'tenant/']
      .map(at)
      .concat(bench.fixture.prefix.slice(0, -1)))
      await refused(store.listPointersByPrefix(prefix, { pageToken: token }), { mentions: ['prefix'] });
  }),

  pointerCase('[44] a token of another store is refused', async (bench) => {
    const { store, at } = bench;
    const { keys } = await someToken(bench);
    const foreign = new PageTokens('01234567-89ab-4cde-8f01-23456789abcd');
    const pageToken = foreign.encode('pointers', at(''), present(keys[2], 'a key'));
    await refused(store.listPointersByPrefix(at(''), { pageToken }), { mentions: ['store'] });
  }),

  pointerCase('[44] a token of a listing of blobs, versions or secrets is refused', async (bench) => {
    const { store, at, fixture } = bench;
    const { keys } = await someToken(bench);
    const own = new PageTokens(fixture.storage.layout.storeId);
    const position = present(keys[2], 'a key');
    for (const family of ['blobs', 'blob-versions', 'secrets', 'scan-bundle'] as const)
      await refused(store.listPointersByPrefix(at(''), { pageToken: own.encode(family, at(''), position) }));
    for (let i = 0; i < 3; i++) await fixture.storage.blobs.put(at(`blob${i}`), Buffer.of(i));
    const blobs = await fixture.storage.blobs.list(at(''), { limit: 1 });
    await refused(store.listPointersByPrefix(at(''), pageOf(blobs)));
  }),

  pointerCase('[45] a token goes on with another limit', async (bench) => {
    const { store, at } = bench;
    const { keys, token } = await someToken(bench);
    for (const limit of [1, 2, 3, 1_000])
      assert.deepEqual(await walkKeys(store, at(''), { limit, pageToken: token }), keys.slice(3));
  }),

  pointerCase(
    '[45] a token from before a restart goes on',
    async (bench) => {
      const { keys, token } = await someToken(bench);
      const { pointers } = await bench.fixture.restart();
      assert.deepEqual(await walkKeys(pointers, bench.at(''), { pageToken: token }), keys.slice(3));
    },
    'restart',
  ),

  pointerCase(
    '[45] a token of one client goes on in another',
    async (bench) => {
      const { keys, token } = await someToken(bench);
      const { pointers } = await bench.fixture.openSecond();
      assert.deepEqual(await walkKeys(pointers, bench.at(''), { pageToken: token }), keys.slice(3));
    },
    'secondClient',
  ),

  pointerCase('pageTokenAfterKey goes on after a key, there or not', async (bench) => {
    const { store, at } = bench;
    const { keys } = await someToken(bench);
    const after = async (key: string): Promise<readonly string[]> =>
      walkKeys(store, at(''), { limit: 2, pageToken: await store.pageTokenAfterKey(at(''), key) });
    for (const [i, key] of keys.entries()) {
      assert.deepEqual(await after(key), keys.slice(i + 1));
      assert.deepEqual(await after(key + '\0'), keys.slice(i + 1));
    }
    assert.deepEqual(await after(at('a')), keys);
    assert.deepEqual(await after(at('z')), []);
  }),

  pointerCase('pageTokenAfterKey is bound to its prefix', async ({ store, at }) => {
    await create(store, at('ab'));
    const mentions = [at('ab/')];
    for (const outside of ['ab', 'aa', 'b'])
      await refused(store.pageTokenAfterKey(at('ab/'), at(outside)), { mentions });
    const pageToken = await store.pageTokenAfterKey(at('a'), at('aa'));
    assert.deepEqual(await walkKeys(store, at('a'), { pageToken }), [at('ab')]);
    await refused(store.listPointersByPrefix(at(''), { pageToken }));
  }),
];
