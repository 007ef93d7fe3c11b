import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Shards } from '@floecat/storage-aws';
import type { BatchOperation, PointerStore } from '@floecat/storage-spi';
import { PageTokens, StorageError } from '@floecat/storage-spi';

import { created, deleted, freshKey, text, updated } from '../support/fault-bench.ts';
import { meanwhile } from '../support/fault-handler.ts';
import type { FaultContext } from '../support/fault-suite.ts';
import { fails, faultSuite } from '../support/fault-suite.ts';

const KNOWN = { fmt: { N: '1' }, kind: { S: 'value' }, value: { S: 'x' }, version: { N: '1' } };
const ID = { S: '01234567-89ab-4cde-8f01-23456789abcd' };
const ROW = { ...KNOWN, write_id: ID, incarnation: ID, updated_at: { N: '1' } };
const FAR = 99_999_999_999;

/** Puts a row as another program, or another version of this one, would. */
async function plant(at: FaultContext, key: string, attributes: object): Promise<void> {
  const shard = new Shards(64).ofKey(key);
  const Item = { shard: { S: shard }, key: { S: key }, ...ROW, ...attributes };
  await at.bench.other.dynamodb.putItem({ TableName: at.bench.tableName, Item });
}

async function stored(at: FaultContext, key: string): Promise<Record<string, unknown> | undefined> {
  const Key = { shard: { S: new Shards(64).ofKey(key) }, key: { S: key } };
  return (await at.bench.other.dynamodb.getItem({ TableName: at.bench.tableName, Key })).Item;
}

/** Everything that would write over or delete the row at `key`, or read it. */
function everyCall(store: PointerStore, key: string): (() => Promise<unknown>)[] {
  return [
    () => store.get(key),
    () => store.getBatch([key]),
    () => store.listPointersByPrefix(key),
    () => store.compareAndSet(key, 0, text('x')),
    () => store.compareAndSet(key, 1, text('x')),
    () => store.compareAndDelete(key, 1),
    () => store.compareAndSetBatch([{ op: 'upsert', key, expected: 0, next: text('x') }]),
    () => store.deleteByPrefix(key),
  ];
}

