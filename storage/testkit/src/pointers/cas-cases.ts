import assert from 'node:assert/strict';

import type { Expected } from '@floecat/storage-spi';

import { refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { blob, create, pointerCase, remove, replace, textOf, unchanged, value } from './pointer-support.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NOT_VERSIONS = [-1, 0.5, 1.5, Number.NaN, Infinity, -Infinity, 2 ** 53, 2 ** 53 + 2];

/** Compare-and-set and compare-and-delete of one pointer. */
export const casCases: readonly ContractCase[] = [
  pointerCase('[1] get of an absent key is undefined, alone and in a batch', async ({ store, at }) => {
    await create(store, at('there'));
    assert.equal(await store.get(at('absent')), undefined);
    const [none, some, again] = await store.getBatch([at('absent'), at('there'), at('there')]);
    assert.equal(none, undefined);
    assert.equal(some?.key, at('there'));
    assert.deepEqual(again, some);
    assert.deepEqual(await store.getBatch([]), []);
  }),

  pointerCase(
    '[2] create of an absent key makes version 1 and answers the row',
    async ({ store, at, fixture }) => {
      const before = fixture.clock.now();
      const made = await create(store, at('a'), blob('/accounts/x/1.pb', { state: 'LIVE' }));
      assert.equal(made.key, at('a'));
      assert.equal(made.version, 1);
      assert.equal(made.kind, 'blob');
      assert.equal(textOf(made), '/accounts/x/1.pb');
      assert.equal(made.state, 'LIVE');
      assert.match(made.writeId, UUID);
      assert.equal(made.incarnation, made.writeId);
      assert.equal('prevWriteId' in made, false, 'version 1 has no write before it');
      assert.equal('expiresAt' in made, false);
      assert.ok(Number.isSafeInteger(made.updatedAt) && made.updatedAt >= before - 60_000);
      await unchanged(store, made);
    },
  ),

  pointerCase('[3] create of a present key is a conflict that leaves the row', async ({ store, at }) => {
    const made = await create(store, at('a'));
    const result = await store.compareAndSet(at('a'), 0, value('usurper'));
    assert.deepEqual(result, { applied: false, current: made });
    await unchanged(store, made);
  }),

  pointerCase(
    '[4] update at the expected version makes the next one, for 20 versions',
    async ({ store, at }) => {
      let current = await create(store, at('a'), value('1'));
      for (let version = 2; version <= 20; version++) {
        const byNumber = version % 2 === 0;
        const result = await store.compareAndSet(
          at('a'),
          byNumber ? current.version : current,
          value(String(version)),
        );
        assert.ok(result.applied);
        assert.equal(result.pointer.version, version);
        assert.equal(textOf(result.pointer), String(version));
        await unchanged(store, result.pointer);
        current = result.pointer;
      }
    },
  ),

  pointerCase('[4] write ids chain and the incarnation stays through updates', async ({ store, at }) => {
    const first = await create(store, at('a'));
    const second = await replace(store, first);
    const third = await replace(store, second);
    assert.equal(second.prevWriteId, first.writeId);
    assert.equal(third.prevWriteId, second.writeId);
    assert.equal(third.incarnation, first.writeId);
    assert.equal(new Set([first, second, third].map((row) => row.writeId)).size, 3);
  }),

  pointerCase(
    '[4] an update replaces all of the write: kind, state and expiry not given again are gone',
    async ({ store, at }) => {
      const staged = await create(store, at('a'), blob('/x/1', { state: 'STAGED' }));
      const plain = await replace(store, staged, value('now a value'));
      assert.equal(plain.state, undefined);
      assert.equal('blobUri' in plain, false);
      const expiring = await replace(store, plain, value('v', { expiresAt: 99_999_999_999 }));
      assert.equal(expiring.expiresAt, 99_999_999_999);
      const cleared = await replace(store, expiring, blob('/x/2'));
      assert.equal('expiresAt' in cleared, false);
      assert.equal('value' in cleared, false);
      await unchanged(store, cleared);
    },
  ),

  pointerCase("[4] a write id given by the caller is the row's", async ({ store, at }) => {
    const writeId = '01234567-89ab-4cde-8f01-23456789abcd';
    const result = await store.compareAndSet(at('a'), 0, value('x'), { writeId });
    assert.ok(result.applied);
    assert.equal(result.pointer.writeId, writeId);
    assert.equal(result.pointer.incarnation, writeId);
    await unchanged(store, result.pointer);
    for (const bad of ['', 'x', writeId.toUpperCase(), writeId + '0'])
      await refused(store.compareAndSet(at('b'), 0, value('x'), { writeId: bad }));
    assert.equal(await store.get(at('b')), undefined);
  }),

  pointerCase('[5] a stale expected version is a conflict that leaves the row', async ({ store, at }) => {
    const first = await create(store, at('a'));
    const second = await replace(store, first);
    for (const stale of [first.version, first] satisfies Expected[])
      assert.deepEqual(await store.compareAndSet(at('a'), stale, value('late')), {
        applied: false,
        current: second,
      });
    await unchanged(store, second);
  }),

  pointerCase('[6] a future expected version is a conflict that leaves the row', async ({ store, at }) => {
    const made = await create(store, at('a'));
    for (const future of [2, 3, Number.MAX_SAFE_INTEGER])
      assert.deepEqual(await store.compareAndSet(at('a'), future, value('early')), {
        applied: false,
        current: made,
      });
    await unchanged(store, made);
  }),

  pointerCase('[7] update of an absent key is a conflict that creates nothing', async ({ store, at }) => {
    for (const expected of [1, 7])
      assert.deepEqual(await store.compareAndSet(at('a'), expected, value('x')), {
        applied: false,
        current: undefined,
      });
    assert.equal(await store.get(at('a')), undefined);
    assert.equal(await store.countByPrefix(at('')), 0);
  }),

  ...NOT_VERSIONS.map((bad) =>
    pointerCase(`[8] expected version ${bad} is refused by set, delete and batch`, async ({ store, at }) => {
      const made = await create(store, at('a'));
      const shape = { key: at('a'), mentions: [bad] };
      await refused(store.compareAndSet(at('a'), bad, value('x')), { ...shape, operation: 'compareAndSet' });
      await refused(store.compareAndDelete(at('a'), bad), { ...shape, operation: 'compareAndDelete' });
      await refused(
        store.compareAndSetBatch([{ op: 'upsert', key: at('a'), expected: bad, next: value('x') }]),
        { ...shape, operation: 'compareAndSetBatch' },
      );
      await unchanged(store, made);
    }),
  ),

  pointerCase('[8] an expected pointer of another key is refused', async ({ store, at }) => {
    const other = await create(store, at('other'));
    const made = await create(store, at('a'));
    await refused(store.compareAndSet(at('a'), other, value('x')), { mentions: [at('other')] });
    await refused(store.compareAndDelete(at('a'), other));
    await refused(store.compareAndSetBatch([{ op: 'check', key: at('a'), expected: other }]));
    await unchanged(store, made);
  }),

  pointerCase(
    '[13] compareAndDelete: a match deletes and answers the row, else a conflict',
    async ({ store, at }) => {
      const first = await create(store, at('a'));
      const second = await replace(store, first);
      for (const wrong of [first, 1, 3] satisfies Expected[])
        assert.deepEqual(await store.compareAndDelete(at('a'), wrong), { applied: false, current: second });
      await unchanged(store, second);
      assert.deepEqual(await store.compareAndDelete(at('a'), second), { applied: true, deleted: second });
      assert.equal(await store.get(at('a')), undefined);
      for (const gone of [second, 2] satisfies Expected[])
        assert.deepEqual(await store.compareAndDelete(at('a'), gone), { applied: false, current: undefined });
    },
  ),

  pointerCase('[13] compareAndDelete by number deletes', async ({ store, at }) => {
    const made = await create(store, at('a'));
    assert.deepEqual(await store.compareAndDelete(at('a'), 1), { applied: true, deleted: made });
    assert.equal(await store.get(at('a')), undefined);
  }),

  pointerCase('[14] compareAndDelete expecting 0 is refused, present or absent', async ({ store, at }) => {
    const made = await create(store, at('a'));
    await refused(store.compareAndDelete(at('a'), 0));
    await refused(store.compareAndDelete(at('absent'), 0));
    await refused(store.compareAndSetBatch([{ op: 'delete', key: at('a'), expected: 0 }]));
    await unchanged(store, made);
  }),

  pointerCase(
    '[15] delete then create: version 1 again, another incarnation, no write before it',
    async ({ store, at }) => {
      const old = await replace(store, await create(store, at('a')));
      await remove(store, old);
      const reborn = await create(store, at('a'));
      assert.equal(reborn.version, 1);
      assert.equal('prevWriteId' in reborn, false);
      assert.notEqual(reborn.incarnation, old.incarnation);
      assert.equal(reborn.incarnation, reborn.writeId);
    },
  ),

  pointerCase(
    '[15] delete then create: the holder of the old incarnation does not win',
    async ({ store, at }) => {
      const old = await create(store, at('a'), value('old'));
      await remove(store, old);
      const reborn = await create(store, at('a'), value('new'));
      assert.equal(
        reborn.version,
        old.version,
        'the versions are alike, so only the write id tells them apart',
      );
      const conflict = { applied: false, current: reborn };
      assert.deepEqual(await store.compareAndSet(at('a'), old, value('late')), conflict);
      assert.deepEqual(await store.compareAndDelete(at('a'), old), conflict);
      for (const operation of [
        { op: 'upsert', key: at('a'), expected: old, next: value('late') },
        { op: 'delete', key: at('a'), expected: old },
        { op: 'check', key: at('a'), expected: old },
      ] as const)
        assert.deepEqual(await store.compareAndSetBatch([operation]), {
          applied: false,
          outcomes: [{ ok: false, current: reborn }],
        });
      await unchanged(store, reborn);
    },
  ),

  pointerCase(
    "[16] a second client sees an acknowledged write at once, and the first the second's",
    async ({ store, at, fixture }) => {
      const second = (await fixture.openSecond()).pointers;
      let current = await create(store, at('a'), value('0'));
      for (let i = 1; i <= 20; i++) {
        const [writer, reader] = i % 2 === 0 ? [store, second] : [second, store];
        current = await replace(writer, current, value(String(i)));
        await unchanged(reader, current);
        assert.deepEqual((await reader.listPointersByPrefix(at(''))).pointers, [current]);
        assert.equal(await reader.countByPrefix(at('')), 1);
      }
      await remove(second, current);
      assert.equal(await store.get(at('a')), undefined);
    },
    'secondClient',
  ),
];
