import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';

import type { CallOptions, Pointer, PointerStore } from '@floecat/storage-spi';

import { failsWith, present } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { create, fill, numbered, pointerCase, textOf, unchanged, value, walk } from './pointer-support.ts';

interface Call {
  readonly operation: keyof PointerStore & string;
  readonly run: (options: CallOptions) => Promise<unknown>;
}

/** Every operation, each in a call that would succeed, and write where it can. */
function everyCall(store: PointerStore, row: Pointer, at: (name: string) => string): readonly Call[] {
  const next = value('written');
  const fresh = { ...row, key: at('imported') };
  return [
    { operation: 'get', run: (options) => store.get(row.key, options) },
    { operation: 'getBatch', run: (options) => store.getBatch([row.key], options) },
    { operation: 'compareAndSet', run: (options) => store.compareAndSet(row.key, row, next, options) },
    { operation: 'compareAndDelete', run: (options) => store.compareAndDelete(row.key, row, options) },
    {
      operation: 'compareAndSetBatch',
      run: (options) =>
        store.compareAndSetBatch([{ op: 'upsert', key: row.key, expected: row, next }], options),
    },
    { operation: 'listPointersByPrefix', run: (options) => store.listPointersByPrefix(at(''), options) },
    { operation: 'countByPrefix', run: (options) => store.countByPrefix(at(''), options) },
    { operation: 'deleteByPrefix', run: (options) => store.deleteByPrefix(at(''), options) },
    { operation: 'importPointers', run: (options) => store.importPointers([fresh], 'if-absent', options) },
  ];
}

const WRITES = ['compareAndSet', 'compareAndDelete', 'compareAndSetBatch', 'importPointers'] as const;

/** Closing and aborting. */
export const lifecycleCases: readonly ContractCase[] = [
  pointerCase(
    '[20] every operation of a closed store fails with STORAGE_CLOSED, an empty batch too',
    async ({ store, at, fixture }) => {
      const row = await create(store, at('a'));
      await fixture.storage.close();
      for (const { operation, run } of everyCall(store, row, at))
        await failsWith('STORAGE_CLOSED', run({}), { operation });
      await failsWith('STORAGE_CLOSED', store.pageTokenAfterKey(at(''), at('a')));
      await failsWith('STORAGE_CLOSED', store.compareAndSetBatch([]));
      await failsWith('STORAGE_CLOSED', store.getBatch([]));
      await failsWith('STORAGE_CLOSED', store.importPointers([], 'if-absent'));
    },
  ),

  pointerCase('[20] a second close does nothing, later or at the same time', async ({ store, fixture }) => {
    await Promise.all([store.close(), store.close(), fixture.storage.close()]);
    await store.close();
    await store[Symbol.asyncDispose]();
    await fixture.storage.close();
    await fixture.storage[Symbol.asyncDispose]();
  }),

  pointerCase(
    '[20] close waits for the writes under way, which end as if it had not come',
    async ({ store, at }) => {
      const writes = numbered(at, '', 20).map((key) => store.compareAndSet(key, 0, value(key)));
      let answered = 0;
      const counted = writes.map((write) => write.then((result) => result.applied && answered++));
      await store.close();
      await Promise.all(counted);
      assert.equal(answered, 20);
      await failsWith('STORAGE_CLOSED', store.get(at('a')));
    },
  ),

  pointerCase(
    '[20] what was acknowledged before a close is there after a restart, byte for byte',
    async ({ store, at, fixture }) => {
      const keys = numbered(at, '', 50);
      await fill(store, keys);
      const row = await create(store, at('odd/\0\uffff😀'), value('\0e\u0301', { state: 'LIVE' }));
      const expiring = await create(store, at('z'), value('z', { expiresAt: 99_999_999_999 }));
      const before = await walk(store, at(''));
      const { pointers } = await fixture.restart();
      assert.deepEqual(await walk(pointers, at('')), before);
      await unchanged(pointers, row);
      await unchanged(pointers, expiring);
      const result = await pointers.compareAndSet(row.key, row, value('after'));
      assert.equal(result.applied && result.pointer.version, 2);
    },
    'restart',
  ),

  pointerCase('[21] a call whose signal is aborted already is not sent', async ({ store, at }) => {
    const row = await create(store, at('a'));
    const reason = new Error('no longer needed');
    for (const { operation, run } of everyCall(store, row, at)) {
      const error = await failsWith('STORAGE_ABORT_RETRYABLE', run({ signal: AbortSignal.abort(reason) }), {
        operation,
      });
      assert.equal(error.cause, reason);
    }
    assert.deepEqual(await walk(store, at('')), [row]);
  }),

  pointerCase('[21] a read aborted in flight fails as retryable, or answers', async ({ store, at }) => {
    const row = await create(store, at('a'));
    for (const { operation, run } of everyCall(store, row, at).filter(
      ({ operation: name }) => !isWrite(name),
    )) {
      const controller = new AbortController();
      const outcome = run({ signal: controller.signal }).then(
        () => 'answered',
        (error: unknown) => (error as { code: string }).code,
      );
      controller.abort();
      assert.ok(['answered', 'STORAGE_ABORT_RETRYABLE'].includes(await outcome), operation);
    }
  }),

  ...WRITES.map((name) =>
    pointerCase(
      `[21] ${name} aborted in flight is unknown, or certainly not applied, or applied`,
      async ({ store, at }) => {
        for (let round = 0; round < 10; round++) {
          const mine = (key: string): string => at(`${round}/${key}`);
          const row = await create(store, mine('a'), value('before'));
          const call = present(
            everyCall(store, row, mine).find(({ operation }) => operation === name),
            'the call',
          );
          const controller = new AbortController();
          const outcome = call.run({ signal: controller.signal }).then(
            () => 'applied',
            (error: unknown) => (error as { code: string }).code,
          );
          for (let turn = 0; turn < round; turn++) await Promise.resolve();
          controller.abort();
          const ended = await outcome;
          assert.ok(['applied', 'STORAGE_UNKNOWN_OUTCOME', 'STORAGE_ABORT_RETRYABLE'].includes(ended), ended);
          const after = await walk(store, mine(''));
          const untouched = after.length === 1 && textOf(after[0]) === 'before';
          if (ended === 'applied') assert.ok(!untouched, 'acknowledged, but not there');
          if (ended === 'STORAGE_ABORT_RETRYABLE') assert.ok(untouched, 'certainly not applied, yet there');
        }
      },
    ),
  ),

  pointerCase(
    '[21] a signal is let go of once the call has ended, and aborting it then changes nothing',
    async ({ store, at }) => {
      const row = await create(store, at('a'));
      const controller = new AbortController();
      for (const { operation, run } of everyCall(store, row, at)) {
        await run({ signal: controller.signal });
        // Letting go may take the turn after the answer.
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(getEventListeners(controller.signal, 'abort').length, 0, operation);
      }
      const made = await store.compareAndSet(at('b'), 0, value('b'), { signal: controller.signal });
      controller.abort();
      assert.ok(made.applied);
      await unchanged(store, made.pointer);
    },
  ),
];

function isWrite(operation: string): boolean {
  return [...WRITES, 'deleteByPrefix'].includes(operation);
}
