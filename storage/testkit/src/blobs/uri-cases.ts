import assert from 'node:assert/strict';

import type { BlobHeader } from '@floecat/storage-spi';
import { MAX_KEY_BYTES } from '@floecat/storage-spi';

import { refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { ODD_NAMES, ORDERED_NAMES } from '../odd-names.ts';
import { textOfBytes, utf8Sorted } from '../utf8-order.ts';
import type { BlobBench } from './blob-support.ts';
import { absent, blobCase, bytesOf, fillBlobs, holds, walkUris } from './blob-support.ts';

/** Every URI holds its own bytes, is listed exactly and in order, and goes without taking another along. */
async function keepsApart({ store, at }: BlobBench, uris: readonly string[]): Promise<void> {
  const headers: BlobHeader[] = [];
  for (const uri of uris) headers.push(await store.put(uri, bytesOf(uri)));
  for (const header of headers) await holds(store, header, bytesOf(header.uri));
  assert.deepEqual(
    headers.map((header) => header.uri),
    uris,
  );
  const sorted = utf8Sorted(uris);
  assert.deepEqual(await walkUris(store, at('')), sorted);
  assert.deepEqual(await walkUris(store, at(''), { limit: 1 }), sorted);
  for (const [i, uri] of uris.entries()) {
    await store.delete(uri);
    await absent(store, uri);
    assert.deepEqual(await walkUris(store, at('')), utf8Sorted(uris.slice(i + 1)));
  }
}

async function refusesUri(
  { store, at }: BlobBench,
  uri: string,
  mentions: (string | number)[],
): Promise<void> {
  const bytes = bytesOf('x');
  await refused(store.get(uri), { operation: 'get', mentions });
  await refused(store.getBatch([at('good'), uri]), { operation: 'getBatch', mentions });
  await refused(store.head(uri), { operation: 'head', mentions });
  await refused(store.put(uri, bytes), { operation: 'put', mentions });
  await refused(store.markLost(uri, '1'), { operation: 'markLost', mentions });
  await refused(store.delete(uri), { operation: 'delete', mentions });
  await refused(store.deleteVersion(uri, '1'), { operation: 'deleteVersion', mentions });
  assert.deepEqual(await walkUris(store, at('')), [], 'nothing was written');
}

/** URIs of every kind. */
export const uriCases: readonly ContractCase[] = [
  ...ODD_NAMES.map(({ title, names }) =>
    blobCase(`${title} are blobs of their own`, (bench) => keepsApart(bench, names.map(bench.at))),
  ),

  blobCase('[23] a blob stands beside those below it, to any depth', (bench) =>
    keepsApart(
      bench,
      ['x', 'x/y', 'x/y/z', 'x/', 'x/y/', 'x.', 'x-', 'x0', 'x/y.pb', 'x.pb/y'].map(bench.at),
    ),
  ),

  ...['', '/', 'a', 'accounts/a', ' /a', '\\a'].map((uri) =>
    blobCase(`[22] the blob URI ${JSON.stringify(uri)} is refused everywhere`, (bench) =>
      refusesUri(bench, uri, [uri === '' ? 'empty' : 'starts with /']),
    ),
  ),

  ...['/.floecat/store.json', '/.floecat/', '/.floecat/x/y'].map((uri) =>
    blobCase(`${uri} is the store's own and refused everywhere`, async (bench) => {
      await refusesUri(bench, uri, ["the store's own"]);
      await refused(bench.store.deletePrefix('/.floecat/'), { mentions: ["the store's own"] });
    }),
  ),

  ...['\ud800', 'a\udc00', '\ude00\ud83d'].map((lone) =>
    blobCase(`[28] the lone surrogate ${JSON.stringify(lone)} is refused everywhere`, async (bench) => {
      await refusesUri(bench, bench.at(lone), ['surrogate']);
      for (const call of [
        bench.store.list(bench.at(lone)),
        bench.store.listVersions(bench.at(lone)),
        bench.store.deletePrefix(`${bench.at(lone)}/`),
      ])
        await refused(call, { mentions: ['surrogate'] });
    }),
  ),

  blobCase(
    '[31] order is that of UTF-8 bytes, not of UTF-16, a locale or path segments',
    async ({ store, at }) => {
      const uris = ORDERED_NAMES.map(at);
      await fillBlobs(store, uris);
      for (const limit of [1, 2, 5, 1_000])
        assert.deepEqual(await walkUris(store, at(''), { limit }), utf8Sorted(uris));
    },
  ),

  ...['x', 'é', '😀', '%', '.'].map((unit) =>
    blobCase(
      `[32] URIs of exactly ${MAX_KEY_BYTES} bytes of ${unit} work, one byte more is refused`,
      async (bench) => {
        const { store, at } = bench;
        const longest = textOfBytes(MAX_KEY_BYTES, unit, at('long/'));
        const header = await store.put(longest, bytesOf('x'));
        await holds(store, header, bytesOf('x'));
        assert.deepEqual(await walkUris(store, at('long/'), { limit: 1 }), [longest]);
        assert.equal((await store.listVersions(longest)).versions[0]?.uri, longest);
        await store.deleteVersion(longest, header.versionId);
        await refusesUri(bench, longest + 'x', [MAX_KEY_BYTES, MAX_KEY_BYTES + 1]);
      },
    ),
  ),

  blobCase('[32] URIs of many short segments work', async ({ store, at }) => {
    const deepest = textOfBytes(MAX_KEY_BYTES, 'd/', at(''));
    await holds(store, await store.put(deepest, bytesOf('deep')), bytesOf('deep'));
    assert.deepEqual(await walkUris(store, at('')), [deepest]);
  }),

  blobCase('[34] a tenant never sees another whose name starts alike', async ({ store, at }) => {
    const mine = ['accounts/a/t/1', 'accounts/a/t/2'].map(at);
    const others = [
      'accounts/ab/t/1',
      'accounts/a-/t/1',
      'accounts/a',
      'accounts/A/t/1',
      'accounts/a.b/t/1',
    ].map(at);
    await fillBlobs(store, [...others, ...mine]);
    assert.deepEqual(await walkUris(store, at('accounts/a/')), mine);
    assert.deepEqual(await store.deletePrefix(at('accounts/a/')), { deleted: 2, failed: [] });
    assert.deepEqual(await walkUris(store, at('')), utf8Sorted(others));
  }),
];
