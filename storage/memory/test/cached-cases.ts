import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import { openMemoryStorage } from '@floecat/storage-memory';
import type * as cacheModule from '../../spi/src/caching-blob-store.ts';
import type { BlobStore } from '@floecat/storage-spi';
import { StorageNotFoundError } from '@floecat/storage-spi';

export type CacheModule = typeof cacheModule;

/** What must hold of cached blobs beside the contract. */
export interface CacheCase {
  readonly name: string;
  readonly holds: (module: CacheModule) => Promise<void>;
}

interface Watched {
  readonly inner: BlobStore;
  readonly cached: BlobStore;
  /** The reads that came through to the store. */
  readonly reads: string[];
  /** What the answer of each read waits for. */
  gate: Promise<void> | undefined;
}

function watched({ cacheBlobStore }: CacheModule, maxBytes = 1024 * 1024): Watched {
  const { blobs } = openMemoryStorage();
  const state: Watched = { inner: blobs, reads: [], gate: undefined, cached: blobs };
  const spy = new Proxy(blobs, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        const call = member as (...all: unknown[]) => Promise<unknown>;
        if (name !== 'get' && name !== 'getBatch') return call.apply(target, args);
        state.reads.push(...[args[0] as string | string[]].flat());
        const answer = await call.apply(target, args);
        await state.gate;
        const { signal } = (args[1] ?? {}) as { signal?: AbortSignal };
        signal?.throwIfAborted();
        return answer;
      };
    },
  });
  return Object.assign(state, { cached: cacheBlobStore(spy, { maxBytes }) });
}

function blobOf(text: string): { readonly uri: string; readonly bytes: Uint8Array } {
  const bytes = Buffer.from(text);
  return { uri: `/a/${createHash('sha256').update(bytes).digest('hex')}.pb`, bytes };
}

function textOf(blob: { readonly bytes: Uint8Array } | undefined): string | undefined {
  return blob && Buffer.from(blob.bytes).toString();
}

