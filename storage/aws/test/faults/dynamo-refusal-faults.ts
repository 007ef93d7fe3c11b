import assert from 'node:assert/strict';
import { test } from 'node:test';

import { RetryBudget } from '@floecat/storage-aws';
import { StorageError } from '@floecat/storage-spi';

import { FaultBench, freshKey, text } from '../support/fault-bench.ts';
import { answers, meanwhile } from '../support/fault-handler.ts';
import { fails, faultSuite, FOREVER } from '../support/fault-suite.ts';
import { faultLedger } from './fault-ledger.ts';

export const dynamoRefusalFaults = (): void =>
  faultSuite('refusals, and giving up', (at) => {
    const operations: readonly (readonly [string, (key: string) => Promise<unknown>])[] = [
      ['GetItem', (key) => at.store.get(key)],
      ['BatchGetItem', (key) => at.store.getBatch([key])],
      ['Query', (key) => at.store.listPointersByPrefix(key)],
      ['PutItem', (key) => at.store.compareAndSet(key, 0, text('x'))],
      ['TransactWriteItems', (key) => at.store.compareAndSetBatch([{ op: 'check-absent', key }])],
    ];
    for (const [on, call] of operations) {
      test(`[F23] denied ${on} names the action and is tried once`, async () => {
        at.arm(answers({ on, ...FOREVER }, 'AccessDeniedException'));
        await fails(call(freshKey()), 'STORAGE_ACCESS_DENIED', `dynamodb:${on}`, at.bench.tableName);
        assert.equal(at.requests(on), 1);
      });

      test(`[F24] ${on} on a table that is gone names it, and never says that there is nothing`, async () => {
        at.arm(answers({ on, ...FOREVER }, 'ResourceNotFoundException'));
        await fails(call(freshKey()), 'STORAGE_MISCONFIGURED', at.bench.tableName);
        assert.equal(at.requests(on), 1);
      });
    }

    for (const type of ['ExpiredTokenException', 'ExpiredToken'])
      test(`[F21] ${type}: credentials are fetched anew once, then it is fatal`, async (t) => {
        let fetched = 0;
        await using own = new FaultBench(at.endpoint, async () => {
          fetched++;
          return { accessKeyId: 'local', secretAccessKey: `secret${fetched}` };
        });
        const { pointers } = await own.open();
        const atFirst = fetched;
        own.faults.arm(answers({ on: 'GetItem' }, type));
        assert.equal(await pointers.get(freshKey()), undefined);
        assert.equal(fetched, atFirst + 1);
        own.faults.arm(answers({ on: 'GetItem', ...FOREVER }, type));
        await fails(pointers.get(freshKey()), 'STORAGE_ACCESS_DENIED', 'expired');
        assert.equal(own.faults.count('GetItem'), 4);
        faultLedger.note(t.name, 'before', own.faults.phases.before);
      });

    test('[F22] a clock that is off is corrected by the client and tried once more, then fatal', async () => {
      const skewed = { message: 'Signature expired: 20200101T000000Z is now earlier than 20200101T000500Z' };
      at.arm(answers({ on: 'GetItem' }, 'InvalidSignatureException', 400, skewed));
      assert.equal(await at.store.get(freshKey()), undefined);
      at.arm(answers({ on: 'GetItem', ...FOREVER }, 'RequestTimeTooSkewed', 403));
      await fails(at.store.get(freshKey()), 'STORAGE_ACCESS_DENIED', 'clock');
      assert.equal(at.requests('GetItem'), 4);
    });
    test('[F7] a spent retry budget ends calls after one attempt', async () => {
      const budget = new RetryBudget({ capacity: 10, costPerRetry: 5, refundPerSuccess: 1 });
      const limited = (await at.bench.open({ budget })).pointers;
      at.arm(answers({ on: 'GetItem', ...FOREVER }, 'ThrottlingException'));
      await fails(limited.get(freshKey()), 'STORAGE_UNAVAILABLE', 'budget');
      assert.equal(at.requests('GetItem'), 3);
      await fails(limited.get(freshKey()), 'STORAGE_UNAVAILABLE', 'budget');
      assert.equal(at.requests('GetItem'), 4);
    });

    test('a call aborted between attempts ends, as what it then is', async () => {
      const slow = await at.bench.open({
        wire: { baseDelayMs: 600_000, throttleDelayMs: 600_000, maxDelayMs: 600_000, deadlineMs: 300_000 },
      });
      const abortion = new AbortController();
      const key = freshKey();
      at.arm(
        meanwhile(answers({ on: 'PutItem', ...FOREVER }, 'ThrottlingException'), async () => {
          setImmediate(() => abortion.abort(new Error('enough')));
        }),
      );
      const outcome = slow.pointers.compareAndSet(key, 0, text('x'), { signal: abortion.signal });
      const error = await outcome.catch((thrown: unknown) => thrown);
      assert.ok(error instanceof StorageError);
      await slow.pointers.close();
      assert.equal(await at.other.get(key), undefined);
      assert.ok(at.requests('PutItem') <= 2);
    });
  });
