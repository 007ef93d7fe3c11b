import assert from 'node:assert/strict';
import { test } from 'node:test';

import { created, freshKey, text } from '../support/fault-bench.ts';
import { answers, bodyOf, broken, hangs, succeeds } from '../support/fault-handler.ts';
import { fails, faultSuite, FOREVER } from '../support/fault-suite.ts';

function keysLeftOver(call: Parameters<typeof bodyOf>[0]): string {
  return JSON.stringify({ Responses: {}, UnprocessedKeys: bodyOf(call)['RequestItems'] });
}

function deletesLeftOver(call: Parameters<typeof bodyOf>[0]): string {
  return JSON.stringify({ UnprocessedItems: bodyOf(call)['RequestItems'] });
}

export const dynamoReadFaults = (): void =>
  faultSuite('faults of reads and bulk requests', (at) => {
    test('[F9] [P19] an attempt without an answer is aborted and tried again; always, a write is unknown', async () => {
      const quick = (await at.bench.open({ wire: { attemptTimeoutMs: 100, maxAttempts: 3 } })).pointers;
      const row = await created(quick, freshKey());
      at.arm(hangs({ on: 'GetItem' }));
      assert.deepEqual(await quick.get(row.key), row);
      at.arm(hangs({ on: 'GetItem', ...FOREVER }));
      await fails(quick.get(row.key), 'STORAGE_UNAVAILABLE', 'no answer');
      at.arm(hangs({ on: 'PutItem', ...FOREVER }));
      await fails(quick.compareAndSet(row.key, row, text('x')), 'STORAGE_UNKNOWN_OUTCOME');
    });

    test('a damaged answer is asked for again', async () => {
      const row = await created(at.store, freshKey());
      at.arm(succeeds({ on: 'GetItem' }, 'answer cut off', '{"Item":{"key"'));
      assert.deepEqual(await at.store.get(row.key), row);
    });

    test('[F10] a read that cannot be had is unavailable, never absent', async () => {
      const row = await created(at.store, freshKey());
      at.arm(...['GetItem', 'Query', 'BatchGetItem'].map((on) => broken({ on, ...FOREVER })));
      await fails(at.store.get(row.key), 'STORAGE_UNAVAILABLE');
      await fails(at.store.getBatch([row.key]), 'STORAGE_UNAVAILABLE');
      await fails(at.store.listPointersByPrefix(row.key), 'STORAGE_UNAVAILABLE');
      await fails(at.store.countByPrefix(row.key), 'STORAGE_UNAVAILABLE');
    });

    test('a listing fails if one of its shards does', async () => {
      await created(at.store, '/accounts/listed');
      at.arm(answers({ on: 'Query', ...FOREVER, skips: 40 }, 'InternalServerError', 500));
      await fails(at.store.listPointersByPrefix('/accounts/'), 'STORAGE_UNAVAILABLE');
      await fails(at.store.countByPrefix('/accounts/'), 'STORAGE_UNAVAILABLE');
    });

    test('[F11] keys left over are asked for again; always, that is an error with their number', async () => {
      const rows = [await created(at.store, freshKey()), await created(at.store, freshKey())];
      const keys = rows.map(({ key }) => key);
      at.arm(succeeds({ on: 'BatchGetItem', times: 2 }, 'all keys left over', keysLeftOver));
      assert.deepEqual(await at.store.getBatch(keys), rows);
      at.arm(succeeds({ on: 'BatchGetItem', ...FOREVER }, 'all keys left over', keysLeftOver));
      await fails(at.store.getBatch(keys), 'STORAGE_UNAVAILABLE', '2 of 2');
    });

    test('[F11] [P8] deletes left over are sent again; always, that ends in an error with their number', async () => {
      const prefix = `${freshKey()}/`;
      const names = ['a', 'b', 'c'].map((name) => prefix + name);
      for (const key of names) await created(at.store, key);
      const always = succeeds({ on: 'BatchWriteItem', ...FOREVER }, 'all deletes left over', deletesLeftOver);
      at.arm(always);
      await fails(at.store.deleteByPrefix(prefix, { unconditional: true }), 'STORAGE_UNAVAILABLE', '3 of 3');
      assert.equal(await at.other.countByPrefix(prefix), 3);
      at.faults.clear();
      at.arm(succeeds({ on: 'BatchWriteItem', times: 2 }, 'all deletes left over', deletesLeftOver));
      assert.deepEqual(await at.store.deleteByPrefix(prefix, { unconditional: true }), {
        deleted: 3,
        skipped: 0,
      });
      assert.equal(await at.other.countByPrefix(prefix), 0);
    });
  });