export const cacheCases: readonly CacheCase[] = [
  {
    name: 'a blob whose URI carries its digest is read once; any other each time',
    holds: async (module) => {
      const { inner, cached, reads } = watched(module);
      const { uri, bytes } = blobOf('one');
      await inner.put(uri, bytes);
      await inner.put('/a/marker', Buffer.from('old'));
      for (let i = 0; i < 3; i++) assert.equal(textOf(await cached.get(uri)), 'one');
      assert.equal(textOf(await cached.get('/a/marker')), 'old');
      await inner.put('/a/marker', Buffer.from('new'));
      assert.equal(textOf(await cached.get('/a/marker')), 'new');
      assert.equal(textOf((await cached.getBatch(['/a/marker']))[0]), 'new');
      await inner.put('/a/marker', Buffer.from('newest'));
      assert.equal(textOf((await cached.getBatch(['/a/marker']))[0]), 'newest');
      assert.deepEqual(reads, [uri, ...Array<string>(4).fill('/a/marker')]);
    },
  },
  {
    name: 'each blob is answered under its own URI',
    holds: async (module) => {
      const { inner, cached } = watched(module);
      const blobs = ['one', 'two', 'three'].map(blobOf);
      for (const { uri, bytes } of blobs) await inner.put(uri, bytes);
      const uris = blobs.map(({ uri }) => uri);
      for (let round = 0; round < 2; round++) {
        const absent = blobOf('absent').uri;
        const batch = await cached.getBatch([uris[2] ?? '', absent, uris[0] ?? '', uris[2] ?? '']);
        assert.deepEqual(batch.map(textOf), ['three', undefined, 'one', 'three']);
        for (const [i, uri] of uris.entries())
          assert.equal(textOf(await cached.get(uri)), ['one', 'two', 'three'][i]);
      }
    },
  },
  {
    name: 'what a reader does to the bytes that it got does not come back to the next',
    holds: async (module) => {
      const { inner, cached } = watched(module);
      const [one, two] = [blobOf('one'), blobOf('two')];
      await inner.put(one.uri, one.bytes);
      const mine = Buffer.from(two.bytes);
      await cached.put(two.uri, mine);
      mine.fill(0);
      for (const { uri, bytes } of [one, two])
        for (let i = 0; i < 2; i++) {
          const got = await cached.get(uri);
          assert.equal(textOf(got), Buffer.from(bytes).toString());
          got.bytes.fill(0);
          for (const blob of await cached.getBatch([uri])) blob?.bytes.fill(0);
        }
    },
  },
  {
    name: 'readers of one blob at the same time share one read; one of them may leave, and its bytes are its own',
    holds: async (module) => {
      const world = watched(module);
      const { inner, cached, reads } = world;
      const { uri, bytes } = blobOf('one');
      await inner.put(uri, bytes);
      const { promise, resolve: open } = Promise.withResolvers<void>();
      world.gate = promise;
      const leaving = new AbortController();
      const left = cached.get(uri, { signal: leaving.signal });
      const staying = [cached.get(uri), cached.get(uri)];
      const reason = new Error('no time');
      leaving.abort(reason);
      await assert.rejects(left, { code: 'STORAGE_ABORT_RETRYABLE', cause: reason });
      open();
      const stayed = await Promise.allSettled(staying);
      const [first, second] = stayed.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      first?.bytes.fill(0);
      assert.equal(textOf(second), 'one');
      assert.deepEqual(reads, [uri]);
    },
  },
  {
    name: 'a read that all have left is given up, and the next one begins anew',
    holds: async (module) => {
      const world = watched(module);
      const { inner, cached, reads } = world;
      const { uri, bytes } = blobOf('one');
      await inner.put(uri, bytes);
      const { promise, resolve: open } = Promise.withResolvers<void>();
      world.gate = promise;
      const leaving = new AbortController();
      const left = cached.get(uri, { signal: leaving.signal });
      leaving.abort(new Error('no time'));
      await assert.rejects(left, { code: 'STORAGE_ABORT_RETRYABLE' });
      world.gate = undefined;
      assert.equal(textOf(await cached.get(uri)), 'one');
      open();
      await setImmediate();
      assert.deepEqual(reads, [uri, uri]);
    },
  },
  {
    name: 'a read that failed is not remembered',
    holds: async (module) => {
      const { inner, cached } = watched(module);
      const { uri, bytes } = blobOf('late');
      await assert.rejects(cached.get(uri), StorageNotFoundError);
      assert.deepEqual(await cached.getBatch([uri]), [undefined]);
      await inner.put(uri, bytes);
      assert.equal(textOf(await cached.get(uri)), 'late');
    },
  },
  {
    name: 'what is deleted through it is gone, also where it is being read',
    holds: async (module) => {
      const deletes: ((store: BlobStore, uri: string) => Promise<unknown>)[] = [
        (store, uri) => store.delete(uri),
        async (store, uri) => store.deleteVersion(uri, (await store.head(uri)).versionId),
        (store) => store.deletePrefix('/a/'),
      ];
      for (const remove of deletes) {
        const world = watched(module);
        const { inner, cached } = world;
        const { uri, bytes } = blobOf('one');
        await cached.put(uri, bytes);
        await remove(cached, uri);
        await assert.rejects(cached.get(uri), StorageNotFoundError);
        await inner.put(uri, bytes);
        const { promise, resolve: open } = Promise.withResolvers<void>();
        world.gate = promise;
        // The store has answered, and its answer is on the way.
        const reading = cached.get(uri).catch(() => undefined);
        await setImmediate();
        await remove(cached, uri);
        open();
        await reading;
        await assert.rejects(cached.get(uri), StorageNotFoundError);
      }
    },
  },
  {
    name: 'it holds no more bytes than it may, those that were read last, and no blob that is too big a part of it',
    holds: async (module) => {
      const { inner, cached, reads } = watched(module, 64 * 1024);
      const blobs = Array.from({ length: 12 }, (_, i) =>
        blobOf(
          String(i)
            .repeat(7 * 1024)
            .slice(0, 7 * 1024),
        ),
      );
      const big = blobOf('b'.repeat(9 * 1024));
      for (const { uri, bytes } of [...blobs, big]) await inner.put(uri, bytes);
      for (const { uri } of blobs) await cached.get(uri);
      await cached.get(big.uri);
      reads.length = 0;
      // Eight of them fit.
      for (const { uri } of blobs.slice(4)) await cached.get(uri);
      assert.deepEqual(reads, []);
      await cached.get(blobs[3]?.uri ?? '');
      await cached.get(blobs[4]?.uri ?? '');
      await cached.get(big.uri);
      await cached.get(big.uri);
      assert.deepEqual(reads, [blobs[3]?.uri, blobs[4]?.uri, big.uri, big.uri]);
    },
  },
];
