import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import type { BlobHeader } from '@floecat/storage-spi';
import { MAX_BLOB_BYTES } from '@floecat/storage-spi';

import { failsWith, present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import {
  absent,
  addressOf,
  blobCase,
  bytesOf,
  holds,
  sameBytes,
  sha256,
  walkBlobs,
  walkUris,
  walkVersions,
} from './blob-support.ts';

/** What goes in and what comes out. */
export const contentCases: readonly ContractCase[] = [
  blobCase('put answers a full header, and head, get, list and listVersions agree with it', async (bench) => {
    const { store, at, fixture } = bench;
    const bytes = bytesOf('hello');
    const before = fixture.clock.now();
    const header = await store.put(at('a'), bytes);
    assert.equal(header.uri, at('a'));
    assert.equal(header.etag, sha256(bytes, 'base64'));
    assert.equal(header.size, 5);
    assert.equal(header.contentType, 'application/x-protobuf');
    assert.equal('message' in header, false);
    assert.deepEqual(header.tags, {});
    assert.equal(header.createdAt, before);
    assert.ok(Number.isSafeInteger(header.lastModified));
    assert.ok(header.versionId.trim() !== '');
    await holds(store, header, bytes);
    const listed = { uri: at('a'), size: 5, lastModified: header.lastModified };
    assert.deepEqual(await walkBlobs(store, at('')), [listed]);
    const version = { ...listed, versionId: header.versionId, latest: true };
    assert.deepEqual(await walkVersions(store, at('')), [version]);
  }),

  blobCase('[89] content type, message and tags come back', async ({ store, at }) => {
    const options = {
      contentType: 'application/json; charset=utf-8',
      message: 'floecat.catalog.v1.Table',
      tags: { account: 'a-1', 'floecat.kind': 'root' },
    };
    const header = await store.put(at('a'), bytesOf('{}'), options);
    assert.deepEqual({ ...header, ...options }, header);
    await holds(store, header, bytesOf('{}'));
    const plain = await store.put(at('a'), bytesOf('{}'));
    assert.deepEqual(
      [plain.contentType, plain.message, plain.tags],
      ['application/x-protobuf', undefined, {}],
    );
  }),

  ...[0, 1, 2, 4_095, 4_096, 4_097, 1_048_577].map((size) =>
    blobCase(`[77] a blob of ${size} bytes comes back exactly`, async ({ store, at }) => {
      const bytes = randomBytes(size);
      for (const uri of [at('plain'), addressOf(at('x'), bytes)]) {
        const header = await store.put(uri, bytes);
        assert.deepEqual([header.size, header.etag], [size, sha256(bytes, 'base64')]);
        await holds(store, header, bytes);
      }
      for (const listed of await walkBlobs(store, at(''))) assert.equal(listed.size, size);
    }),
  ),

  blobCase(
    `[77] a blob just under and at ${MAX_BLOB_BYTES} bytes works, over is refused`,
    async ({ store, at }) => {
      const bytes = Buffer.alloc(MAX_BLOB_BYTES + 1, 'floecat');
      for (const size of [MAX_BLOB_BYTES - 1, MAX_BLOB_BYTES]) {
        const header = await store.put(at('big'), bytes.subarray(0, size));
        assert.equal(header.size, size);
        sameBytes((await store.get(at('big'))).bytes, bytes.subarray(0, size));
        await store.deleteVersion(at('big'), header.versionId);
      }
      await refused(store.put(at('over'), bytes), {
        operation: 'put',
        key: at('over'),
        mentions: [MAX_BLOB_BYTES, MAX_BLOB_BYTES + 1],
      });
      await absent(store, at('over'));
    },
  ),

  blobCase(
    '[78] putting the same content again works and answers a version of its own',
    async ({ store, at }) => {
      const bytes = bytesOf('same');
      const uri = addressOf(at('x'), bytes);
      const first = await store.put(uri, bytes);
      const second = await store.put(uri, bytes);
      assert.notEqual(second.versionId, first.versionId);
      assert.equal(second.etag, first.etag);
      await holds(store, second, bytes);
      assert.deepEqual(await walkUris(store, at('')), [uri]);
    },
  ),

  blobCase(
    '[79] other content at a content-addressed URI is refused, the original stays',
    async ({ store, at }) => {
      const bytes = bytesOf('original');
      const uri = addressOf(at('x'), bytes);
      const header = await store.put(uri, bytes);
      for (const other of [bytesOf('forged'), bytesOf(''), bytesOf('originam')])
        await refused(store.put(uri, other), {
          operation: 'put',
          key: uri,
          mentions: [sha256(other, 'hex')],
        });
      await holds(store, header, bytes);
      assert.equal((await walkVersions(store, at(''))).length, 1);
    },
  ),

  blobCase(
    '[80] bytes that do not have the digest in their URI are refused, nothing is visible',
    async (bench) => {
      const { store, at } = bench;
      const uri = addressOf(at('x'), bytesOf('declared'));
      await refused(store.put(uri, bytesOf('other')));
      await absent(store, uri);
      assert.deepEqual(await walkVersions(store, at('')), []);
    },
  ),

  blobCase(
    '[80] only a last segment of 64 lower-case hex digits and .pb is a digest',
    async ({ store, at }) => {
      const hex = 'ab'.repeat(32);
      for (const name of [hex, `${hex}.pb/x`, `${hex}0.pb`, `${hex.slice(1)}.pb`, `${hex}.pbx`, `x${hex}.pb`])
        await holds(store, await store.put(at(name), bytesOf('any')), bytesOf('any'));
      await refused(store.put(at(`${hex}.pb`), bytesOf('any')));
    },
  ),

  blobCase('elsewhere a put overwrites, and the version before it stays readable', async ({ store, at }) => {
    const headers: BlobHeader[] = [];
    for (const text of ['one', 'two', 'three']) headers.push(await store.put(at('a'), bytesOf(text)));
    await holds(store, present(headers[2], 'the last header'), bytesOf('three'));
    for (const [i, text] of ['one', 'two', 'three'].entries()) {
      const { versionId } = present(headers[i], 'a header');
      const blob = await store.get(at('a'), { versionId });
      assert.deepEqual(blob.header, headers[i]);
      sameBytes(blob.bytes, bytesOf(text));
      assert.deepEqual(await store.head(at('a'), { versionId }), headers[i]);
    }
  }),

  blobCase('[81] an absent blob, or version, is STORAGE_NOT_FOUND by name', async ({ store, at }) => {
    const { versionId } = await store.put(at('a'), bytesOf('a'));
    for (const operation of ['get', 'head'] as const) {
      await failsWith('STORAGE_NOT_FOUND', store[operation](at('b')), { operation, key: at('b') });
      await failsWith('STORAGE_NOT_FOUND', store[operation](at('b'), { versionId }), {
        operation,
        key: at('b'),
      });
      const unknown = { versionId: `${versionId.slice(0, -1)}${versionId.endsWith('0') ? '9' : '0'}` };
      if (unknown.versionId !== versionId)
        await failsWith('STORAGE_NOT_FOUND', store[operation](at('a'), unknown), {
          mentions: [unknown.versionId],
        });
    }
    await absent(store, at('b'));
  }),

  blobCase('[81] what lies above or below a blob is no blob', async ({ store, at }) => {
    await store.put(at('x/y/z'), bytesOf('z'));
    for (const uri of ['x', 'x/', 'x/y', 'x/y/', 'x/y/z/', 'x/y/z/w', 'x/y/Z'].map(at))
      for (const operation of ['get', 'head'] as const)
        await failsWith('STORAGE_NOT_FOUND', store[operation](uri), { key: uri });
  }),

  blobCase(
    'getBatch answers in the order asked, with duplicates, undefined where absent',
    async ({ store, at }) => {
      const uris = Array.from({ length: 30 }, (_, i) => at(`b${i}`));
      for (const uri of uris) await store.put(uri, bytesOf(uri));
      const asked = [...uris.toReversed(), at('none'), present(uris[0], 'a URI'), at('none'), ...uris];
      const answers = await store.getBatch(asked);
      assert.equal(answers.length, asked.length);
      for (const [i, uri] of asked.entries()) {
        const blob = answers[i];
        if (uri === at('none')) assert.equal(blob, undefined);
        else sameBytes(present(blob, uri).bytes, bytesOf(uri));
      }
      assert.deepEqual(await store.getBatch([]), []);
    },
  ),

  blobCase(
    '[11] bytes changed by the caller after put, or after get, change nothing in the store',
    async (bench) => {
      const { store, at } = bench;
      // A Buffer too, whose slice shares memory instead of copying it.
      for (const bytes of [bytesOf('kept'), Buffer.from('kept')]) {
        const header = await store.put(at('a'), bytes);
        bytes.fill(0);
        await holds(store, header, bytesOf('kept'));
        const [batched] = await store.getBatch([at('a')]);
        for (const blob of [await store.get(at('a')), present(batched, 'the blob')]) blob.bytes.fill(0);
        await holds(store, header, bytesOf('kept'));
      }
    },
  ),

  blobCase(
    '[11] a view into a larger buffer is stored as the view, not the buffer',
    async ({ store, at }) => {
      const whole = new Uint8Array(100).map((_, i) => i);
      const view = whole.subarray(40, 50);
      for (const [i, bytes] of [view, Buffer.from(view.buffer, 40, 10)].entries())
        await holds(store, await store.put(at(`${i}`), bytes), view.slice());
    },
  ),

  blobCase('what is not a Uint8Array is refused', async ({ store, at }) => {
    for (const bad of ['text', new ArrayBuffer(3), [1, 2], new Uint16Array(2), undefined, null])
      await refused(store.put(at('a'), bad as unknown as Uint8Array), { operation: 'put', key: at('a') });
    await absent(store, at('a'));
  }),

  blobCase(
    'a stored byte that changed is STORAGE_CORRUPTION to get and getBatch, and a new put heals it',
    async ({ store, at, fixture }) => {
      const bytes = randomBytes(10_000);
      const header = await store.put(at('a'), bytes);
      const sound = await store.put(at('b'), bytes);
      await fixture.damageBlob(at('a'), header.versionId);
      await failsWith('STORAGE_CORRUPTION', store.get(at('a')), { operation: 'get', key: at('a') });
      const versioned = store.get(at('a'), { versionId: header.versionId });
      await failsWith('STORAGE_CORRUPTION', versioned, { key: at('a') });
      await failsWith('STORAGE_CORRUPTION', store.getBatch([at('b'), at('a')]), { key: at('a') });
      await holds(store, sound, bytes);
      await holds(store, await store.put(at('a'), bytes), bytes);
    },
    'damagesBlobs',
  ),
];
