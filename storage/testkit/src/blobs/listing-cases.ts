import assert from 'node:assert/strict';

import type { BlobStore } from '@floecat/storage-spi';
import { MAX_KEY_BYTES, MAX_PAGE_SIZE, PageTokens } from '@floecat/storage-spi';

import { present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { damagedTokens } from '../damaged-tokens.ts';
import { textOfBytes } from '../utf8-order.ts';
import type { BlobBench } from './blob-support.ts';
import { blobCase, bytesOf, fillBlobs, walkBlobs, walkUris, walkVersions } from './blob-support.ts';

const LISTINGS = ['list', 'listVersions'] as const;

async function filled({ store, at }: BlobBench, count: number, stem = 'b'): Promise<string[]> {
  const uris = Array.from({ length: count }, (_, i) => at(`${stem}${String(i).padStart(5, '0')}`));
  await fillBlobs(store, uris);
  return uris;
}

async function firstToken(
  store: BlobStore,
  listing: (typeof LISTINGS)[number],
  prefix: string,
): Promise<string> {
  const page = await store[listing](prefix, { limit: 3 });
  return present(page.nextPageToken, 'the token');
}

/** list and listVersions: prefixes, pages and tokens. */
export const blobListingCases: readonly ContractCase[] = [
  blobCase(
    '[35] an empty prefix lists the whole store, and nothing of the store itself',
    async ({ store }) => {
      for (const prefix of ['', '/', '/.floecat/', '/.floecat']) {
        assert.deepEqual(await store.list(prefix), { blobs: [] });
        assert.deepEqual(await store.listVersions(prefix), { versions: [] });
      }
      await fillBlobs(store, ['/b', '/a/b', '/\u{10ffff}']);
      assert.deepEqual(await walkUris(store, ''), ['/a/b', '/b', '/\u{10ffff}']);
      assert.deepEqual(await walkUris(store, '/'), ['/a/b', '/b', '/\u{10ffff}']);
    },
    'ownStore',
  ),

  blobCase('[35] a prefix that nothing has lists nothing, without a token', async ({ store, at }) => {
    await store.put(at('a/b'), bytesOf('x'));
    for (const missing of ['b', 'a/b/', 'a/bb', 'A'].map(at)) {
      assert.deepEqual(await store.list(missing), { blobs: [] });
      assert.deepEqual(await store.listVersions(missing), { versions: [] });
    }
    assert.deepEqual(await store.list('no slash'), { blobs: [] });
  }),

  blobCase(
    '[36] a prefix is a plain string: it may end in a segment, and a full URI lists itself',
    async (bench) => {
      const { store, at } = bench;
      const uris = ['ab', 'ab/c', 'abc', 'abc/d'].map(at);
      await fillBlobs(store, [...uris, at('aa'), at('b')]);
      assert.deepEqual(await walkUris(store, at('ab')), uris);
      assert.deepEqual(await walkUris(store, at('abc')), uris.slice(2));
      assert.deepEqual(await walkUris(store, at('abc/d')), uris.slice(3));
    },
  ),

  blobCase(
    '[37] a prefix of the highest code point, and the longest, work; one byte more is refused',
    async (bench) => {
      const { store, at } = bench;
      const uris = ['\u{10ffff}', '\u{10ffff}/a'].map(at);
      await fillBlobs(store, [...uris, at('a')]);
      assert.deepEqual(await walkUris(store, at('\u{10ffff}')), uris);
      const longest = textOfBytes(MAX_KEY_BYTES, 'x', at(''));
      assert.deepEqual(await walkUris(store, longest), []);
      const mentions = [MAX_KEY_BYTES, MAX_KEY_BYTES + 1];
      await refused(store.list(longest + 'x'), { operation: 'list', mentions });
      await refused(store.listVersions(longest + 'x'), { operation: 'listVersions', mentions });
      await refused(store.deletePrefix(longest + '/'), { operation: 'deletePrefix', mentions });
    },
  ),

  blobCase('[38] a page limit below 1 is refused, every other one walks all blobs once', async (bench) => {
    const { store, at } = bench;
    const uris = await filled(bench, 11);
    for (const operation of LISTINGS)
      for (const limit of [0, -1, 0.5, Number.NaN, -Infinity])
        await refused(store[operation](at(''), { limit }), { operation, mentions: [limit] });
    for (const limit of [1, 2, 3, 10, 11, 12, 1e9, Infinity]) {
      assert.deepEqual(await walkUris(store, at(''), { limit }), uris);
      const versions = await walkVersions(store, at(''), { limit });
      assert.deepEqual(
        versions.map((version) => version.uri),
        uris,
      );
    }
  }),

  blobCase(
    `[38] [86] more than ${MAX_PAGE_SIZE} blobs come in pages of at most that, and go in one deletePrefix`,
    async (bench) => {
      const { store, at } = bench;
      const uris = await filled(bench, MAX_PAGE_SIZE + 1, 'many/');
      for (const options of [{}, { limit: 1e9 }]) {
        const { blobs, nextPageToken } = await store.list(at(''), options);
        assert.ok(blobs.length <= MAX_PAGE_SIZE && nextPageToken !== undefined);
        assert.deepEqual(await walkUris(store, at(''), { ...options, limit: MAX_PAGE_SIZE }), uris);
      }
      const { versions } = await store.listVersions(at(''), { limit: 1e9 });
      assert.ok(versions.length <= MAX_PAGE_SIZE);
      assert.deepEqual(await store.deletePrefix(at('many/')), { deleted: uris.length, failed: [] });
    },
  ),

  blobCase(
    '[42] a token whose blob was deleted goes on from where it stood',
    async (bench) => {
      const { store, at } = bench;
      const uris = await filled(bench, 8);
      for (const listing of LISTINGS) {
        const pageToken = await firstToken(store, listing, at(''));
        const third = present(uris[2], 'a URI');
        const header = await store.head(third);
        await store.deleteVersion(third, header.versionId);
        const rest =
          listing === 'list'
            ? await walkUris(store, at(''), { pageToken })
            : (await walkVersions(store, at(''), { pageToken })).map((version) => version.uri);
        assert.deepEqual(rest, uris.slice(3), listing);
        await store.put(third, bytesOf('again'));
      }
    },
    'versionedDeletes',
  ),

  ...LISTINGS.map((listing) =>
    blobCase(`[43] a damaged token is refused by ${listing}`, async (bench) => {
      await filled(bench, 6);
      const token = await firstToken(bench.store, listing, bench.at(''));
      for (const { damage, text } of damagedTokens(token))
        await refused(bench.store[listing](bench.at(''), { pageToken: text })).catch((cause: unknown) => {
          throw new assert.AssertionError({ message: `${damage}: ${String(cause)}` });
        });
    }),
  ),

  blobCase('[44] a token of another prefix, store or listing is refused', async (bench) => {
    const { store, at, fixture } = bench;
    const uris = await filled(bench, 6);
    const foreign = new PageTokens('01234567-89ab-4cde-8f01-23456789abcd');
    const own = new PageTokens(fixture.storage.layout.storeId);
    for (const listing of LISTINGS) {
      const pageToken = await firstToken(store, listing, at(''));
      for (const prefix of ['b', 'b00003', 'x/'].map(at))
        await refused(store[listing](prefix, { pageToken }), { mentions: ['prefix'] });
      const family = listing === 'list' ? 'blobs' : 'blob-versions';
      const position = present(uris[2], 'a URI');
      await refused(store[listing](at(''), { pageToken: foreign.encode(family, at(''), position) }), {
        mentions: ['store'],
      });
      const otherListing = listing === 'list' ? 'listVersions' : 'list';
      await refused(store[otherListing](at(''), { pageToken }));
      await refused(store[listing](at(''), { pageToken: own.encode('pointers', at(''), position) }));
    }
  }),

  blobCase('[45] [46] a token goes on with another limit, and twice with the same page', async (bench) => {
    const { store, at } = bench;
    const uris = await filled(bench, 8);
    const pageToken = await firstToken(store, 'list', at(''));
    for (const limit of [1, 2, 5, 1_000])
      assert.deepEqual(await walkUris(store, at(''), { limit, pageToken }), uris.slice(3));
    const again = { limit: 2, pageToken };
    assert.deepEqual(await store.list(at(''), again), await store.list(at(''), again));
  }),

  blobCase(
    '[45] a token from before a restart goes on',
    async (bench) => {
      const uris = await filled(bench, 8);
      const tokens = await Promise.all(
        LISTINGS.map((listing) => firstToken(bench.store, listing, bench.at(''))),
      );
      const { blobs } = await bench.fixture.restart();
      const [listed = '', versions = ''] = tokens;
      assert.deepEqual(await walkUris(blobs, bench.at(''), { pageToken: listed }), uris.slice(3));
      assert.equal((await walkVersions(blobs, bench.at(''), { pageToken: versions })).length, 5);
    },
    'restart',
  ),

  blobCase(
    '[47] [48] blobs put and deleted around the cursor: ahead shows, behind does not',
    async (bench) => {
      const { store, at } = bench;
      const uris = await filled(bench, 8);
      const pageToken = await firstToken(store, 'list', at(''));
      await fillBlobs(store, [at('b00001+'), at('b00005+')]);
      await store.delete(at('b00000'));
      await store.delete(at('b00006'));
      const rest = uris.slice(3).filter((uri) => uri !== at('b00006'));
      rest.splice(3, 0, at('b00005+'));
      assert.deepEqual(await walkUris(store, at(''), { pageToken }), rest);
    },
  ),

  blobCase('[49] deleting every blob while walking ends, and skips none', async (bench) => {
    const { store, at } = bench;
    const uris = await filled(bench, 20);
    const seen: string[] = [];
    let pageToken: string | undefined;
    for (let page = 0; page < 100; page++) {
      const answer = await store.list(at(''), { limit: 3, ...(pageToken !== undefined && { pageToken }) });
      for (const { uri } of answer.blobs) {
        seen.push(uri);
        await store.delete(uri);
      }
      pageToken = answer.nextPageToken;
      if (pageToken === undefined) break;
    }
    assert.deepEqual(seen, uris);
    assert.deepEqual(await walkBlobs(store, at('')), []);
  }),

  blobCase(
    '[50] [87] a listing includes every acknowledged put and agrees with head',
    async ({ store, at }) => {
      for (let i = 1; i <= 12; i++) {
        const header = await store.put(at(`b${i % 7}`), bytesOf('x'.repeat(i)));
        const listed = (await walkBlobs(store, at(''))).find((blob) => blob.uri === header.uri);
        assert.deepEqual(listed, { uri: header.uri, size: i, lastModified: header.lastModified });
        const head = await store.head(header.uri);
        assert.deepEqual(
          [head.size, head.lastModified, head.versionId],
          [i, header.lastModified, header.versionId],
        );
      }
    },
  ),
];
