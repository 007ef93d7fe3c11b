import assert from 'node:assert/strict';

import type { Pointer } from '@floecat/storage-spi';
import { MAX_KEY_BYTES } from '@floecat/storage-spi';

import { refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { ODD_NAMES, ORDERED_NAMES } from '../odd-names.ts';
import { textOfBytes, utf8Sorted } from '../utf8-order.ts';
import type { PointerBench } from './pointer-support.ts';
import {
  create,
  fill,
  pointerCase,
  remove,
  replace,
  textOf,
  unchanged,
  value,
  walkKeys,
} from './pointer-support.ts';

/** Every key holds its own value, is listed exactly, in UTF-8 order, and goes without taking another along. */
async function keepsApart({ store, fixture }: PointerBench, keys: readonly string[]): Promise<void> {
  const rows: Pointer[] = [];
  for (const key of keys) rows.push(await create(store, key, value(`of ${key}`)));
  for (const [i, row] of rows.entries()) {
    assert.equal(row.key, keys[i]);
    assert.equal(textOf(row), `of ${keys[i]}`);
    await unchanged(store, row);
  }
  assert.deepEqual(await store.getBatch(keys), rows);
  const everything = fixture.capabilities.ownStore ? '' : fixture.prefix;
  const sorted = utf8Sorted(keys);
  assert.deepEqual(await walkKeys(store, everything), sorted);
  assert.deepEqual(await walkKeys(store, everything, { limit: 1 }), sorted);
  for (const key of keys)
    assert.deepEqual(
      await walkKeys(store, key),
      sorted.filter((other) => other.startsWith(key)),
    );
  for (const row of rows) await replace(store, row, value('second'));
  for (const [i, key] of keys.entries()) {
    const [row] = await store.getBatch([key]);
    assert.equal(row?.version, 2);
    await remove(store, row);
    assert.deepEqual(await walkKeys(store, everything), utf8Sorted(keys.slice(i + 1)));
  }
}

async function refusesKey(
  { store, at }: PointerBench,
  key: string,
  mentions: (string | number)[],
): Promise<void> {
  const expected = { mentions };
  const good = await create(store, at('good'));
  const next = value('x');
  await refused(store.get(key), { ...expected, operation: 'get' });
  await refused(store.getBatch([at('good'), key]), { ...expected, operation: 'getBatch' });
  await refused(store.compareAndSet(key, 0, next), { ...expected, operation: 'compareAndSet' });
  await refused(store.compareAndDelete(key, 1), { ...expected, operation: 'compareAndDelete' });
  for (const operation of [
    { op: 'upsert', key, expected: 0, next },
    { op: 'delete', key, expected: 1 },
    { op: 'check', key, expected: 1 },
    { op: 'check-owner', key, incarnation: good.incarnation, states: ['LIVE'] },
    { op: 'check-absent', key },
  ] as const) {
    const first = { op: 'upsert', key: at('other'), expected: 0, next } as const;
    await refused(store.compareAndSetBatch([first, operation]), {
      ...expected,
      operation: 'compareAndSetBatch',
    });
  }
  await refused(store.pageTokenAfterKey('', key), { ...expected, operation: 'pageTokenAfterKey' });
  await refused(store.importPointers([{ ...good, key }], 'if-absent'), expected);
  assert.deepEqual(await walkKeys(store, at('')), [at('good')], 'nothing was written');
}

/** Keys of every kind. */
export const keyCases: readonly ContractCase[] = [
  ...ODD_NAMES.flatMap(({ title, names }) => [
    pointerCase(`${title} are keys of their own`, (bench) => keepsApart(bench, names.map(bench.at))),
    pointerCase(
      `${title} are keys of their own without a leading slash`,
      (bench) => keepsApart(bench, names),
      'ownStore',
    ),
  ]),

  pointerCase('[22] an empty key is refused everywhere', (bench) => refusesKey(bench, '', ['empty'])),

  ...['\ud800', '\udc00', 'a\ud83d', '\ude00\ud83d'].map((lone) =>
    pointerCase(`[28] the lone surrogate ${JSON.stringify(lone)} is refused everywhere`, async (bench) => {
      await refusesKey(bench, bench.at(lone), ['surrogate']);
      const prefix = bench.at(lone);
      for (const call of [
        bench.store.listPointersByPrefix(prefix),
        bench.store.countByPrefix(prefix),
        bench.store.deleteByPrefix(prefix),
        bench.store.pageTokenAfterKey(prefix, prefix),
      ])
        await refused(call, { mentions: ['surrogate'] });
    }),
  ),

  pointerCase(
    '[31] order is that of UTF-8 bytes, not of UTF-16, a locale or path segments',
    async ({ store, at }) => {
      const keys = ORDERED_NAMES.map(at);
      await fill(store, keys);
      assert.deepEqual(await walkKeys(store, at('')), utf8Sorted(keys));
      assert.deepEqual(await walkKeys(store, at(''), { limit: 1 }), utf8Sorted(keys));
    },
  ),

  pointerCase('[31] U+10000 follows U+FF61, within one listing and across a page', async ({ store, at }) => {
    await create(store, at('\u{10000}'));
    await create(store, at('\uff61'));
    const first = await store.listPointersByPrefix(at(''), { limit: 1 });
    assert.deepEqual(
      first.pointers.map((row) => row.key),
      [at('\uff61')],
    );
    const after = await store.pageTokenAfterKey(at(''), at('\uff61'));
    assert.deepEqual(await walkKeys(store, at(''), { pageToken: after }), [at('\u{10000}')]);
  }),

  ...['x', 'é', '€', '😀'].map((unit) =>
    pointerCase(
      `[32] keys of exactly ${MAX_KEY_BYTES} bytes of ${unit} work, one byte more is refused`,
      async (bench) => {
        const { store, at, fixture } = bench;
        const longest = textOfBytes(MAX_KEY_BYTES, unit, fixture.prefix + 'long/');
        const row = await create(store, longest);
        await unchanged(store, row);
        assert.deepEqual(await walkKeys(store, longest), [longest]);
        assert.deepEqual(await walkKeys(store, at('long/'), { limit: 1 }), [longest]);
        const token = await store.pageTokenAfterKey(at('long/'), longest);
        assert.deepEqual(await walkKeys(store, at('long/'), { pageToken: token }), []);
        await remove(store, await replace(store, row));
        await refusesKey(bench, longest + 'x', [MAX_KEY_BYTES + 1, MAX_KEY_BYTES]);
      },
    ),
  ),

  pointerCase('[32] keys that differ in their last byte alone, at full length, are apart', async (bench) => {
    const stem = textOfBytes(MAX_KEY_BYTES - 1, 'y', bench.at(''));
    await keepsApart(
      bench,
      ['a', 'b', 'c'].map((end) => stem + end),
    );
  }),

  pointerCase('[34] a tenant never sees another whose name starts alike', async ({ store, at }) => {
    const mine = ['accounts/a/t/1', 'accounts/a/t/2'].map(at);
    const others = [
      'accounts/ab/t/1',
      'accounts/a-/t/1',
      'accounts/a',
      'accounts/A/t/1',
      'accounts/a.b/t/1',
    ].map(at);
    await fill(store, [...others, ...mine]);
    const prefix = at('accounts/a/');
    assert.deepEqual(await walkKeys(store, prefix), mine);
    assert.equal(await store.countByPrefix(prefix), 2);
    assert.deepEqual(await store.deleteByPrefix(prefix), { deleted: 2, skipped: 0 });
    assert.deepEqual(await walkKeys(store, at('')), utf8Sorted(others));
  }),
];
