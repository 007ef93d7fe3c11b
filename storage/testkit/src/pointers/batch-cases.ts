import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { BatchOperation, Expected, Pointer } from '@floecat/storage-spi';
import { MAX_BATCH_OPERATIONS } from '@floecat/storage-spi';

import { present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import {
  create,
  numbered,
  pointerCase,
  remove,
  replace,
  textOf,
  unchanged,
  value,
  walk,
} from './pointer-support.ts';

const PAST = { expiresAt: 1_000_000_000 };

/** One of each kind of operation that holds, on keys of its own, and the rows that they need. */
async function eachKind(
  store: Parameters<typeof create>[0],
  at: (name: string) => string,
): Promise<{ readonly operations: readonly BatchOperation[]; readonly rows: ReadonlyMap<string, Pointer> }> {
  const rows = new Map<string, Pointer>();
  for (const name of ['update', 'delete', 'check', 'owner'])
    rows.set(name, await create(store, at(name), value(name, name === 'owner' ? { state: 'LIVE' } : {})));
  const row = (name: string): Pointer => present(rows.get(name), name);
  const operations: readonly BatchOperation[] = [
    { op: 'upsert', key: at('create'), expected: 0, next: value('created') },
    { op: 'upsert', key: at('update'), expected: row('update'), next: value('updated') },
    { op: 'delete', key: at('delete'), expected: row('delete') },
    { op: 'check', key: at('check'), expected: row('check') },
    {
      op: 'check-owner',
      key: at('owner'),
      incarnation: row('owner').incarnation,
      states: ['STAGED', 'LIVE'],
    },
    { op: 'check-absent', key: at('absent') },
  ];
  return { operations, rows };
}

/** Batches: all or nothing, and an outcome per operation. */
export const batchCases: readonly ContractCase[] = [
  pointerCase('[53] an empty batch is applied and does nothing', async ({ store }) => {
    assert.deepEqual(await store.compareAndSetBatch([]), { applied: true, pointers: [] });
  }),

  pointerCase(
    '[54] a batch whose conditions all hold is applied, in order, under one write id',
    async ({ store, at }) => {
      const { operations, rows } = await eachKind(store, at);
      const result = await store.compareAndSetBatch(operations);
      assert.ok(result.applied);
      const [created, updated, deleted, checked, owner, absent, ...more] = result.pointers;
      assert.deepEqual([deleted, owner, absent, more], [undefined, undefined, undefined, []]);
      assert.deepEqual(checked, rows.get('check'));
      assert.deepEqual([created?.key, created?.version, textOf(created)], [at('create'), 1, 'created']);
      assert.deepEqual([updated?.key, updated?.version, textOf(updated)], [at('update'), 2, 'updated']);
      assert.equal(created?.writeId, updated?.writeId);
      assert.equal(created?.incarnation, created?.writeId);
      assert.equal(updated?.prevWriteId, rows.get('update')?.writeId);
      assert.equal(updated?.incarnation, rows.get('update')?.incarnation);
      assert.deepEqual(await walk(store, at('')), [checked, created, rows.get('owner'), updated]);
    },
  ),

  pointerCase(
    `[54] a batch of ${MAX_BATCH_OPERATIONS} shares the write id that the caller gave`,
    async ({ store, at }) => {
      const operations = numbered(at, '', MAX_BATCH_OPERATIONS).map(
        (key) => ({ op: 'upsert', key, expected: 0, next: value(key) }) as const,
      );
      // A fresh one in each run: a store may know the one of a run before.
      const writeId = randomUUID();
      const result = await store.compareAndSetBatch(operations, { writeId });
      assert.ok(result.applied);
      assert.deepEqual(new Set(result.pointers.map((row) => row?.writeId)), new Set([writeId]));
      assert.deepEqual(await walk(store, at('')), result.pointers);
      await refused(store.compareAndSetBatch([{ op: 'check-absent', key: at('x') }], { writeId: 'no' }));
    },
  ),

  pointerCase(
    '[54] a batch of one write is applied, or says what is there, as a batch of many does',
    async ({ store, at }) => {
      const writeOne = (expected: Expected, text: string, options?: { readonly writeId: string }) =>
        store.compareAndSetBatch([{ op: 'upsert', key: at('one'), expected, next: value(text) }], options);
      const writeId = randomUUID();
      const created = await writeOne(0, 'first', { writeId });
      assert.ok(created.applied);
      const [first, ...more] = created.pointers;
      assert.deepEqual([first?.version, first?.writeId, textOf(first), more], [1, writeId, 'first', []]);
      assert.deepEqual(await store.get(at('one')), first);
      const updated = await writeOne(present(first, 'the row'), 'second');
      assert.ok(updated.applied);
      const [second] = updated.pointers;
      assert.deepEqual([second?.version, second?.prevWriteId, textOf(second)], [2, writeId, 'second']);
      for (const stale of [0, 1, 3, present(first, 'the row')])
        assert.deepEqual(await writeOne(stale, 'late'), {
          applied: false,
          outcomes: [{ ok: false, current: second }],
        });
      await unchanged(store, present(second, 'the row'));
      const absent = { applied: false, outcomes: [{ ok: false, current: undefined }] };
      await remove(store, present(second, 'the row'));
      for (const gone of [2, present(second, 'the row')])
        assert.deepEqual(await writeOne(gone, 'late'), absent);
      assert.equal(await store.get(at('one')), undefined);
    },
  ),

  ...Array.from({ length: 6 }, (_, position) =>
    pointerCase(
      `[55] one condition of six that fails, at position ${position}, applies nothing`,
      async ({ store, at }) => {
        const { operations } = await eachKind(store, at);
        const failing = present(operations[position], 'the operation');
        const there = await store.get(failing.key);
        const spoiler = there
          ? await replace(store, there, value('raced'))
          : await create(store, failing.key, value('raced'));
        const before = await walk(store, at(''));
        const result = await store.compareAndSetBatch(operations);
        assert.ok(!result.applied);
        const expected = operations.map((_operation, i) =>
          i === position ? { ok: false, current: spoiler } : { ok: true },
        );
        assert.deepEqual(result.outcomes, expected);
        assert.deepEqual(await walk(store, at('')), before);
      },
    ),
  ),

  pointerCase(
    '[55] several conditions that fail are each reported with what is there',
    async ({ store, at }) => {
      const { operations } = await eachKind(store, at);
      const update = present(await store.get(at('update')), 'update');
      const raced = await replace(store, update, value('raced'));
      await remove(store, present(await store.get(at('check')), 'check'));
      const before = await walk(store, at(''));
      const result = await store.compareAndSetBatch(operations);
      assert.ok(!result.applied);
      assert.deepEqual(result.outcomes, [
        { ok: true },
        { ok: false, current: raced },
        { ok: true },
        { ok: false, current: undefined },
        { ok: true },
        { ok: true },
      ]);
      assert.deepEqual(await walk(store, at('')), before);
    },
  ),

  ...[0, 50, 99].map((position) =>
    pointerCase(
      `[55] of ${MAX_BATCH_OPERATIONS} creates, one that is taken at ${position} undoes all`,
      async ({ store, at }) => {
        const keys = numbered(at, '', MAX_BATCH_OPERATIONS);
        const taken = await create(store, present(keys[position], 'a key'), value('taken'));
        const result = await store.compareAndSetBatch(
          keys.map((key) => ({ op: 'upsert', key, expected: 0, next: value('mine') })),
        );
        assert.ok(!result.applied);
        assert.deepEqual(result.outcomes[position], { ok: false, current: taken });
        assert.equal(result.outcomes.filter((outcome) => outcome.ok).length, keys.length - 1);
        assert.deepEqual(await walk(store, at('')), [taken]);
      },
    ),
  ),

  pointerCase(
    '[57] a check that holds makes no version, one that is stale is a conflict',
    async ({ store, at }) => {
      const first = await create(store, at('a'));
      const second = await replace(store, first);
      for (const expected of [2, second])
        assert.deepEqual(await store.compareAndSetBatch([{ op: 'check', key: at('a'), expected }]), {
          applied: true,
          pointers: [second],
        });
      for (const expected of [1, 3, first])
        assert.deepEqual(await store.compareAndSetBatch([{ op: 'check', key: at('a'), expected }]), {
          applied: false,
          outcomes: [{ ok: false, current: second }],
        });
      assert.deepEqual(await store.compareAndSetBatch([{ op: 'check', key: at('absent'), expected: 1 }]), {
        applied: false,
        outcomes: [{ ok: false, current: undefined }],
      });
      await refused(store.compareAndSetBatch([{ op: 'check', key: at('a'), expected: 0 }]), {
        mentions: ['check-absent'],
      });
      await unchanged(store, second);
    },
  ),

  pointerCase('[58] check-absent holds for an expired row that is still there', async ({ store, at }) => {
    await create(store, at('expired'), value('x', PAST));
    const result = await store.compareAndSetBatch([
      { op: 'check-absent', key: at('expired') },
      { op: 'upsert', key: at('a'), expected: 0, next: value('made') },
    ]);
    assert.ok(result.applied);
    assert.equal(textOf(await store.get(at('a'))), 'made');
  }),

  pointerCase('[59] a key twice in a batch is refused, whatever the operations', async ({ store, at }) => {
    const row = await create(store, at('a'), value('a', { state: 'LIVE' }));
    const all: readonly BatchOperation[] = [
      { op: 'upsert', key: at('a'), expected: row, next: value('x') },
      { op: 'delete', key: at('a'), expected: row },
      { op: 'check', key: at('a'), expected: row },
      { op: 'check-owner', key: at('a'), incarnation: row.incarnation, states: ['LIVE'] },
      { op: 'check-absent', key: at('a') },
    ];
    const between: BatchOperation = { op: 'check-absent', key: at('b') };
    for (const first of all)
      for (const second of all)
        await refused(store.compareAndSetBatch([first, between, second]), {
          operation: 'compareAndSetBatch',
          key: at('a'),
          mentions: ['twice'],
        });
    await unchanged(store, row);
  }),

  pointerCase(
    'operations that are none, and arguments they cannot have, are refused',
    async ({ store, at }) => {
      const row = await create(store, at('a'));
      const bad: readonly object[] = [
        { op: 'put', key: at('a'), expected: row, next: value('x') },
        { key: at('a'), expected: row, next: value('x') },
        { op: 'upsert', key: at('a'), expected: row },
        { op: 'upsert', key: at('a'), next: value('x') },
        { op: 'check-owner', key: at('a'), incarnation: row.incarnation, states: [] },
        { op: 'check-owner', key: at('a'), incarnation: row.incarnation, states: ['ALIVE'] },
        { op: 'check-owner', key: at('a'), incarnation: 'no-uuid', states: ['LIVE'] },
      ];
      for (const operation of bad)
        await refused(store.compareAndSetBatch([operation as BatchOperation]), { key: at('a') });
      await unchanged(store, row);
    },
  ),
];
