import assert from 'node:assert/strict';

import type { BlobStore } from '@floecat/storage-spi';

import { present } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import type { StorageFixture } from '../fixture.ts';
import { absent, blobCase, holds, sha256, walkUris, walkVersions } from './blob-support.ts';

async function clientsOf(fixture: StorageFixture): Promise<readonly [BlobStore, BlobStore]> {
  const first = fixture.storage.blobs;
  return [first, fixture.capabilities.secondClient ? (await fixture.openSecond()).blobs : first];
}

/** Many at once, and two clients. */
export const blobConcurrencyCases: readonly ContractCase[] = [
  blobCase(
    '[88] of 16 puts to one URI all succeed, make one blob, and the latest is what is read',
    async (bench) => {
      const { store, at, fixture } = bench;
      const clients = await clientsOf(fixture);
      const contents = Array.from({ length: 16 }, (_, i) => Buffer.alloc(1_000 + i, i));
      const headers = await Promise.all(
        contents.map((bytes, i) => present(clients[i % 2], 'a client').put(at('a'), bytes)),
      );
      assert.equal(new Set(headers.map((header) => header.versionId)).size, 16);
      assert.deepEqual(await walkUris(store, at('')), [at('a')]);
      const versions = await walkVersions(store, at(''));
      assert.equal(versions.length, 16);
      assert.deepEqual(
        versions.map((version) => version.latest),
        versions.map((_, i) => i === 0),
      );
      const latest = headers.findIndex((header) => header.versionId === versions[0]?.versionId);
      await holds(store, present(headers[latest], 'the latest'), present(contents[latest], 'its bytes'));
    },
  ),

  blobCase('[84] a reader among puts sees a whole blob, old or new, and listings one blob', async (bench) => {
    const { store, at, fixture } = bench;
    const [writer, reader] = await clientsOf(fixture);
    await writer.put(at('a'), Buffer.alloc(100_000, 0));
    const done = new AbortController();
    const write = async (): Promise<void> => {
      for (let i = 1; i <= 20; i++) await writer.put(at('a'), Buffer.alloc(100_000 + i, i));
      done.abort();
    };
    const read = async (): Promise<void> => {
      while (!done.signal.aborted) {
        const { header, bytes } = await reader.get(at('a'));
        assert.equal(bytes.length, header.size);
        assert.equal(sha256(bytes, 'base64'), header.etag);
        assert.equal(new Set(bytes).size, 1, 'a mixture of two puts');
        assert.deepEqual(await walkUris(reader, at('')), [at('a')]);
      }
    };
    await Promise.all([write().finally(() => done.abort()), read(), read()]);
    assert.equal((await store.head(at('a'))).size, 100_020);
  }),

  blobCase('[84] a reader among puts and deletes sees a whole blob or none', async ({ at, fixture }) => {
    const [writer, reader] = await clientsOf(fixture);
    const done = new AbortController();
    const write = async (): Promise<void> => {
      for (let i = 1; i <= 20; i++) {
        await writer.put(at('a'), Buffer.alloc(10_000, i));
        await writer.delete(at('a'));
      }
    };
    const read = async (): Promise<void> => {
      while (!done.signal.aborted) {
        const [blob] = await reader.getBatch([at('a')]);
        if (blob) assert.equal(new Set(blob.bytes).size, 1, 'a mixture of two puts');
      }
    };
    await Promise.all([write().finally(() => done.abort()), read()]);
    await absent(writer, at('a'));
  }),

  blobCase(
    '[16] a second client sees an acknowledged put and delete at once',
    async ({ store, at, fixture }) => {
      const second = (await fixture.openSecond()).blobs;
      for (let i = 0; i < 10; i++) {
        const [writer, reader] = i % 2 === 0 ? [store, second] : [second, store];
        const bytes = Buffer.of(i);
        await holds(reader, await writer.put(at('a'), bytes), bytes);
        assert.deepEqual(await walkUris(reader, at('')), [at('a')]);
      }
      await second.delete(at('a'));
      await absent(store, at('a'));
    },
    'secondClient',
  ),
];
