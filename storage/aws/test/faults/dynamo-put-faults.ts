import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Pointer } from '@floecat/storage-spi';

import { created, deleted, freshKey, text, updated } from '../support/fault-bench.ts';
import { answers, broken, meanwhile, succeeds } from '../support/fault-handler.ts';
import { fails, faultSuite, FOREVER } from '../support/fault-suite.ts';

export const dynamoPutFaults = (): void =>
  faultSuite('faults of a conditional put', (at) => {
    for (const [rows, what, fault] of [
      ['[F1] [F10]', 'its connection breaks', broken({ on: 'PutItem', when: 'after' })],
      ['[F8]', 'it is answered 500', answers({ on: 'PutItem', when: 'after' }, 'InternalServerError', 500)],
      ['[F8]', 'it is answered 503', answers({ on: 'PutItem', when: 'after' }, 'ServiceUnavailable', 503)],
      [
        '[F1]',
        'its answer is cut off',
        succeeds({ on: 'PutItem', when: 'after' }, 'answer cut off', '{"Attributes":'),
      ],
    ] as const) {
      test(`${rows} [P4] that was applied although ${what} is told as applied, create and update`, async () => {
        const key = freshKey();
        at.arm(fault);
        const made = await created(at.store, key);
        assert.deepEqual(await at.store.get(key), made);
        at.arm(fault);
        const next = await updated(at.store, made);
        assert.deepEqual(await at.store.get(key), next);
        assert.equal(next.version, 2);
        assert.equal(at.requests('PutItem'), 4);
      });
    }

    test('[F1] whose reply was lost is told as applied after another write went over it', async () => {
      const first = await created(at.store, freshKey());
      at.arm(
        meanwhile(broken({ on: 'PutItem', when: 'after' }), async () =>
          updated(at.other, (await at.other.get(first.key)) as Pointer),
        ),
      );
      const mine = await updated(at.store, first);
      assert.equal(mine.version, 2);
      assert.equal((await at.other.get(first.key))?.prevWriteId, mine.writeId);
    });

    test('[F1] a create whose reply was lost is told as applied however often it was written over', async () => {
      const key = freshKey();
      at.arm(
        meanwhile(broken({ on: 'PutItem', when: 'after' }), async () => {
          for (let i = 0; i < 3; i++) await updated(at.other, (await at.other.get(key)) as Pointer);
        }),
      );
      const mine = await created(at.store, key);
      assert.equal((await at.other.get(key))?.incarnation, mine.writeId);
    });

    test('[F1] that was not applied is a conflict if another writer made the next version', async () => {
      const first = await created(at.store, freshKey());
      let theirs: Pointer | undefined;
      at.arm(
        meanwhile(broken({ on: 'PutItem' }), async () => {
          theirs = await updated(at.other, first);
        }),
      );
      const result = await at.store.compareAndSet(first.key, first, text('mine'));
      assert.deepEqual(result, { applied: false, current: theirs });
    });

    for (const [what, happens] of [
      ['two writes went over it', async (row: Pointer) => updated(at.other, await updated(at.other, row))],
      ['it was deleted', async (row: Pointer) => deleted(at.other, row)],
      [
        'its key was deleted and created again',
        async (row: Pointer) => {
          await deleted(at.other, row);
          await created(at.other, row.key);
        },
      ],
    ] as const)
      for (const when of ['before', 'after'] as const)
        test(`[F1] whose fate nobody can tell is unknown: ${what}, lost ${when}`, async () => {
          const first = await created(at.store, freshKey());
          at.arm(
            meanwhile(broken({ on: 'PutItem', when }), async () =>
              happens((await at.other.get(first.key)) as Pointer),
            ),
          );
          await fails(at.store.compareAndSet(first.key, first, text('mine')), 'STORAGE_UNKNOWN_OUTCOME');
        });

    test('[F5] that meets a failed condition at first is a conflict after one request', async () => {
      const first = await created(at.store, freshKey());
      at.faults.clear();
      const result = await at.store.compareAndSet(first.key, 0, text('mine'));
      assert.deepEqual(result, { applied: false, current: first });
      assert.equal(at.requests('PutItem'), 1);
    });

    test('[P5] that meets a transaction is tried again', async () => {
      at.arm(answers({ on: 'PutItem', times: 2 }, 'TransactionConflictException'));
      await created(at.store, freshKey());
      assert.equal(at.requests('PutItem'), 3);
    });

    for (const [type, status] of [
      ['ProvisionedThroughputExceededException', 400],
      ['ThrottlingException', 400],
      ['RequestLimitExceeded', 400],
      ['SlowDown', 503],
    ] as const) {
      test(`[F7] that is refused with ${type} is tried again`, async () => {
        at.arm(answers({ on: 'PutItem', times: 2 }, type, status));
        assert.equal((await created(at.store, freshKey())).version, 1);
        assert.equal(at.requests('PutItem'), 3);
      });

      test(`[F7] that is always refused with ${type} is unavailable, and not applied`, async () => {
        const key = freshKey();
        at.arm(answers({ on: 'PutItem', ...FOREVER }, type, status));
        await fails(
          at.store.compareAndSet(key, 0, text('x')),
          'STORAGE_UNAVAILABLE',
          'PutItem',
          at.bench.tableName,
        );
        assert.equal(at.requests('PutItem'), 4);
        assert.equal(await at.other.get(key), undefined);
      });
    }

    for (const [row, what, fault] of [
      ['[F10]', 'breaks', broken({ on: 'PutItem', ...FOREVER })],
      ['[F8]', 'is answered 500', answers({ on: 'PutItem', ...FOREVER }, 'InternalServerError', 500)],
      ['[F8]', 'is answered 504', answers({ on: 'PutItem', ...FOREVER }, 'GatewayTimeout', 504)],
    ] as const)
      test(`${row} whose connection always ${what} is unknown, not unavailable`, async () => {
        at.arm(fault);
        await fails(at.store.compareAndSet(freshKey(), 0, text('x')), 'STORAGE_UNKNOWN_OUTCOME');
      });

    test('[F10] that once may have been applied stays unknown, whatever refuses it afterwards', async () => {
      for (const refusal of ['ThrottlingException', 'AccessDeniedException', 'ResourceNotFoundException']) {
        at.faults.clear();
        at.arm(broken({ on: 'PutItem' }), answers({ on: 'PutItem', ...FOREVER }, refusal));
        await fails(at.store.compareAndSet(freshKey(), 0, text('x')), 'STORAGE_UNKNOWN_OUTCOME');
      }
    });

    for (const [code, syscall] of [
      ['ECONNREFUSED', 'connect'],
      ['ENOTFOUND', 'getaddrinfo'],
      ['ECONNRESET', 'connect'],
    ] as const)
      test(`[F10] that cannot connect (${code} in ${syscall}) is tried again, then unavailable`, async () => {
        at.arm(broken({ on: 'PutItem', times: 2 }, code, syscall));
        await created(at.store, freshKey());
        at.arm(broken({ on: 'PutItem', ...FOREVER }, code, syscall));
        await fails(at.store.compareAndSet(freshKey(), 0, text('x')), 'STORAGE_UNAVAILABLE');
      });
  });
