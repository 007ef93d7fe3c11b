import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AwsClients, dynamoParts, openDynamoPointers, RetryBudget } from '@floecat/storage-aws';
import type { Clock } from '@floecat/storage-spi';
import { systemClock } from '@floecat/storage-spi';

import { created, deleted, FaultBench, freshKey, QUICK, text } from '../support/fault-bench.ts';
import { bodyOf, hangs, succeeds } from '../support/fault-handler.ts';
import type { Fault } from '../support/fault-handler.ts';
import { fails, faultSuite } from '../support/fault-suite.ts';
import { localSettings } from '../support/local-clients.ts';
import { faultLedger } from './fault-ledger.ts';
import { startSilentServer } from './silent-server.ts';

const IMPATIENT = { attemptTimeoutMs: 100, maxAttempts: 3 };

export const dynamoSilenceFaults = (): void =>
  faultSuite('silence, tables that come and go, and half-done bulk requests', (at) => {
    test('[F9] a put that was done and never answered is told as applied', async () => {
      const { pointers } = await at.bench.open({ wire: IMPATIENT });
      at.arm(hangs({ on: 'PutItem', when: 'after' }));
      const row = await created(pointers, freshKey());
      assert.deepEqual(await at.other.get(row.key), row);
      at.arm(hangs({ on: 'TransactWriteItems', when: 'after' }));
      await deleted(pointers, row);
      assert.equal(await at.other.get(row.key), undefined);
    });

    test('[F9] an attempt given up ends its connection', async (t) => {
      await using silent = await startSilentServer();
      await using clients = new AwsClients(localSettings(silent.endpoint));
      const budget = new RetryBudget({ capacity: 1_000, costPerRetry: 1, refundPerSuccess: 1 });
      const wire = { ...QUICK, ...IMPATIENT };
      const { table } = dynamoParts({ aws: clients, tableName: 'any', wire, budget });
      const caller = { operation: 'get', key: '/a', signal: undefined };
      await fails(table.get(caller, { shard: '0', key: '/a' }, true), 'STORAGE_UNAVAILABLE', 'no answer');
      assert.equal(silent.asked, IMPATIENT.maxAttempts);
      await silent.allEnded();
      faultLedger.note(t.name, 'after', silent.asked);
    });

    /** The first of what was asked for is done, by the server itself, and the rest left over. */
    const firstOnly = (on: 'BatchGetItem' | 'BatchWriteItem'): Fault => ({
      ...succeeds({ on }, 'all but one left over', ''),
      effect: async (call) => {
        const { RequestItems } = bodyOf(call) as { RequestItems: Record<string, unknown> };
        const { dynamodb } = at.bench.other;
        const [[table, asked]] = Object.entries(RequestItems) as [[string, unknown]];
        let answer: object;
        if (on === 'BatchGetItem') {
          const [first, rest] = split((asked as { Keys: unknown[] }).Keys);
          const done = await dynamodb.batchGetItem({ RequestItems: { [table]: { Keys: first } } } as never);
          answer = { Responses: done.Responses, UnprocessedKeys: { [table]: { Keys: rest } } };
        } else {
          const [first, rest] = split(asked as unknown[]);
          await dynamodb.batchWriteItem({ RequestItems: { [table]: first } } as never);
          answer = { UnprocessedItems: { [table]: rest } };
        }
        return succeeds({ on }, '', JSON.stringify(answer)).effect(call);
      },
    });

    test('[F11] of keys left over only the rest is asked for again, and each is answered once', async () => {
      const rows = [];
      for (let i = 0; i < 3; i++) rows.push(await created(at.store, freshKey()));
      at.faults.clear();
      at.arm(firstOnly('BatchGetItem'));
      assert.deepEqual(await at.store.getBatch(rows.map(({ key }) => key)), rows);
      assert.deepEqual(at.faults.sent.map(keysAsked), [3, 2]);
    });

    test('[F11] of deletes left over only the rest is sent again, and each is counted once', async () => {
      const prefix = `${freshKey()}/`;
      for (const name of ['a', 'b', 'c']) await created(at.store, prefix + name);
      at.faults.clear();
      at.arm(firstOnly('BatchWriteItem'));
      const report = await at.store.deleteByPrefix(prefix, { unconditional: true });
      assert.deepEqual(report, { deleted: 3, skipped: 0 });
      const writes = at.faults.sent.filter(({ operation }) => operation === 'BatchWriteItem');
      assert.deepEqual(writes.map(keysAsked), [3, 2]);
      assert.equal(await at.other.countByPrefix(prefix), 0);
    });

    test('[F24] a table that is still being made is waited for, up to a limit', async () => {
      // The pauses between looks are over at once, and take as long by this clock.
      let passed = 0;
      let pauses = 0;
      const clock: Clock = {
        now: () => systemClock.now(),
        monotonic: () => systemClock.monotonic() + passed,
        sleep: async (milliseconds, signal) => {
          if (signal) return systemClock.sleep(milliseconds, signal);
          passed += milliseconds;
          pauses++;
        },
      };
      const { tableName, clients: aws } = at.bench;
      const making = JSON.stringify({ Table: { TableName: tableName, TableStatus: 'CREATING' } });
      at.arm(succeeds({ on: 'DescribeTable', times: 2 }, 'the table is being made', making));
      const { pointers } = await openDynamoPointers({ aws, tableName, clock });
      await pointers.close();
      assert.equal(pauses, 2);
      at.arm(succeeds({ on: 'DescribeTable', times: 10_000 }, 'the table is being made', making));
      await fails(
        openDynamoPointers({ aws, tableName, clock }),
        'STORAGE_UNAVAILABLE',
        tableName,
        'CREATING',
      );
    });

    test('[F24] a table that is deleted under the store is named, by every operation', async (t) => {
      await using own = new FaultBench(at.endpoint);
      const { pointers } = await own.open({
        table: { pointInTimeRecovery: false, deletionProtection: false },
      });
      const row = await created(pointers, freshKey());
      await own.other.dynamodb.deleteTable({ TableName: own.tableName });
      for (const call of [
        () => pointers.get(row.key),
        () => pointers.getBatch([row.key]),
        () => pointers.listPointersByPrefix(row.key),
        () => pointers.countByPrefix(row.key),
        () => pointers.compareAndSet(row.key, row, text('x')),
        () => pointers.compareAndDelete(row.key, row),
        () => pointers.deleteByPrefix(row.key),
      ])
        await fails(call(), 'STORAGE_MISCONFIGURED', own.tableName);
      faultLedger.note(t.name, 'server', own.faults.phases.server);
    });
  });

/** How many keys or writes a bulk request has. */
function keysAsked({ body }: { readonly body: string }): number {
  const { RequestItems } = JSON.parse(body) as {
    RequestItems: Record<string, { readonly Keys?: unknown[] } | unknown[]>;
  };
  const [asked] = Object.values(RequestItems);
  return Array.isArray(asked) ? asked.length : (asked?.Keys?.length ?? 0);
}

/** The first, and the others. */
function split(all: readonly unknown[]): [unknown, unknown] {
  return [all.slice(0, 1), all.slice(1)];
}
