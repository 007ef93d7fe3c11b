import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import type {
  BatchOperation,
  BlobStore,
  PointerStore,
  PointerWrite,
  SecretsManager,
} from '@floecat/storage-spi';
import * as spi from '@floecat/storage-spi';

const UUID = '01234567-89ab-4cde-8f01-23456789abcd';
const VALUE: PointerWrite = { kind: 'value', value: 'x' };
const LONG = 'x'.repeat(spi.MAX_KEY_BYTES + 1);

type AnyStore = PointerStore & BlobStore & SecretsManager;

/** A store that records what reaches it and answers nothing. */
function recorder(): { readonly store: AnyStore; readonly reached: (readonly unknown[])[] } {
  const reached: (readonly unknown[])[] = [];
  const store = new Proxy({} as AnyStore, {
    get: (_target, name) =>
      name === 'then'
        ? undefined
        : (...args: readonly unknown[]): Promise<undefined> => {
            reached.push([name, ...args]);
            return Promise.resolve(undefined);
          },
  });
  return { store, reached };
}

async function refusesAll(
  calls: readonly (() => Promise<unknown>)[],
  reached: readonly unknown[],
): Promise<void> {
  for (const call of calls) {
    await assert.rejects(call(), { name: 'InvalidArgumentError', code: 'INVALID_ARGUMENT' }, String(call));
    assert.deepEqual(reached, [], `reached the backend: ${String(call)}`);
  }
}

void test('pointers: what is refused never reaches the backend', async () => {
  const { store: inner, reached } = recorder();
  const store = spi.guardPointerStore(inner);
  const row = { ...VALUE, key: '/a', version: 1, writeId: UUID, incarnation: UUID, updatedAt: 1 };
  const many = Array.from({ length: spi.MAX_BATCH_OPERATIONS + 1 }, (_, i): BatchOperation => ({
    op: 'check-absent',
    key: `/${i}`,
  }));
  const heavy = many.slice(0, 11).map(({ key }): BatchOperation => ({
    op: 'upsert',
    key,
    expected: 0,
    next: { kind: 'value', value: 'x'.repeat(400_000) },
  }));
  await refusesAll(
    [
      () => store.get(''),
      () => store.getBatch(['/a', LONG]),
      () => store.compareAndSet('/a', -1, VALUE),
      () => store.compareAndSet('/a', 0, { ...VALUE, expiresAt: Date.now() }),
      () => store.compareAndSet('/a', 0, { kind: 'value', value: 'x'.repeat(spi.MAX_POINTER_BYTES) }),
      () => store.compareAndSet('/a', 0, VALUE, { writeId: 'x' }),
      () => store.compareAndDelete('/a', 0),
      () => store.compareAndDelete('/a', 1, { writeId: 'x' }),
      () => store.compareAndSetBatch(many),
      () => store.compareAndSetBatch(heavy),
      () => store.compareAndSetBatch([...many.slice(0, 2), ...many.slice(0, 1)]),
      () => store.compareAndSetBatch([], { writeId: 'x' }),
      () => store.listPointersByPrefix(LONG),
      () => store.listPointersByPrefix('', { limit: 0 }),
      () => store.pageTokenAfterKey('/a/', '/b'),
      () => store.deleteByPrefix(''),
      () => store.countByPrefix('\ud800'),
      () => store.importPointers([row, row], 'if-absent'),
      () => store.importPointers([row], 'never' as 'if-lower'),
    ],
    reached,
  );
});

void test('blobs: what is refused never reaches the backend', async () => {
  const { store: inner, reached } = recorder();
  const store = spi.guardBlobStore(inner);
  await refusesAll(
    [
      () => store.get('a'),
      () => store.get('/a', { versionId: ' ' }),
      () => store.getBatch(['/a', '/.floecat/x']),
      () => store.head('/'),
      () => store.put('/a', 'text' as unknown as Uint8Array),
      () => store.put('/a', new Uint8Array(spi.MAX_BLOB_BYTES + 1)),
      () => store.put(`/a/${'0'.repeat(64)}.pb`, new Uint8Array(1)),
      () => store.markLost('/a', ''),
      () => store.delete(''),
      () => store.deleteVersion('/a', '\n'),
      () => store.deletePrefix('/a'),
      () => store.deletePrefix('/'),
      () => store.deletePrefix(''),
      () => store.deletePrefix('/.floecat/'),
      () => store.deletePrefix('/.floecat/x/', { everything: true }),
      () => store.list('/', { limit: Number.NaN }),
      () => store.listVersions(LONG),
    ],
    reached,
  );
});

