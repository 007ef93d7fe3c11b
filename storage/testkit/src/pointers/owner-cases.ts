import assert from 'node:assert/strict';

import type { OwnerState } from '@floecat/storage-spi';
import { OWNER_STATES } from '@floecat/storage-spi';

import type { ContractCase } from '../contract-case.ts';
import { create, pointerCase, remove, replace, value } from './pointer-support.ts';

const OTHER_ID = '01234567-89ab-4cde-8f01-23456789abcd';

/** Batches that lean on an owner's incarnation and state. */
export const ownerCases: readonly ContractCase[] = [
  pointerCase(
    'check-owner holds for the incarnation in one of the states, at whatever version',
    async ({ store, at }) => {
      const check = (incarnation: string, states: readonly OwnerState[]) =>
        store.compareAndSetBatch([{ op: 'check-owner', key: at('owner'), incarnation, states }]);
      let owner = await create(store, at('owner'), value('1', { state: 'STAGED' }));
      for (const state of ['STAGED', 'LIVE', 'DELETING', 'TOMBSTONE'] as const) {
        owner = await replace(store, owner, value('n', { state }));
        const holds = { applied: true, pointers: [undefined] };
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
];
