import assert from 'node:assert/strict';

import type { BatchOperation, OwnerState, Pointer } from '@floecat/storage-spi';
import { MAX_BATCH_OPERATIONS, OWNER_STATES } from '@floecat/storage-spi';

import { present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import {
  clientsOf,
  create,
  fill,
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
const OTHER_ID = '01234567-89ab-4cde-8f01-23456789abcd';

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

function updates(keys: readonly string[], who: string): readonly BatchOperation[] {
  return keys.map((key) => ({ op: 'upsert', key, expected: 1, next: value(who) }));
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
      assert.deepEqual([deleted, absent, more], [undefined, undefined, []]);
      assert.deepEqual([checked, owner], [rows.get('check'), rows.get('owner')]);
      assert.deepEqual([created?.key, created?.version, textOf(created)], [at('create'), 1, 'created']);
      assert.deepEqual([updated?.key, updated?.version, textOf(updated)], [at('update'), 2, 'updated']);
      assert.equal(created?.writeId, updated?.writeId);
      assert.equal(created?.incarnation, created?.writeId);
      assert.equal(updated?.prevWriteId, rows.get('update')?.writeId);
      assert.equal(updated?.incarnation, rows.get('update')?.incarnation);
      assert.deepEqual(await walk(store, at('')), [checked, created, owner, updated]);
    },
  ),

  pointerCase(
    `[54] a batch of ${MAX_BATCH_OPERATIONS} shares the write id that the caller gave`,
    async ({ store, at }) => {
      const operations = numbered(at, '', MAX_BATCH_OPERATIONS).map(
        (key) => ({ op: 'upsert', key, expected: 0, next: value(key) }) as const,
      );
      const result = await store.compareAndSetBatch(operations, { writeId: OTHER_ID });
      assert.ok(result.applied);
      assert.deepEqual(new Set(result.pointers.map((row) => row?.writeId)), new Set([OTHER_ID]));
      assert.deepEqual(await walk(store, at('')), result.pointers);
      await refused(store.compareAndSetBatch([{ op: 'check-absent', key: at('x') }], { writeId: 'no' }));
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

  pointerCase(
    'check-owner holds for the incarnation in one of the states, at whatever version',
    async ({ store, at }) => {
      const check = (incarnation: string, states: readonly OwnerState[]) =>
        store.compareAndSetBatch([{ op: 'check-owner', key: at('owner'), incarnation, states }]);
      let owner = await create(store, at('owner'), value('1', { state: 'STAGED' }));
      for (const state of ['STAGED', 'LIVE', 'DELETING', 'TOMBSTONE'] as const) {
        owner = await replace(store, owner, value('n', { state }));
        const holds = { applied: true, pointers: [owner] };
        const fails = { applied: false, outcomes: [{ ok: false, current: owner }] };
        const others = OWNER_STATES.filter((other) => other !== state);
        assert.deepEqual(await check(owner.incarnation, [state]), holds);
        assert.deepEqual(await check(owner.incarnation, [...others, state]), holds);
        assert.deepEqual(await check(owner.incarnation, others), fails);
        assert.deepEqual(await check(OTHER_ID, OWNER_STATES), fails, 'another incarnation');
        assert.deepEqual(
          await check(owner.writeId, OWNER_STATES),
          fails,
          'the write id is not the incarnation',
        );
      }
      const stateless = await replace(store, owner, value('no state'));
      assert.deepEqual(await check(owner.incarnation, OWNER_STATES), {
        applied: false,
        outcomes: [{ ok: false, current: stateless }],
      });
      await remove(store, stateless);
      const gone = { applied: false, outcomes: [{ ok: false, current: undefined }] };
      assert.deepEqual(await check(owner.incarnation, OWNER_STATES), gone);
      const reborn = await create(store, at('owner'), value('again', { state: 'LIVE' }));
      assert.deepEqual(await check(owner.incarnation, OWNER_STATES), {
        applied: false,
        outcomes: [{ ok: false, current: reborn }],
      });
    },
  ),

  pointerCase('[56] a child is created only while its parent lives', async ({ store, at }) => {
    const parent = await create(store, at('parent'), value('p', { state: 'LIVE' }));
    const addChild = (name: string) =>
      store.compareAndSetBatch([
        { op: 'check-owner', key: at('parent'), incarnation: parent.incarnation, states: ['LIVE'] },
        { op: 'check-absent', key: at(`name/${name}`) },
        { op: 'upsert', key: at(`child/${name}`), expected: 0, next: value(name) },
      ]);
    assert.equal((await addChild('one')).applied, true);
    const updated = await replace(store, parent, value('p2', { state: 'LIVE' }));
    assert.equal((await addChild('two')).applied, true, 'an update of the parent does not stand in the way');
    const deleting = await replace(store, updated, value('p', { state: 'DELETING' }));
    const late = await addChild('three');
    assert.ok(!late.applied);
    assert.deepEqual(late.outcomes, [{ ok: false, current: deleting }, { ok: true }, { ok: true }]);
    assert.equal(await store.countByPrefix(at('child/')), 2);
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

  pointerCase(
    '[62] of two batches that meet in one key exactly one wins, without a mixture',
    async ({ store, at, fixture }) => {
      const [left, right] = await clientsOf(fixture);
      for (let round = 0; round < 20; round++) {
        const keys = ['a', 'b', 'c'].map((name) => at(`${round}/${name}`));
        await fill(store, keys, () => value('start'));
        const results = await Promise.all([
          left.compareAndSetBatch(updates(keys, 'left')),
          right.compareAndSetBatch(updates(keys.toReversed(), 'right')),
        ]);
        const winners = results.filter((result) => result.applied);
        assert.equal(winners.length, 1, `${winners.length} of two batches won`);
        const winner = results[0].applied ? 'left' : 'right';
        assert.deepEqual((await store.getBatch(keys)).map(textOf), [winner, winner, winner]);
      }
    },
  ),

  pointerCase(
    '[63] of a batch and a single write that race, exactly one wins',
    async ({ store, at, fixture }) => {
      const [left, right] = await clientsOf(fixture);
      for (let round = 0; round < 20; round++) {
        const [a, b] = [at(`${round}/a`), at(`${round}/b`)];
        await fill(store, [a, b], () => value('start'));
        const [batch, single] = await Promise.all([
          left.compareAndSetBatch([
            { op: 'upsert', key: a, expected: 1, next: value('batch') },
            { op: 'upsert', key: b, expected: 1, next: value('batch') },
          ]),
          right.compareAndSet(b, 1, value('single')),
        ]);
        assert.notEqual(batch.applied, single.applied);
        const expected = batch.applied ? ['batch', 'batch'] : ['start', 'single'];
        assert.deepEqual((await store.getBatch([a, b])).map(textOf), expected);
      }
    },
  ),
];
