import assert from 'node:assert/strict';

import type { ImportMode, Pointer } from '@floecat/storage-spi';

import { refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { create, pointerCase, replace, unchanged, value, walk } from './pointer-support.ts';

const WRITE = '11111111-1111-4111-8111-111111111111';
const PREVIOUS = '22222222-2222-4222-8222-222222222222';
const INCARNATION = '33333333-3333-4333-8333-333333333333';
const MODES: readonly ImportMode[] = ['if-absent', 'if-lower'];

function entry(key: string, version: number, extra: Partial<Pointer> = {}): Pointer {
  const ids = { writeId: WRITE, incarnation: INCARNATION, ...(version > 1 && { prevWriteId: PREVIOUS }) };
  return {
    key,
    version,
    ...value(`version ${version}`),
    ...ids,
    updatedAt: 1_600_000_000_123,
    ...extra,
  } as Pointer;
}

/** importPointers, which only recovery calls. */
export const importCases: readonly ContractCase[] = [
  ...MODES.map((mode) =>
    pointerCase(
      `import ${mode} writes rows as given: version, ids, state, expiry and time`,
      async ({ store, at }) => {
        const rows = [
          entry(at('a'), 7, { state: 'TOMBSTONE' }),
          entry(at('b'), 1, { writeId: INCARNATION }),
          entry(at('c'), 2, { expiresAt: 99_999_999_999 }),
          { ...entry(at('d'), 3), kind: 'blob', blobUri: '/accounts/x/1.pb' } as Pointer,
          entry(at('e'), Number.MAX_SAFE_INTEGER - 1),
        ].map((row) => {
          if (row.kind === 'value') return row;
          const { value: _unused, ...rest } = row as Pointer & { value?: string };
          return rest as Pointer;
        });
        assert.deepEqual(await store.importPointers(rows, mode), { imported: 5, left: [] });
        assert.deepEqual(await walk(store, at('')), rows);
        const [first] = rows;
        assert.ok(first);
        const next = await replace(store, first, value('after'));
        assert.deepEqual([next.version, next.prevWriteId, next.incarnation], [8, WRITE, INCARNATION]);
      },
    ),
  ),

  pointerCase('import if-absent leaves and reports what is there', async ({ store, at }) => {
    const mine = await create(store, at('a'));
    const report = await store.importPointers([entry(at('a'), 9), entry(at('b'), 9)], 'if-absent');
    assert.deepEqual(report, { imported: 1, left: [{ key: at('a'), reason: 'present', current: mine }] });
    await unchanged(store, mine);
    await unchanged(store, entry(at('b'), 9));
  }),

  pointerCase(
    'import if-absent leaves a lower version of the same incarnation too',
    async ({ store, at }) => {
      const low = entry(at('a'), 3);
      await store.importPointers([low], 'if-absent');
      const report = await store.importPointers([entry(at('a'), 4)], 'if-absent');
      assert.deepEqual(report, { imported: 0, left: [{ key: at('a'), reason: 'present', current: low }] });
      await unchanged(store, low);
    },
  ),

  pointerCase(
    'import if-lower raises a lower version and leaves an equal or higher one',
    async ({ store, at }) => {
      const versions = { lower: 3, equal: 5, higher: 6 };
      for (const [name, version] of Object.entries(versions))
        await store.importPointers([entry(at(name), version)], 'if-absent');
      const given = Object.keys(versions).map((name) =>
        entry(at(name), 5, { writeId: PREVIOUS, ...value('imported') }),
      );
      const report = await store.importPointers(given, 'if-lower');
      assert.deepEqual(report, {
        imported: 1,
        left: [
          { key: at('equal'), reason: 'not-lower', current: entry(at('equal'), 5) },
          { key: at('higher'), reason: 'not-lower', current: entry(at('higher'), 6) },
        ],
      });
      assert.deepEqual(await store.get(at('lower')), given[0]);
    },
  ),

  pointerCase('import if-lower leaves another incarnation, whatever the versions', async ({ store, at }) => {
    const mine = await create(store, at('a'));
    const report = await store.importPointers([entry(at('a'), 9)], 'if-lower');
    assert.deepEqual(report, {
      imported: 0,
      left: [{ key: at('a'), reason: 'other-incarnation', current: mine }],
    });
    await unchanged(store, mine);
  }),

  ...MODES.map((mode) =>
    pointerCase(`import ${mode} takes an expired row for absent, reaped or not`, async ({ store, at }) => {
      await create(store, at('a'), value('x', { expiresAt: 1_000_000_000 }));
      const given = entry(at('a'), 2);
      assert.deepEqual(await store.importPointers([given], mode), { imported: 1, left: [] });
      await unchanged(store, given);
    }),
  ),

  pointerCase('an imported row that has expired is absent', async ({ store, at }) => {
    const report = await store.importPointers([entry(at('a'), 2, { expiresAt: 1_000_000_000 })], 'if-absent');
    assert.equal(report.imported, 1);
    assert.equal(await store.get(at('a')), undefined);
    assert.equal((await create(store, at('a'))).version, 1);
  }),

  pointerCase('import of nothing does nothing, and of 250 rows all of them', async ({ store, at }) => {
    assert.deepEqual(await store.importPointers([], 'if-absent'), { imported: 0, left: [] });
    const rows = Array.from({ length: 250 }, (_, i) => entry(at(String(i).padStart(4, '0')), i + 1));
    assert.deepEqual(await store.importPointers(rows, 'if-lower'), { imported: 250, left: [] });
    assert.deepEqual(await walk(store, at('')), rows);
    const again = await store.importPointers(rows, 'if-lower');
    assert.equal(again.imported, 0);
    assert.deepEqual(
      again.left.map(({ key, reason }) => [key, reason]),
      rows.map(({ key }) => [key, 'not-lower']),
    );
  }),

  pointerCase('import refuses rows that cannot be, all before any is written', async ({ store, at }) => {
    const good = entry(at('good'), 1);
    const bad: readonly Pointer[] = [
      entry(at('a'), 0),
      entry(at('a'), 1.5),
      entry(at('a'), 2 ** 53),
      entry(at('a'), 1, { writeId: 'none' }),
      entry(at('a'), 1, { incarnation: '' }),
      entry(at('a'), 2, { prevWriteId: 'none' }),
      entry(at('a'), 1, { updatedAt: Number.NaN }),
      entry(at('a'), 1, { state: 'LIVE', expiresAt: 99_999_999_999 }),
      entry(at('good'), 2),
    ];
    for (const row of bad)
      await refused(store.importPointers([good, row], 'if-absent'), {
        operation: 'importPointers',
        key: row.key,
      });
    await refused(store.importPointers([good], 'always' as ImportMode), { mentions: ['always'] });
    assert.equal(await store.countByPrefix(at('')), 0);
  }),
];
