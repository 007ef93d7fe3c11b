import assert from 'node:assert/strict';

import type { BlobHeader, BlobStore } from '@floecat/storage-spi';
import { LOST_TAG, MAX_VERSION_ID_CHARS } from '@floecat/storage-spi';

import { failsWith, present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import {
  absent,
  blobCase,
  bytesOf,
  fillBlobs,
  holds,
  sameBytes,
  walkUris,
  walkVersions,
} from './blob-support.ts';

const BAD_VERSION_IDS = ['', ' ', '\t\n', 'x'.repeat(MAX_VERSION_ID_CHARS + 1), undefined, 7] as string[];

async function putVersions(store: BlobStore, uri: string, texts: readonly string[]): Promise<BlobHeader[]> {
  const headers: BlobHeader[] = [];
  for (const text of texts) headers.push(await store.put(uri, bytesOf(text)));
  return headers;
}

function newestFirst(headers: readonly BlobHeader[], latest = headers.at(-1)): object[] {
  return headers.toReversed().map((header) => ({
    uri: header.uri,
    versionId: header.versionId,
    size: header.size,
    lastModified: header.lastModified,
    latest: header === latest,
  }));
}

/** Versions of a blob: their ids, their listing, their deletion, their marks. */
export const versionCases: readonly ContractCase[] = [
  blobCase(
    'every put makes a version id of its own, also for the same bytes and other URIs',
    async (bench) => {
      const { store, at } = bench;
      const headers = [
        ...(await putVersions(store, at('a'), ['same', 'same', 'same'])),
        ...(await putVersions(store, at('b'), ['same', 'same'])),
      ];
      assert.equal(new Set(headers.map(({ uri, versionId }) => `${uri} ${versionId}`)).size, 5);
    },
  ),

  blobCase(
    'a new version id sorts after those of the blob, also after deletes, restarts and in another client',
    async ({ store, at, fixture }) => {
      const { capabilities, clock } = fixture;
      const ids: string[] = [];
      const put = async (into: BlobStore): Promise<BlobHeader> => {
        const header = await into.put(at('a'), bytesOf('x'));
        ids.push(header.versionId);
        return header;
      };
      for (let i = 0; i < 12; i++) await put(store);
      await store.deleteVersion(at('a'), (await put(store)).versionId);
      await put(store);
      clock.setWall(clock.now() - 3_600_000);
      await put(store);
      if (capabilities.secondClient) {
        const second = (await fixture.openSecond()).blobs;
        for (let i = 0; i < 6; i++) await put(i % 2 === 0 ? second : store);
      }
      if (capabilities.restart) {
        const { blobs } = await fixture.restart();
        for (let i = 0; i < 3; i++) await put(blobs);
      }
      assert.deepEqual(ids.toSorted(), ids);
      assert.equal(new Set(ids).size, ids.length);
    },
    'orderedVersionIds',
  ),

  blobCase(
    'listVersions goes by URI, then newest first, and flags the latest of each',
    async ({ store, at }) => {
      const a = await putVersions(store, at('a'), ['1', '22', '333']);
      const slash = await putVersions(store, at('a/x'), ['4444']);
      const b = await putVersions(store, at('b'), ['1', '22']);
      const expected = [a, slash, b].flatMap((headers) => newestFirst(headers));
      for (const limit of [1, 2, 3, 4, 5, 6, 1_000])
        assert.deepEqual(await walkVersions(store, at(''), { limit }), expected, `limit ${limit}`);
      assert.deepEqual(await walkVersions(store, at('a/')), newestFirst(slash));
    },
  ),

  blobCase(
    'listVersions goes on after a version that was deleted, and does not show newer ones behind the cursor',
    async ({ store, at }) => {
      const a = await putVersions(store, at('a'), ['1', '22', '333', '4444']);
      const { nextPageToken: pageToken, versions } = await store.listVersions(at(''), { limit: 2 });
      assert.ok(pageToken !== undefined);
      assert.deepEqual(versions, newestFirst(a).slice(0, 2));
      await store.deleteVersion(at('a'), present(a[2], 'the version at the cursor').versionId);
      await store.put(at('a'), bytesOf('55555'));
      const rest = await walkVersions(store, at(''), { pageToken });
      assert.deepEqual(
        rest,
        newestFirst(a.slice(0, 2), undefined).map((each) => ({ ...each, latest: false })),
      );
    },
    'versionedDeletes',
    'orderedVersionIds',
  ),

  blobCase('[85] deleting an absent blob succeeds, also twice', async ({ store, at }) => {
    const header = await store.put(at('a'), bytesOf('a'));
    await store.delete(at('b'));
    await store.delete(at('a/'));
    await holds(store, header, bytesOf('a'));
    await store.delete(at('a'));
    await store.delete(at('a'));
    await absent(store, at('a'));
  }),

  blobCase(
    'a deleted blob of many versions is absent, and a later put brings back only itself',
    async (bench) => {
      const { store, at } = bench;
      await putVersions(store, at('a'), ['1', '2', '3']);
      await store.delete(at('a'));
      await absent(store, at('a'));
      const header = await store.put(at('a'), bytesOf('new'));
      await holds(store, header, bytesOf('new'));
      assert.deepEqual(
        (await walkVersions(store, at('a')))
          .filter((version) => version.latest)
          .map((version) => version.versionId),
        [header.versionId],
      );
    },
  ),

  blobCase('supportsVersionedDeletes answers what the backend declares', async ({ store, fixture }) => {
    assert.equal(await store.supportsVersionedDeletes(), fixture.capabilities.versionedDeletes);
  }),

  blobCase(
    '[85] deleteVersion of a superseded version leaves the latest and every other',
    async ({ store, at }) => {
      const [one, two, three] = await putVersions(store, at('a'), ['1', '2', '3']);
      assert.ok(one && two && three);
      await store.deleteVersion(at('a'), two.versionId);
      await holds(store, three, bytesOf('3'));
      const gone = { versionId: two.versionId };
      await failsWith('STORAGE_NOT_FOUND', store.get(at('a'), gone));
      await failsWith('STORAGE_NOT_FOUND', store.head(at('a'), gone));
      sameBytes((await store.get(at('a'), { versionId: one.versionId })).bytes, bytesOf('1'));
      assert.deepEqual(await walkVersions(store, at('a')), newestFirst([one, three]));
    },
    'versionedDeletes',
  ),

  blobCase(
    'deleteVersion of the latest makes the one before it the latest, of the only one makes the blob absent',
    async ({ store, at }) => {
      const [one, two] = await putVersions(store, at('a'), ['1', '2']);
      assert.ok(one && two);
      await store.put(at('b'), bytesOf('b'));
      await store.deleteVersion(at('a'), two.versionId);
      await holds(store, one, bytesOf('1'));
      assert.deepEqual(await walkVersions(store, at('a')), newestFirst([one]));
      assert.deepEqual((await store.list(at('a'))).blobs[0]?.size, 1);
      await store.deleteVersion(at('a'), one.versionId);
      await absent(store, at('a'));
      assert.deepEqual(await walkUris(store, at('')), [at('b')]);
    },
    'versionedDeletes',
  ),

  blobCase(
    'deleteVersion of an absent version, or of one of another blob, deletes nothing',
    async ({ store, at }) => {
      const [one, two] = await putVersions(store, at('a'), ['1', '2']);
      const other = await store.put(at('b'), bytesOf('b'));
      assert.ok(one && two);
      if (other.versionId !== one.versionId && other.versionId !== two.versionId)
        await store.deleteVersion(at('a'), other.versionId);
      await store.deleteVersion(at('absent'), one.versionId);
      assert.deepEqual(await walkVersions(store, at('a')), newestFirst([one, two]));
      await holds(store, other, bytesOf('b'));
      await store.deleteVersion(at('a'), two.versionId);
      await store.deleteVersion(at('a'), two.versionId);
      await holds(store, one, bytesOf('1'));
    },
    'versionedDeletes',
  ),

  blobCase('a version id that is blank, too long or none is refused', async ({ store, at }) => {
    const headers = await putVersions(store, at('a'), ['1', '2']);
    for (const bad of BAD_VERSION_IDS) {
      await refused(store.deleteVersion(at('a'), bad), { operation: 'deleteVersion', key: at('a') });
      await refused(store.markLost(at('a'), bad), { operation: 'markLost', key: at('a') });
      if (bad === undefined) continue;
      await refused(store.get(at('a'), { versionId: bad }), { operation: 'get', key: at('a') });
      await refused(store.head(at('a'), { versionId: bad }), { operation: 'head', key: at('a') });
    }
    assert.deepEqual(await walkVersions(store, at('')), newestFirst(headers));
  }),

  blobCase(
    'markLost tags one version and leaves the bytes, the other tags and the other versions',
    async (bench) => {
      const { store, at } = bench;
      const tags = { kind: 'root' };
      const first = await store.put(at('a'), bytesOf('1'), { tags });
      const second = await store.put(at('a'), bytesOf('2'), { tags });
      for (let twice = 0; twice < 2; twice++) await store.markLost(at('a'), first.versionId);
      const marked = await store.get(at('a'), { versionId: first.versionId });
      assert.deepEqual(marked.header, { ...first, tags: { ...tags, [LOST_TAG]: 'true' } });
      sameBytes(marked.bytes, bytesOf('1'));
      assert.deepEqual(await store.head(at('a'), { versionId: first.versionId }), marked.header);
      await holds(store, second, bytesOf('2'));
      assert.deepEqual(await walkVersions(store, at('')), newestFirst([first, second]));
      await store.markLost(at('a'), second.versionId);
      assert.deepEqual((await store.head(at('a'))).tags, { ...tags, [LOST_TAG]: 'true' });
    },
  ),

  blobCase(
    'markLost of an absent blob or version does nothing',
    async ({ store, at }) => {
      const header = await store.put(at('a'), bytesOf('a'));
      await store.markLost(at('b'), header.versionId);
      await store.deleteVersion(at('a'), header.versionId);
      await store.markLost(at('a'), header.versionId);
      await absent(store, at('a'));
      await absent(store, at('b'));
    },
    'versionedDeletes',
  ),

  blobCase(
    '[86] deletePrefix takes what lies below, with all its versions, and no sibling',
    async ({ store, at }) => {
      const siblings = ['a', 'a-b', 'a.b', 'a0', 'a1/x', 'b/a/x'].map(at);
      await fillBlobs(store, [...siblings, ...['a/', 'a/1', 'a/1/2', 'a/\u{10ffff}'].map(at)]);
      await store.put(at('a/1'), bytesOf('a second version'));
      assert.deepEqual(await store.deletePrefix(at('a/')), { deleted: 4, failed: [] });
      assert.deepEqual(await walkUris(store, at('')), siblings);
      await absent(store, at('a/1'));
      assert.deepEqual(await store.deletePrefix(at('a/')), { deleted: 0, failed: [] });
    },
  ),

  blobCase('deletePrefix refuses a prefix that would take siblings', async ({ store, at }) => {
    await fillBlobs(store, [at('a/1'), at('a/10')]);
    for (const prefix of [at('a'), at('a/1')])
      await refused(store.deletePrefix(prefix), { operation: 'deletePrefix', mentions: ['/'] });
    assert.equal((await walkUris(store, at(''))).length, 2);
  }),

  blobCase(
    'deletePrefix of everything says so, empties the store, and leaves it in working order',
    async ({ store, fixture }) => {
      await fillBlobs(store, ['/a', '/b/c']);
      for (const prefix of ['', '/']) {
        await refused(store.deletePrefix(prefix), { mentions: ['everything'] });
        await refused(store.deletePrefix(prefix, { everything: false }), { mentions: ['everything'] });
      }
      assert.equal((await walkUris(store, '')).length, 2);
      assert.deepEqual(await store.deletePrefix('/', { everything: true }), { deleted: 2, failed: [] });
      assert.deepEqual(await walkUris(store, ''), []);
      await store.put('/a', bytesOf('a'));
      assert.deepEqual(await store.deletePrefix('', { everything: true }), { deleted: 1, failed: [] });
      const again = fixture.capabilities.restart ? (await fixture.restart()).blobs : store;
      await holds(again, await again.put('/a', bytesOf('again')), bytesOf('again'));
    },
    'ownStore',
  ),
];
