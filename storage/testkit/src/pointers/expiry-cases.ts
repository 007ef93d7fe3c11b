import assert from 'node:assert/strict';

import type { BatchOperation, Pointer, PointerStore } from '@floecat/storage-spi';
import { MAX_EXPIRES_AT_SECONDS } from '@floecat/storage-spi';

import { present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import {
  create,
  fill,
  pointerCase,
  remove,
  replace,
  textOf,
  unchanged,
  value,
  walk,
  walkKeys,
} from './pointer-support.ts';

const PAST = { expiresAt: 1_000_000_000 };
const FAR = { expiresAt: MAX_EXPIRES_AT_SECONDS };

/** Two versions of a row, the second long expired, and nothing else. */
async function expiredRow(store: PointerStore, key: string): Promise<Pointer> {
  return replace(store, await create(store, key), value('expired', PAST));
}

/** Expiry: from its second on, a pointer is absent to every operation. */
export const expiryCases: readonly ContractCase[] = [
  pointerCase('[64] an expired row is absent to get and getBatch', async ({ store, at }) => {
    await expiredRow(store, at('a'));
    assert.equal(await store.get(at('a')), undefined);
    assert.deepEqual(await store.getBatch([at('a')]), [undefined]);
    assert.equal(await store.get(at('a'), { consistency: 'eventual' }), undefined);
  }),

  pointerCase('[64] an expired row is absent to listings and counts', async ({ store, at }) => {
    await expiredRow(store, at('b'));
    const [a, c] = [await create(store, at('a')), await create(store, at('c'), value('c', FAR))];
    assert.deepEqual(await walk(store, at('')), [a, c]);
    assert.deepEqual(await walk(store, at(''), { limit: 1 }), [a, c]);
    assert.deepEqual(await walk(store, at('b')), []);
    assert.equal(await store.countByPrefix(at('')), 2);
    assert.equal(await store.countByPrefix(at('b')), 0);
  }),

  pointerCase(
    '[64] an expired row is a conflict with an absent one to compareAndSet',
    async ({ store, at }) => {
      const row = await expiredRow(store, at('a'));
      for (const expected of [row, 2, 1, 3])
        assert.deepEqual(await store.compareAndSet(at('a'), expected, value('late')), {
          applied: false,
          current: undefined,
        });
      assert.equal(await store.get(at('a')), undefined);
    },
  ),

  pointerCase(
    '[64] an expired row is a conflict with an absent one to compareAndDelete',
    async ({ store, at }) => {
      const row = await expiredRow(store, at('a'));
      for (const expected of [row, 2])
        assert.deepEqual(await store.compareAndDelete(at('a'), expected), {
          applied: false,
          current: undefined,
        });
    },
  ),

  pointerCase('[64] an expired row is absent to every operation of a batch', async ({ store, at }) => {
    const row = await expiredRow(store, at('a'));
    const failing: readonly BatchOperation[] = [
      { op: 'upsert', key: at('a'), expected: row, next: value('x') },
      { op: 'upsert', key: at('a'), expected: 2, next: value('x') },
      { op: 'delete', key: at('a'), expected: row },
      { op: 'check', key: at('a'), expected: row },
      { op: 'check', key: at('a'), expected: 2 },
      { op: 'check-owner', key: at('a'), incarnation: row.incarnation, states: ['LIVE'] },
    ];
    for (const operation of failing)
      assert.deepEqual(
        await store.compareAndSetBatch([operation]),
        { applied: false, outcomes: [{ ok: false, current: undefined }] },
        operation.op,
      );
    assert.deepEqual(await store.compareAndSetBatch([{ op: 'check-absent', key: at('a') }]), {
      applied: true,
      pointers: [undefined],
    });
  }),

  pointerCase('[64] an expired row does not count as deleted by deleteByPrefix', async ({ store, at }) => {
    await expiredRow(store, at('x/a'));
    await create(store, at('x/b'));
    assert.deepEqual(await store.deleteByPrefix(at('x/')), { deleted: 1, skipped: 0 });
    await expiredRow(store, at('y/a'));
    await create(store, at('y/b'));
    assert.deepEqual(await store.deleteByPrefix(at('y/'), { unconditional: true }), {
      deleted: 1,
      skipped: 0,
    });
    assert.equal(await store.countByPrefix(at('')), 0);
  }),

  pointerCase(
    '[68] a create over an expired row is version 1 of a new incarnation, alone and in a batch',
    async ({ store, at }) => {
      for (const how of ['single', 'batch']) {
        const key = at(how);
        const old = await expiredRow(store, key);
        const next = value('new', FAR);
        const result =
          how === 'single'
            ? await store.compareAndSet(key, 0, next)
            : await store.compareAndSetBatch([{ op: 'upsert', key, expected: 0, next }]);
        assert.ok(result.applied, how);
        const made = present(await store.get(key), 'the new row');
        assert.deepEqual('pointer' in result ? result.pointer : result.pointers[0], made);
        assert.deepEqual([made.version, textOf(made), made.expiresAt], [1, 'new', FAR.expiresAt]);
        assert.notEqual(made.incarnation, old.incarnation);
        assert.equal(made.incarnation, made.writeId);
        assert.equal('prevWriteId' in made, false);
        assert.deepEqual(await store.compareAndSet(key, old, value('late')), {
          applied: false,
          current: made,
        });
      }
    },
  ),

  pointerCase(
    '[68] a create gives the same before and after the expired row was reaped',
    async ({ store, at }) => {
      const made: Pointer[] = [];
      for (const reaped of [false, true]) {
        const row = await expiredRow(store, at(`${reaped}`));
        if (reaped)
          assert.deepEqual(await store.compareAndDelete(row.key, row, { includeExpired: true }), {
            applied: true,
            deleted: row,
          });
        made.push(await create(store, row.key, value('new')));
      }
      const shapes = made.map((row) => ({ ...row, key: '', writeId: '', incarnation: '', updatedAt: 0 }));
      assert.deepEqual(shapes[0], shapes[1]);
    },
    'keepsExpired',
  ),

  ...[0, -1, -1_000_000_000, 1.5, Number.NaN, Infinity, MAX_EXPIRES_AT_SECONDS + 1, 1_700_000_000_000].map(
    (expiresAt) =>
      pointerCase(`[65] expiresAt ${expiresAt} is refused`, async ({ store, at }) => {
        const row = await create(store, at('a'));
        const next = value('x', { expiresAt });
        const expected = { key: at('a'), mentions: [expiresAt] };
        await refused(store.compareAndSet(at('a'), row, next), expected);
        await refused(
          store.compareAndSetBatch([{ op: 'upsert', key: at('a'), expected: row, next }]),
          expected,
        );
        await refused(store.importPointers([{ ...row, version: 9, ...next }], 'if-lower'), expected);
        await unchanged(store, row);
      }),
  ),

  pointerCase(
    '[65] expiresAt in the past is stored and absent at once, the largest is stored and present',
    async ({ store, at }) => {
      for (const expiresAt of [1, PAST.expiresAt]) {
        const result = await store.compareAndSet(at('past'), 0, value('x', { expiresAt }));
        assert.ok(result.applied, 'the row before it had expired');
        assert.equal(result.pointer.expiresAt, expiresAt);
        assert.equal(await store.get(at('past')), undefined);
      }
      await unchanged(store, await create(store, at('far'), value('x', FAR)));
    },
  ),

  pointerCase(
    '[66] a pointer is there until the millisecond before its second, and absent from that second on',
    async ({ store, at, fixture: { clock } }) => {
      const expiresAt = clock.seconds() + 10;
      const row = await create(store, at('a'), value('x', { expiresAt }));
      clock.advance(expiresAt * 1000 - clock.now() - 1);
      await unchanged(store, row);
      assert.equal(await store.countByPrefix(at('')), 1);
      assert.deepEqual(await walkKeys(store, at('')), [at('a')]);
      assert.deepEqual(await store.compareAndSet(at('a'), 0, value('y')), { applied: false, current: row });
      clock.advance(1);
      assert.equal(await store.get(at('a')), undefined);
      assert.equal(await store.countByPrefix(at('')), 0);
      assert.deepEqual(await walkKeys(store, at('')), []);
      assert.equal((await create(store, at('a'), value('y'))).version, 1);
    },
    'movableClock',
  ),

  pointerCase(
    '[66] a row that expires in the middle of a walk, at the cursor or ahead, does not disturb it',
    async ({ store, at, fixture: { clock } }) => {
      const soon = { expiresAt: clock.seconds() + 5 };
      await fill(store, ['a', 'c', 'e'].map(at));
      await fill(store, ['b', 'd'].map(at), (key) => value(key, soon));
      const first = await store.listPointersByPrefix(at(''), { limit: 2 });
      assert.deepEqual(
        first.pointers.map((row) => row.key),
        ['a', 'b'].map(at),
      );
      clock.advance(6_000);
      const rest = await walkKeys(store, at(''), { pageToken: present(first.nextPageToken, 'token') });
      assert.deepEqual(rest, ['c', 'e'].map(at));
    },
    'movableClock',
  ),

  pointerCase(
    '[67] a pointer whose expiry was put off or taken away survives a reaper that saw it expire',
    async ({ store, at, fixture: { clock } }) => {
      const soon = { expiresAt: clock.seconds() + 5 };
      for (const [name, renewed] of [
        ['cleared', value('kept')],
        ['extended', value('kept', FAR)],
      ] as const) {
        const doomed = await create(store, at(name), value('x', soon));
        const kept = await replace(store, doomed, renewed);
        assert.deepEqual(await store.compareAndDelete(at(name), doomed, { includeExpired: true }), {
          applied: false,
          current: kept,
        });
      }
      clock.advance(60_000);
      assert.deepEqual(await walkKeys(store, at('')), ['cleared', 'extended'].map(at));
    },
    'movableClock',
  ),

  pointerCase(
    'includeExpired shows expired rows to get, getBatch, list and count, as they were',
    async ({ store, at }) => {
      const row = await expiredRow(store, at('b'));
      const [a, c] = [await create(store, at('a')), await create(store, at('c'))];
      const options = { includeExpired: true };
      assert.deepEqual(await store.get(at('b'), options), row);
      assert.deepEqual(await store.getBatch([at('a'), at('b')], options), [a, row]);
      assert.deepEqual(await walk(store, at(''), options), [a, row, c]);
      assert.deepEqual(await walk(store, at(''), { ...options, limit: 1 }), [a, row, c]);
      assert.equal(await store.countByPrefix(at(''), options), 3);
    },
    'keepsExpired',
  ),

  pointerCase(
    'includeExpired lets compareAndDelete reap an expired row, on its condition, and only that row',
    async ({ store, at }) => {
      const row = await expiredRow(store, at('a'));
      const options = { includeExpired: true };
      for (const wrong of [1, 3, { ...row, writeId: row.incarnation }])
        assert.deepEqual(await store.compareAndDelete(at('a'), wrong, options), {
          applied: false,
          current: row,
        });
      assert.deepEqual(await store.compareAndDelete(at('a'), row, options), { applied: true, deleted: row });
      assert.equal(await store.get(at('a'), options), undefined);
      const again = await expiredRow(store, at('a'));
      const reborn = await create(store, at('a'), value('reborn'));
      assert.deepEqual(await store.compareAndDelete(at('a'), again, options), {
        applied: false,
        current: reborn,
      });
      await remove(store, reborn);
    },
    'keepsExpired',
  ),
];
