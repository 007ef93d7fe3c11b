import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openMemoryStorage } from '@floecat/storage-memory';
import type { PointerStore } from '@floecat/storage-spi';
import { cacheBlobStore, cachePointerStore, InvalidArgumentError } from '@floecat/storage-spi';
import type { SourceMutant, StorageWrapper } from '@floecat/storage-testkit';
import {
  blobContract,
  FakeClock,
  importMutant,
  pointerContract,
  registerContract,
  wrapFixture,
} from '@floecat/storage-testkit';

import type { CacheModule } from './cached-cases.ts';
import { cacheCases } from './cached-cases.ts';
import { openMemoryFixture } from './memory-fixture.ts';

const CACHED: StorageWrapper = {
  name: 'cached',
  wrap: ({ pointers, blobs, secrets }) => ({
    pointers: cachePointerStore(pointers, { stalenessMs: 60_000 }),
    blobs: cacheBlobStore(blobs, { maxBytes: 1024 * 1024 }),
    secrets,
  }),
};

// One client sees no difference, so every law holds for it.
const alone = { wrappers: [] };
const cachedFixture = async (): ReturnType<typeof openMemoryFixture> =>
  wrapFixture(await openMemoryFixture(), CACHED);
registerContract('pointers on memory, cached', pointerContract, cachedFixture, alone);
registerContract('blobs on memory, cached', blobContract, cachedFixture, alone);

for (const { name, holds } of cacheCases) void test(`cached blobs: ${name}`, () => holds({ cacheBlobStore }));

const MUTANTS: readonly SourceMutant[] = [
  {
    bug: 'the cache is keyed wrongly',
    law: 'under its own URI',
    file: 'blob-cache.ts',
    find: 'const blob = this.#blobs.get(uri);\n    if (!blob) return undefined;',
    put: 'const blob = [...this.#blobs].find(([held]) => held.slice(0, 3) === uri.slice(0, 3))?.[1];\n    if (!blob) return undefined;',
  },
  {
    bug: 'a batch is answered in the order of its misses',
    law: 'under its own URI',
    file: 'caching-blob-store.ts',
    find: 'const blob = blobs[i];',
    put: 'const blob = blobs[blobs.length - 1 - i];',
  },
  {
    bug: 'what can change is cached',
    law: 'any other each time',
    file: 'caching-blob-store.ts',
    find: 'return digestInUri(uri) !== undefined;',
    put: 'return digestInUri(uri) !== undefined || true;',
  },
  {
    bug: 'readers share the bytes',
    law: 'does not come back to the next',
    file: 'blob-cache.ts',
    find: 'return { header: blob.header, bytes: new Uint8Array(blob.bytes) };',
    put: 'return blob;',
  },
  {
    bug: 'each reader reads for itself',
    law: 'share one read',
    file: 'shared-calls.ts',
    find: 'this.#calls.get(key) ?? this.#begin(key, work)',
    put: 'this.#begin(key, work)',
  },
  {
    bug: 'who leaves ends the read of all',
    law: 'share one read',
    file: 'shared-calls.ts',
    find: 'if (--call.waiting === 0)',
    put: 'if (--call.waiting >= 0)',
  },
  {
    bug: 'what was deleted while it was read is kept',
    law: 'also where it is being read',
    file: 'caching-blob-store.ts',
    find: 'if (deletes === this.#deletes) this.#cache.set(uri, blob);',
    put: 'this.#cache.set(uri, blob);',
  },
  {
    bug: 'it grows without end',
    law: 'no more bytes than it may',
    file: 'blob-cache.ts',
    find: 'if (this.#bytes <= this.#limit) return;',
    put: 'return;',
  },
  {
    bug: 'the oldest is kept',
    law: 'no more bytes than it may',
    file: 'blob-cache.ts',
    find: 'for (const oldest of this.#blobs.keys()) {',
    put: 'for (const oldest of [...this.#blobs.keys()].toReversed()) {',
  },
];