/** Each line of section 3.1 of the list of pitfalls that is not a test of the contract or of a fault. */
faultSuite('pitfalls of a pointer store on DynamoDB', (at) => {
  test('[P1] time to live is on, by the attribute that rows expire by: a number of epoch seconds', async () => {
    const { bench, store } = at;
    const answer = await bench.other.dynamodb.describeTimeToLive({ TableName: bench.tableName });
    assert.equal(answer.TimeToLiveDescription?.AttributeName, 'expires_at');
    const key = freshKey();
    const made = await created(store, key, { ...text('x'), expiresAt: FAR });
    assert.deepEqual((await stored(at, key))?.['expires_at'], { N: String(FAR) });
    assert.deepEqual(await store.get(key), made);
  });

  test('[P2] an expired row is absent, and its key free, while it is still in the table', async () => {
    const key = freshKey();
    await created(at.store, key, { ...text('x'), expiresAt: 1_000_000_000 });
    assert.notEqual(await stored(at, key), undefined);
    assert.equal(await at.store.get(key), undefined);
    assert.equal((await created(at.store, key)).version, 1);
  });

  test('[P3] a pointer read before its key was deleted and created again neither wins nor deletes', async () => {
    const old = await created(at.store, freshKey());
    await deleted(at.other, old);
    const reborn = await created(at.other, old.key);
    assert.equal(reborn.version, old.version);
    for (const result of [
      await at.store.compareAndSet(old.key, old, text('late')),
      await at.store.compareAndDelete(old.key, old),
    ])
      assert.deepEqual(result, { applied: false, current: reborn });
  });

  test('[P6] what is over a limit makes no request', async () => {
    const many = Array.from({ length: 101 }, () => ({ op: 'check-absent', key: freshKey() }) as const);
    await fails(at.store.compareAndSetBatch(many), 'INVALID_ARGUMENT', '101', '100');
    const key = freshKey();
    const twice = [1, 2].map((n) => ({ op: 'upsert', key, expected: 0, next: text(`${n}`) }) as const);
    await fails(at.store.compareAndSetBatch(twice), 'INVALID_ARGUMENT', key);
    const large = Array.from({ length: 12 }, () => {
      return { op: 'upsert', key: freshKey(), expected: 0, next: text('x'.repeat(400_000)) } as const;
    });
    await fails(at.store.compareAndSetBatch(large), 'INVALID_ARGUMENT', '4194304');
    await fails(at.store.get('k'.repeat(1_025)), 'INVALID_ARGUMENT', '1024');
    await fails(at.store.compareAndSet('k', 0, text('x'.repeat(409_600))), 'INVALID_ARGUMENT', '409600');
    assert.deepEqual(at.faults.sent, []);
  });

  test('[P7] every read asks for consistency, listings and counts too; only eventual ones do not', async () => {
    const consistent = (): unknown[] =>
      at.faults.sent.map(({ body }) => {
        const request = JSON.parse(body) as { ConsistentRead?: boolean; RequestItems?: object };
        const [items] = Object.values(request.RequestItems ?? {}) as { ConsistentRead?: boolean }[];
        return request.ConsistentRead ?? items?.ConsistentRead;
      });
    const key = freshKey();
    const readAll = async (options: { consistency?: 'eventual' }): Promise<void> => {
      await at.store.get(key, options);
      await at.store.getBatch([key], options);
      await at.store.listPointersByPrefix(key, options);
      await at.store.listPointersByPrefix('/', options);
      await at.store.countByPrefix(key, options);
    };
    await readAll({});
    assert.deepEqual(new Set(consistent()), new Set([true]));
    at.faults.clear();
    await readAll({ consistency: 'eventual' });
    assert.deepEqual(new Set(consistent()), new Set([false]));
  });

  test('[P8] no bulk delete has more than the 25 rows that DynamoDB takes', async () => {
    const prefix = `${freshKey()}/`;
    const operations = Array.from({ length: 60 }, (_, i): BatchOperation => {
      return { op: 'upsert', key: `${prefix}${i}`, expected: 0, next: text('x') };
    });
    await at.other.compareAndSetBatch(operations);
    const report = await at.store.deleteByPrefix(prefix, { unconditional: true });
    assert.deepEqual(report, { deleted: 60, skipped: 0 });
    const sizes = at.faults.sent
      .filter(({ operation }) => operation === 'BatchWriteItem')
      .map(({ body }) => {
        const { RequestItems } = JSON.parse(body) as { RequestItems: Record<string, unknown[]> };
        return Object.values(RequestItems).flat().length;
      });
    assert.deepEqual(
      sizes.toSorted((a, b) => b - a),
      [25, 25, 10],
    );
  });

  test('[P9] deleteByPrefix spares a row that changed after it was listed', async () => {
    const prefix = `${freshKey()}/`;
    const [a, b] = [await created(at.other, `${prefix}a`), await created(at.other, `${prefix}b`)];
    let kept;
    const passes = {
      name: 'a row changes',
      on: 'TransactWriteItems',
      when: 'before',
      times: 1,
      effect: (call: Parameters<typeof at.faults.handle>) => at.faults.handle(...call),
    } as const;
    at.arm(
      meanwhile(passes, async () => {
        kept = await updated(at.other, a);
      }),
    );
    assert.deepEqual(await at.store.deleteByPrefix(prefix), { deleted: 1, skipped: 1 });
    assert.deepEqual(await at.other.getBatch([a.key, b.key]), [kept, undefined]);
  });

  test('[P10] a foreign or damaged token is refused before any request', async () => {
    const prefix = '/accounts/a/tables/by-id/';
    const token = await at.store.pageTokenAfterKey(prefix, freshKey());
    const { layout } = await at.bench.open();
    const outside = new PageTokens(layout.storeId).encode('pointers', prefix, '/zzz');
    for (const [below, pageToken] of [
      ['/accounts/b/tables/by-id/', token],
      [prefix, `${token}AA`],
      [prefix, 'not a token\n'],
      [prefix, outside],
    ] as const)
      await fails(at.store.listPointersByPrefix(below, { pageToken }), 'INVALID_ARGUMENT', 'token');
    assert.deepEqual(at.faults.sent, []);
  });

  test('[P11] a row without a proper version is corrupt: neither absent nor version 0, and left alone', async () => {
    for (const version of [{ S: '1' }, { N: '0' }, { N: '1.5' }]) {
      const key = freshKey();
      await plant(at, key, { version });
      const before = await stored(at, key);
      for (const call of everyCall(at.store, key)) await fails(call(), 'STORAGE_CORRUPTION', key);
      assert.deepEqual(await stored(at, key), before);
      assert.deepEqual(await at.store.deleteByPrefix(key, { unconditional: true }), {
        deleted: 1,
        skipped: 0,
      });
    }
  });

  test('[P12] a prefix is a plain string, whatever its slashes and names', async () => {
    const keys = ['/accounts/ab', '/accounts/abc', '/accounts/abc/x', '/accounts/by-id/tables/by-id/t'];
    for (const key of keys) await created(at.store, key);
    const below = async (prefix: string): Promise<readonly string[]> =>
      (await at.store.listPointersByPrefix(prefix)).pointers.map(({ key }) => key);
    assert.deepEqual(await below('/accounts/ab'), keys.slice(0, 3));
    assert.deepEqual(await below('/accounts/by-id/'), keys.slice(3));
    assert.deepEqual(await below('accounts/'), []);
    assert.equal(await at.store.countByPrefix('/accounts/ab'), 3);
  });

  test('[P13] the collections of one account spread over shards, and one collection is one Query', async () => {
    const shards = new Shards(64);
    const names = Array.from({ length: 50 }, (_, i) => shards.ofKey(`/accounts/a/namespaces/n${i}/tables/t`));
    assert.ok(new Set(names).size > 20);
    await at.store.listPointersByPrefix('/accounts/a/tables/by-id/');
    assert.equal(at.requests('Query'), 1);
    assert.equal(shards.ofPrefix('/accounts/a/tables/by-id/').length, 1);
    assert.equal(shards.ofPrefix('/accounts/a/tables/by-id').length, 64);
  });

  test('[P14] a lost delete tells an absent row from a changed one', async () => {
    const row = await created(at.store, freshKey());
    const changed = await updated(at.other, row);
    assert.deepEqual(await at.store.compareAndDelete(row.key, row), { applied: false, current: changed });
    await deleted(at.other, changed);
    assert.deepEqual(await at.store.compareAndDelete(row.key, row), { applied: false, current: undefined });
  });

  test('[P15] the store has no way to drop its table', () => {
    assert.equal('reset' in at.store || 'dump' in at.store, false);
    assert.deepEqual(
      at.faults.sent.filter(({ operation }) => operation === 'DeleteTable'),
      [],
    );
  });

  test('[P16] a count brings back no rows', async () => {
    const prefix = `${freshKey()}/`;
    for (const name of ['a', 'b']) await created(at.store, prefix + name);
    await created(at.store, `${prefix}c`, { ...text('x'), expiresAt: 1_000_000_000 });
    at.faults.clear();
    assert.equal(await at.store.countByPrefix(prefix), 2);
    assert.deepEqual(
      at.faults.sent.map(({ body }) => (JSON.parse(body) as { Select?: string }).Select),
      ['COUNT'],
    );
  });

  for (const [what, attributes] of [
    ['an unknown kind', { kind: { S: 'inline' } }],
    ['a newer format', { fmt: { N: '2' } }],
    ['an unknown state', { state: { S: 'FROZEN' } }],
  ] as const)
    test(`[P17] a row of ${what} is nobody's to read, write over or delete`, async () => {
      const key = freshKey();
      await plant(at, key, attributes);
      const before = await stored(at, key);
      for (const call of everyCall(at.store, key)) await fails(call(), 'STORAGE_MISCONFIGURED', key);
      await fails(at.store.deleteByPrefix(key, { unconditional: true }), 'STORAGE_MISCONFIGURED', key);
      assert.deepEqual(await stored(at, key), before);
    });

  test('[P17] an expired row of an unknown kind is not free to create over', async () => {
    for (const attributes of [{ kind: { S: 'inline' } }, { fmt: { N: '2' } }]) {
      const key = freshKey();
      await plant(at, key, { ...attributes, expires_at: { N: '1000000000' } });
      const before = await stored(at, key);
      await fails(at.store.compareAndSet(key, 0, text('x')), 'STORAGE_MISCONFIGURED', key);
      const batch = at.store.compareAndSetBatch([{ op: 'upsert', key, expected: 0, next: text('x') }]);
      await fails(batch, 'STORAGE_MISCONFIGURED', key);
      assert.deepEqual(await stored(at, key), before);
    }
  });

  test('rows of the store itself are in no listing, count or delete', async () => {
    assert.equal(await at.store.get('layout'), undefined);
    assert.equal(await at.store.countByPrefix('layout'), 0);
    assert.deepEqual(await at.store.deleteByPrefix('layout'), { deleted: 0, skipped: 0 });
  });

  test('errors are typed, and say operation, key and cause', async () => {
    const key = freshKey();
    await plant(at, key, { version: { S: 'x' } });
    const error = await at.store.get(key).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof StorageError);
    assert.deepEqual([error.operation, error.key], ['get', key]);
  });
});
