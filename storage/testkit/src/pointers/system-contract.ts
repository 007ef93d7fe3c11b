import assert from 'node:assert/strict';

import { MAX_KEY_BYTES, MAX_SYSTEM_KEY_BYTES } from '@floecat/storage-spi';

import { present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { textOfBytes } from '../utf8-order.ts';
import { pointerContract } from './pointer-contract.ts';
import { create, pointerCase, remove, replace, unchanged, value, walkKeys } from './pointer-support.ts';

/** Cases that need keys of `MAX_KEY_BYTES`, which system rows do not have, or make a token of pointers. */
const NOT_OURS = new RegExp(
  `keys of exactly ${MAX_KEY_BYTES} bytes|at full length|exactly the longest key|token of another store`,
);

const ownLength: readonly ContractCase[] = ['x', 'é', '😀'].map((unit) =>
  pointerCase(
    `system keys of exactly ${MAX_SYSTEM_KEY_BYTES} bytes of ${unit} work, one byte more is refused`,
    async ({ store, at }) => {
      const longest = textOfBytes(MAX_SYSTEM_KEY_BYTES, unit, at('long/'));
      const row = await create(store, longest);
      await unchanged(store, row);
      assert.deepEqual(await walkKeys(store, longest), [longest]);
      await remove(store, await replace(store, row));
      const mentions = [MAX_SYSTEM_KEY_BYTES + 1, MAX_SYSTEM_KEY_BYTES];
      const tooLong = longest + 'x';
      await refused(store.get(tooLong), { mentions, operation: 'get' });
      await refused(store.compareAndSet(tooLong, 0, value('x')), { mentions, operation: 'compareAndSet' });
      await refused(store.compareAndSetBatch([{ op: 'check-absent', key: tooLong }]), {
        mentions,
        operation: 'compareAndSetBatch',
      });
      await refused(store.listPointersByPrefix(tooLong), { mentions, operation: 'listPointersByPrefix' });
      await refused(store.importPointers([{ ...row, key: tooLong }], 'if-absent'), {
        mentions,
        operation: 'importPointers',
      });
    },
  ),
);

/**
 * The laws of `Storage.system`: those of a PointerStore, with shorter keys. Run it on fixtures that are wrapped in
 * `systemRows`.
 */
export const systemContract: readonly ContractCase[] = [
  ...pointerContract.filter(({ name }) => !NOT_OURS.test(name)),
  ...ownLength,
];

/** Pointers and system rows are two spaces. Runs on plain fixtures. */
export const systemApartCases: readonly ContractCase[] = [
  {
    name: 'a pointer and a system row of one key are two rows, and neither is in a listing of the other',
    run: async ({ storage, prefix }) => {
      const { pointers, system } = storage;
      const key = `${prefix}same`;
      const pointer = await create(pointers, key, value('pointer'));
      const row = await create(system, key, value('row'));
      await create(system, `${prefix}only-a-row`);
      await unchanged(pointers, pointer);
      await unchanged(system, row);
      assert.deepEqual(await walkKeys(pointers, prefix), [key]);
      assert.deepEqual(await walkKeys(system, prefix), [`${prefix}only-a-row`, key]);
      assert.equal(await pointers.get(`${prefix}only-a-row`), undefined);
      assert.equal(await pointers.countByPrefix(prefix), 1);
      assert.deepEqual(await pointers.deleteByPrefix(prefix), { deleted: 1, skipped: 0 });
      await unchanged(system, row);
      assert.equal((await system.compareAndSet(key, row, value('again'))).applied, true);
      assert.deepEqual(await system.deleteByPrefix(prefix), { deleted: 2, skipped: 0 });
    },
  },
  {
    name: 'a page token of one space is refused by the other',
    run: async ({ storage, prefix }) => {
      const { pointers, system } = storage;
      for (const [one, other] of [
        [pointers, system],
        [system, pointers],
      ] as const) {
        for (const name of ['a', 'b']) await create(one, prefix + name);
        const { nextPageToken } = await one.listPointersByPrefix(prefix, { limit: 1 });
        const pageToken = present(nextPageToken, 'a token');
        await refused(other.listPointersByPrefix(prefix, { pageToken }), { mentions: ['page token'] });
      }
      await system.deleteByPrefix(prefix);
    },
  },
  {
    name: 'system rows outlive their client, and every client sees them at once',
    needs: ['secondClient', 'restart'],
    run: async (fixture) => {
      const key = `${fixture.prefix}lasting`;
      const second = await fixture.openSecond();
      const row = await create(fixture.storage.system, key);
      await unchanged(second.system, row);
      const { system } = await fixture.restart();
      await unchanged(system, row);
      await remove(system, row);
    },
  },
];
