import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { BatchOperation, Pointer } from '@floecat/storage-spi';

import { created, freshKey, text, updated } from '../support/fault-bench.ts';
import type { SentRequest } from '../support/fault-handler.ts';
import { answers, broken, meanwhile } from '../support/fault-handler.ts';
import type { FaultContext } from '../support/fault-suite.ts';
import { fails, faultSuite, FOREVER } from '../support/fault-suite.ts';

/** A batch of two updates and a create, not sent yet. */
async function batch(at: FaultContext): Promise<{ rows: Pointer[]; operations: BatchOperation[] }> {
  const rows = [await created(at.store, freshKey()), await created(at.store, freshKey())];
  at.faults.clear();
  return {
    rows,
    operations: [
      ...rows.map((row): BatchOperation => ({
        op: 'upsert',
        key: row.key,
        expected: row,
        next: text('batch'),
      })),
      { op: 'upsert', key: freshKey(), expected: 0, next: text('batch') },
    ],
  };
}

function twoNew(value: string): BatchOperation[] {
  return [freshKey(), freshKey()].map((key) => ({ op: 'upsert', key, expected: 0, next: text(value) }));
}

function reasons(...codes: readonly string[]): object {
  return { CancellationReasons: codes.map((Code) => ({ Code })) };
}

function tokenOf({ body }: SentRequest): unknown {
  return (JSON.parse(body) as { ClientRequestToken?: string }).ClientRequestToken;
}

export const dynamoTransactionFaults = (): void =>
  faultSuite('faults of a transaction', (at) => {
    test('[F2] whose reply was lost is applied once, under one token and with the same bytes', async () => {
      const { rows, operations } = await batch(at);
      at.arm(broken({ on: 'TransactWriteItems', when: 'after', times: 2 }));
      const result = await at.store.compareAndSetBatch(operations);
      assert.ok(result.applied);
      assert.equal(result.pointers[0]?.version, 2);
      assert.deepEqual(await at.other.getBatch(rows.map(({ key }) => key)), result.pointers.slice(0, 2));
      assert.equal(at.faults.sent.length, 3);
      assert.equal(new Set(at.faults.sent.map(({ body }) => body)).size, 1);
      assert.equal(tokenOf(at.faults.sent[0] as SentRequest), result.pointers[0]?.writeId);
    });

    test('[F2] whose reply was lost is told by one of its rows where the server forgets tokens', async () => {
      const { rows, operations } = await batch(at);
      at.forgetTokens();
      at.arm(
        meanwhile(broken({ on: 'TransactWriteItems', when: 'after' }), async () =>
          updated(at.other, (await at.other.get((rows[0] as Pointer).key)) as Pointer),
        ),
      );
      const result = await at.store.compareAndSetBatch(operations);
      assert.ok(result.applied);
      assert.equal(at.requests('TransactWriteItems'), 2);
      assert.deepEqual(await at.other.get((rows[1] as Pointer).key), result.pointers[1]);
    });

    test('[F2] that was not applied is a conflict if a row shows another write in its place', async () => {
      const { rows, operations } = await batch(at);
      const first = rows[0] as Pointer;
      at.arm(meanwhile(broken({ on: 'TransactWriteItems' }), async () => updated(at.other, first)));
      const result = await at.store.compareAndSetBatch(operations);
      assert.ok(!result.applied);
      assert.deepEqual(
        result.outcomes.map(({ ok }) => ok),
        [false, true, true],
      );
      assert.deepEqual(await at.other.get((rows[1] as Pointer).key), rows[1]);
    });

    test('[F1] [F2] [P4] a delete whose reply was lost is told as applied', async () => {
      const row = await created(at.store, freshKey());
      at.arm(broken({ on: 'TransactWriteItems', when: 'after' }));
      assert.deepEqual(await at.store.compareAndDelete(row.key, row), { applied: true, deleted: row });
      assert.equal(await at.other.get(row.key), undefined);
    });

    test('[F1] [F2] a delete after which the row is gone is unknown where the server forgets tokens', async () => {
      const row = await created(at.store, freshKey());
      at.forgetTokens();
      at.arm(broken({ on: 'TransactWriteItems', when: 'after' }));
      await fails(at.store.compareAndDelete(row.key, row), 'STORAGE_UNKNOWN_OUTCOME');
    });

    for (const codes of [
      ['TransactionConflict', 'None', 'None'],
      ['ConditionalCheckFailed', 'TransactionConflict', 'None'],
      ['ThrottlingError', 'None', 'None'],
      ['None', 'ProvisionedThroughputExceeded', 'ConditionalCheckFailed'],
    ])
      test(`[F6] [P5] cancelled for ${codes.join(', ')} is tried again`, async () => {
        const { operations } = await batch(at);
        const fault = answers(
          { on: 'TransactWriteItems', times: 2 },
          'TransactionCanceledException',
          400,
          reasons(...codes),
        );
        at.arm(fault);
        assert.equal((await at.store.compareAndSetBatch(operations)).applied, true);
        assert.equal(at.requests('TransactWriteItems'), 3);
      });

    for (const [what, fields] of [
      ['ValidationError', reasons('ValidationError', 'None', 'None')],
      ['ItemCollectionSizeLimitExceeded', reasons('None', 'ItemCollectionSizeLimitExceeded', 'None')],
      ['no given reason', {}],
    ] as const)
      test(`[F6] cancelled for ${what} is told at once, and not as a conflict`, async () => {
        const { operations } = await batch(at);
        at.arm(
          answers({ on: 'TransactWriteItems', ...FOREVER }, 'TransactionCanceledException', 400, fields),
        );
        await fails(at.store.compareAndSetBatch(operations), 'STORAGE_MISCONFIGURED', what);
        assert.equal(at.requests('TransactWriteItems'), 1);
      });

    test('[F6] [P5] a stale version is a conflict after one request', async () => {
      const { rows, operations } = await batch(at);
      await updated(at.other, rows[1] as Pointer);
      const result = await at.store.compareAndSetBatch(operations);
      assert.equal(result.applied, false);
      assert.equal(at.requests('TransactWriteItems'), 1);
    });

    test('[F4] still under way is asked for again with the same token', async () => {
      const { operations } = await batch(at);
      at.arm(answers({ on: 'TransactWriteItems', times: 2 }, 'TransactionInProgressException'));
      assert.equal((await at.store.compareAndSetBatch(operations)).applied, true);
      assert.equal(new Set(at.faults.sent.map(tokenOf)).size, 1);
    });

    test('[F3] whose token was used for something else is refused at once', async () => {
      const writeId = '01234567-89ab-4cde-8f01-23456789abcd';
      await at.store.compareAndSetBatch(twoNew('a'), { writeId });
      at.faults.clear();
      at.arm(answers({ on: 'TransactWriteItems' }, 'IdempotentParameterMismatchException'));
      const again = twoNew('b');
      await fails(at.store.compareAndSetBatch(again, { writeId }), 'INVALID_ARGUMENT', 'write id');
      assert.equal(at.requests('TransactWriteItems'), 1);
      await fails(at.store.compareAndSetBatch(again, { writeId }), 'INVALID_ARGUMENT', 'write id');
    });
  });
