import assert from 'node:assert/strict';

import type { PointerWrite } from '@floecat/storage-spi';

import { present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { blob, create, pointerCase, replace, textOf, unchanged, value } from './pointer-support.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What a pointer may hold, and what a caller can do to it. */
export const valueCases: readonly ContractCase[] = [
  pointerCase('[9] key, version and ids in what the caller writes are ignored', async ({ store, at }) => {
    const forged = {
      ...value('mine'),
      key: at('elsewhere'),
      version: 99,
      writeId: 'forged',
      incarnation: 'forged',
      prevWriteId: 'forged',
      updatedAt: 1,
      colour: 'red',
    } as unknown as PointerWrite;
    const made = await create(store, at('a'), forged);
    assert.deepEqual([made.key, made.version], [at('a'), 1]);
    assert.match(made.writeId, UUID);
    assert.notEqual(made.updatedAt, 1);
    assert.equal('colour' in made, false);
    await unchanged(store, made);
    assert.equal(await store.get(at('elsewhere')), undefined);
  }),

  pointerCase('[10] writing the same value again still makes a version', async ({ store, at }) => {
    const first = await create(store, at('a'), value('same'));
    const second = await replace(store, first, value('same'));
    assert.equal(second.version, 2);
    assert.notEqual(second.writeId, first.writeId);
  }),

  pointerCase(
    '[11] a caller who changes what it was given or gave changes nothing in the store',
    async ({ store, at }) => {
      const next = { kind: 'value', value: 'kept' };
      const made = await create(store, at('a'), next as PointerWrite);
      const before = { ...made };
      next.value = 'changed';
      const [listed] = (await store.listPointersByPrefix(at(''))).pointers;
      const [batched] = await store.getBatch([at('a')]);
      for (const row of [made, await store.get(at('a')), listed, batched]) {
        try {
          Object.assign(present(row, 'the row'), { value: 'changed', version: 77 });
        } catch (error) {
          assert.ok(error instanceof TypeError, 'a frozen row throws a TypeError');
        }
      }
      assert.deepEqual(await store.get(at('a')), before);
    },
  ),

  ...(
    [
      ['empty', ''],
      ['every code point below 256', String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i))],
      ['blank', ' \t\n '],
      ['JSON and quotes', '{"a":"\\u0000\\"\'`"}'],
      ['emoji, NFD, noncharacters', 'e\u0301 \u00e9 👩‍👩‍👧 \ufffe\uffff\u{10ffff}'],
    ] as const
  ).map(([what, text]) =>
    pointerCase(`[17] a value comes back exactly: ${what}`, async ({ store, at }) => {
      const made = await create(store, at('a'), value(text));
      assert.equal(textOf(made), text);
      assert.equal(textOf(await store.get(at('a'))), text);
      const next = await replace(store, made, blob('/x' + text));
      assert.equal(textOf(next), '/x' + text);
      await unchanged(store, next);
      const [listed] = (await store.listPointersByPrefix(at(''))).pointers;
      assert.deepEqual(listed, next);
    }),
  ),

  pointerCase('[17] what is no pointer write is refused', async ({ store, at }) => {
    const bad: unknown[] = [
      undefined,
      null,
      {},
      { kind: 'other', value: 'x' },
      { kind: 'value' },
      { kind: 'value', value: 7 },
      { kind: 'value', value: '\ud800' },
      { kind: 'blob' },
      { kind: 'blob', blobUri: '' },
      { kind: 'blob', blobUri: '/' },
      { kind: 'blob', blobUri: 'no-slash' },
      { kind: 'blob', blobUri: '/' + 'x'.repeat(1024) },
      { ...value('x'), state: 'DEAD' },
      { ...value('x'), state: 'LIVE', expiresAt: 99_999_999_999 },
    ];
    for (const next of bad) {
      const forced = next as PointerWrite;
      await refused(store.compareAndSet(at('a'), 0, forced), { operation: 'compareAndSet', key: at('a') });
      await refused(store.compareAndSetBatch([{ op: 'upsert', key: at('a'), expected: 0, next: forced }]), {
        operation: 'compareAndSetBatch',
        key: at('a'),
      });
    }
    assert.equal(await store.get(at('a')), undefined);
  }),
];