for (const mutant of MUTANTS)
  void test(`cached blobs where ${mutant.bug}: caught by "${mutant.law}"`, async () => {
    const sources = new URL('../../spi/src/', import.meta.url);
    const module = await importMutant<CacheModule>(sources, 'caching-blob-store.ts', mutant);
    const cases = cacheCases.filter(({ name }) => name.includes(mutant.law));
    assert.equal(cases.length, 1);
    for (const { holds } of cases) await assert.rejects(holds(module), assert.AssertionError);
  });

void test('a cache of nothing, and a staleness of none, are refused', () => {
  const { blobs, pointers } = openMemoryStorage();
  for (const maxBytes of [0, -1, NaN])
    assert.throws(() => cacheBlobStore(blobs, { maxBytes }), InvalidArgumentError);
  for (const stalenessMs of [0, -1, NaN])
    assert.throws(() => cachePointerStore(pointers, { stalenessMs }), InvalidArgumentError);
});

function cachedPointers(maxEntries = 100): {
  readonly inner: PointerStore;
  readonly cached: PointerStore;
  readonly clock: FakeClock;
} {
  const clock = new FakeClock();
  const { pointers } = openMemoryStorage({ clock });
  return {
    inner: pointers,
    cached: cachePointerStore(pointers, { stalenessMs: 1_000, maxEntries, clock }),
    clock,
  };
}

const value = (text: string): { readonly kind: 'value'; readonly value: string } => ({
  kind: 'value',
  value: text,
});
const stale = { consistency: 'eventual' } as const;

void test('cached pointers: only a read that says so may be old, and no older than was said', async () => {
  const { inner, cached, clock } = cachedPointers();
  await inner.compareAndSet('/a', 0, value('1'));
  assert.equal((await cached.get('/a'))?.version, 1);
  await inner.compareAndSet('/a', 1, value('2'));
  clock.advance(1_000);
  assert.equal((await cached.get('/a', stale))?.version, 1, 'remembered');
  assert.deepEqual(
    (await cached.getBatch(['/b', '/a'], stale)).map((row) => row?.version),
    [undefined, 1],
  );
  clock.advance(1);
  assert.equal((await cached.get('/a', stale))?.version, 2, 'too old');
  await inner.compareAndSet('/a', 2, value('3'));
  assert.equal((await cached.get('/a', stale))?.version, 2);
  assert.equal((await cached.get('/a'))?.version, 3, 'a strong read never is');
  assert.equal((await cached.get('/a', stale))?.version, 3);
  assert.equal((await cached.listPointersByPrefix('/', stale)).pointers[0]?.version, 3);
});

void test('cached pointers: what this client writes it does not read old, also where a read was under way', async () => {
  const { inner, cached } = cachedPointers();
  await inner.compareAndSet('/a', 0, value('1'));
  await cached.get('/a');
  await cached.compareAndSet('/a', 1, value('2'));
  assert.equal((await cached.get('/a', stale))?.version, 2);
  const reading = cached.get('/a');
  await cached.compareAndSetBatch([{ op: 'upsert', key: '/a', expected: 2, next: value('3') }]);
  await reading;
  assert.equal((await cached.get('/a', stale))?.version, 3);
  await cached.deleteByPrefix('/a');
  assert.equal(await cached.get('/a', stale), undefined);
});

void test('cached pointers: an expired one is absent however fresh, and the cache is bounded', async () => {
  const { inner, cached, clock } = cachedPointers(2);
  const expiresAt = clock.seconds() + 1;
  await inner.compareAndSet('/a', 0, { ...value('1'), expiresAt });
  assert.ok(await cached.get('/a'));
  clock.advance(1_000);
  assert.equal(await cached.get('/a', stale), undefined);
  for (const key of ['/b', '/c', '/d']) {
    await inner.compareAndSet(key, 0, value('1'));
    await cached.get(key);
    await inner.compareAndSet(key, 1, value('2'));
  }
  const versions = (await cached.getBatch(['/b', '/c', '/d'], stale)).map((row) => row?.version);
  assert.deepEqual(versions, [2, 1, 1]);
});