void test('secrets: what is refused never reaches the backend, and no message shows a payload', async () => {
  const { store: inner, reached } = recorder();
  const store = spi.guardSecretsManager(inner);
  const ref = { account: 'a', type: 't', id: 'i' };
  await refusesAll(
    [
      () => store.put(ref, new Uint8Array()),
      () => store.put(ref, new Uint8Array(spi.MAX_SECRET_BYTES + 1)),
      () => store.put({ ...ref, id: '' }, Buffer.from('hunter2')),
      () => store.update({ ...ref, type: 'x'.repeat(129) }, Buffer.from('hunter2')),
      () => store.get({ ...ref, account: '\ud800' }),
      () => store.delete({ ...ref, id: '' }),
      () => store.list(''),
      () => store.list('a', { limit: 0 }),
    ],
    reached,
  );
  for (const bad of ['hunter2', { payload: 'hunter2' }])
    await assert.rejects(store.put(ref, bad as unknown as Uint8Array), (error: Error) => {
      assert.ok(!JSON.stringify([error.message, String(error.stack)]).includes('hunter2'));
      return true;
    });
});

void test('an empty batch is applied without any I/O', async () => {
  const { store: inner, reached } = recorder();
  assert.deepEqual(await spi.guardPointerStore(inner).compareAndSetBatch([]), {
    applied: true,
    pointers: [],
  });
  assert.deepEqual(reached, []);
});

void test('what is valid reaches the backend unchanged, but for the page limit, which is clamped', async () => {
  const { store: inner, reached } = recorder();
  const pointers = spi.guardPointerStore(inner);
  const options = { consistency: 'eventual', includeExpired: true } as const;
  await pointers.get(' ', options);
  await pointers.compareAndSet('/a', 0, VALUE, { writeId: UUID });
  await pointers.listPointersByPrefix('', { ...options, limit: 1e9, pageToken: 'token' });
  await pointers.listPointersByPrefix('/a', { limit: 2.5 });
  await pointers.deleteByPrefix('', { everything: true });
  await spi.guardBlobStore(inner).list('');
  await spi.guardSecretsManager(inner).list('a', { limit: 7 });
  assert.deepEqual(reached, [
    ['get', ' ', options],
    ['compareAndSet', '/a', 0, VALUE, { writeId: UUID }],
    ['listPointersByPrefix', '', { ...options, limit: spi.MAX_PAGE_SIZE, pageToken: 'token' }],
    ['listPointersByPrefix', '/a', { limit: 2 }],
    ['deleteByPrefix', '', { everything: true }],
    ['list', '', { limit: spi.DEFAULT_PAGE_SIZE }],
    ['list', 'a', { limit: 7 }],
  ]);
});

void test('a content-addressed put reaches the backend when its bytes have the digest', async () => {
  const { store: inner, reached } = recorder();
  const bytes = Buffer.from('content');
  const uri = `/a/${createHash('sha256').update(bytes).digest('hex')}.pb`;
  await spi.guardBlobStore(inner).put(uri, bytes);
  assert.equal(reached.length, 1);
});

void test('the backend is closed once, however often the guard is', async () => {
  for (const guard of [spi.guardPointerStore, spi.guardBlobStore, spi.guardSecretsManager]) {
    const { store: inner, reached } = recorder();
    const store = guard(inner);
    await Promise.all([store.close(), store.close(), store[Symbol.asyncDispose]()]);
    await store.close();
    assert.deepEqual(reached, [['close']]);
  }
});

void test('a very long key is shortened in the error, a key that is no string is named by its type', async () => {
  const store = spi.guardPointerStore(recorder().store);
  await assert.rejects(store.get('x'.repeat(5_000_000)), (error: spi.StorageError) => {
    assert.ok(error.message.length < 300 && (error.key ?? '').length < 100);
    assert.ok(error.message.includes('5000000'));
    return true;
  });
  for (const bad of [undefined, null, 7, {}, Symbol('x')])
    await assert.rejects(store.get(bad as string), { code: 'INVALID_ARGUMENT', operation: 'get' });
});
