import assert from 'node:assert/strict';

import { present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { clientsOf, create, fill, numbered, pointerCase, walkKeys } from './pointer-support.ts';

const FORMS = [
  { form: 'conditionally', options: {} },
  { form: 'unconditionally', options: { unconditional: true } },
];

/** deleteByPrefix. */
export const deletePrefixCases: readonly ContractCase[] = [
  ...FORMS.flatMap(({ form, options }) => [
    pointerCase(
      `deleteByPrefix ${form} takes what starts with the prefix, and no sibling`,
      async ({ store, at }) => {
        const siblings = ['a', 'a-', 'a.', 'a0', 'b'].map(at);
        await fill(store, [...siblings, ...['a/', 'a/1', 'a/1/2', 'a/\u{10ffff}'].map(at)]);
        assert.deepEqual(await store.deleteByPrefix(at('a/'), options), { deleted: 4, skipped: 0 });
        assert.deepEqual(await walkKeys(store, at('')), siblings);
      },
    ),

    pointerCase(`deleteByPrefix ${form} of nothing deletes nothing`, async ({ store, at }) => {
      await create(store, at('a'));
      assert.deepEqual(await store.deleteByPrefix(at('b'), options), { deleted: 0, skipped: 0 });
      assert.deepEqual(await store.deleteByPrefix(at('a/'), options), { deleted: 0, skipped: 0 });
      assert.equal(await store.countByPrefix(at('')), 1);
    }),

    pointerCase(
      `deleteByPrefix ${form} leaves the keys free: version 1, a new incarnation`,
      async ({ store, at }) => {
        const old = await create(store, at('a/1'));
        await store.deleteByPrefix(at('a/'), options);
        const reborn = await create(store, at('a/1'));
        assert.equal(reborn.version, 1);
        assert.notEqual(reborn.incarnation, old.incarnation);
      },
    ),

    pointerCase(
      `deleteByPrefix ${form} of the empty prefix needs everything, and then empties the store`,
      async ({ store, fixture }) => {
        await fill(store, ['a', '/b', '\u{10ffff}']);
        for (const everything of [undefined, false])
          await refused(
            store.deleteByPrefix('', { ...options, ...(everything !== undefined && { everything }) }),
            { operation: 'deleteByPrefix', mentions: ['everything'] },
          );
        assert.equal(await store.countByPrefix(''), 3);
        assert.deepEqual(await store.deleteByPrefix('', { ...options, everything: true }), {
          deleted: 3,
          skipped: 0,
        });
        assert.equal(await store.countByPrefix(''), 0);
        const again = fixture.capabilities.restart ? (await fixture.restart()).pointers : store;
        await create(again, 'a');
      },
      'ownStore',
    ),
  ]),

  pointerCase(
    '[51] deleteByPrefix among inserts and updates counts exactly the rows that it removed',
    async ({ store, at, fixture }) => {
      const [deleter, writer] = await clientsOf(fixture);
      const keys = numbered(at, 'x/', 300);
      const siblings = [at('x'), at('x0')];
      await fill(store, [...keys, ...siblings]);
      let created = keys.length;
      const done = new AbortController();
      const write = async (): Promise<void> => {
        for (let i = 0; !done.signal.aborted && i < 2_000; i++) {
          const key = present(keys[(i * 37) % keys.length], 'a key');
          const current = await writer.get(key);
          const result = await writer.compareAndSet(key, current ?? 0, { kind: 'value', value: `${i}` });
          if (result.applied && result.pointer.version === 1) created++;
        }
      };
      const remove = async (): Promise<number> => {
        let deleted = 0;
        for (let round = 0; round < 3; round++) deleted += (await deleter.deleteByPrefix(at('x/'))).deleted;
        done.abort();
        return deleted;
      };
      const [deleted] = await Promise.all([remove(), write()]);
      assert.equal(await store.countByPrefix(at('x/')), created - deleted);
      const left = await walkKeys(store, at('x'));
      assert.deepEqual([left[0], left.at(-1)], siblings, 'the siblings are intact');
    },
  ),
];
