import assert from 'node:assert/strict';

import {
  MAX_BATCH_BYTES,
  MAX_BATCH_OPERATIONS,
  MAX_KEY_BYTES,
  MAX_POINTER_BYTES,
  POINTER_OVERHEAD_BYTES,
} from '@floecat/storage-spi';
import type { BatchOperation } from '@floecat/storage-spi';

import { refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { textOfBytes } from '../utf8-order.ts';
import {
  blob,
  create,
  numbered,
  pointerCase,
  replace,
  textOf,
  unchanged,
  value,
  walk,
} from './pointer-support.ts';

/** What a row of this key and `text` bytes counts as. */
function rowBytes(key: string, text: number): number {
  return POINTER_OVERHEAD_BYTES + Buffer.byteLength(key, 'utf8') + text;
}

/** Limits: each works exactly at its edge, and one more is refused with both numbers. */
export const limitCases: readonly ContractCase[] = [
  ...['x', 'é', '😀', '\0'].map((unit) =>
    pointerCase(
      `[18] a pointer just under and at ${MAX_POINTER_BYTES} bytes of ${JSON.stringify(unit)} works, over is refused`,
      async ({ store, at }) => {
        const room = MAX_POINTER_BYTES - rowBytes(at('a'), 0);
        const [under, exact, over] = [room - 1, room, room + 1].map((bytes) =>
          value(textOfBytes(bytes, unit)),
        );
        assert.ok(under && exact && over);
        const first = await create(store, at('a'), under);
        const second = await replace(store, first, exact);
        assert.equal(Buffer.byteLength(textOf(second) ?? '', 'utf8'), room);
        await unchanged(store, second);
        assert.deepEqual(await walk(store, at('')), [second]);
        const expected = { key: at('a'), mentions: [MAX_POINTER_BYTES, MAX_POINTER_BYTES + 1] };
        await refused(store.compareAndSet(at('a'), second, over), {
          ...expected,
          operation: 'compareAndSet',
        });
        await refused(
          store.compareAndSetBatch([{ op: 'upsert', key: at('a'), expected: second, next: over }]),
          { ...expected, operation: 'compareAndSetBatch' },
        );
        await refused(store.importPointers([{ ...second, version: 9, ...over }], 'if-lower'), {
          ...expected,
          operation: 'importPointers',
        });
        await unchanged(store, second);
      },
    ),
  ),

  pointerCase(
    `[18] a blob URI of ${MAX_KEY_BYTES} bytes works, one more is refused`,
    async ({ store, at }) => {
      const longest = textOfBytes(MAX_KEY_BYTES, 'é', '/');
      await unchanged(store, await create(store, at('a'), blob(longest)));
      await refused(store.compareAndSet(at('b'), 0, blob(longest + 'x')), {
        key: at('b'),
        mentions: [MAX_KEY_BYTES, MAX_KEY_BYTES + 1],
      });
    },
  ),

  pointerCase(
    `[60] a batch of ${MAX_BATCH_OPERATIONS} works, one of ${MAX_BATCH_OPERATIONS + 1} is refused`,
    async ({ store, at }) => {
      const operations = numbered(at, '', MAX_BATCH_OPERATIONS + 1).map((key): BatchOperation => ({
        op: 'upsert',
        key,
        expected: 0,
        next: value(key),
      }));
      await refused(store.compareAndSetBatch(operations), {
        operation: 'compareAndSetBatch',
        mentions: [MAX_BATCH_OPERATIONS, MAX_BATCH_OPERATIONS + 1],
      });
      await refused(
        store.compareAndSetBatch(operations.map(({ key }): BatchOperation => ({ op: 'check-absent', key }))),
      );
      assert.equal(await store.countByPrefix(at('')), 0, 'a part was written');
      assert.equal((await store.compareAndSetBatch(operations.slice(1))).applied, true);
      assert.equal(await store.countByPrefix(at('')), MAX_BATCH_OPERATIONS);
    },
  ),

  pointerCase(
    `[61] a batch of exactly ${MAX_BATCH_BYTES} bytes works, one byte more is refused`,
    async ({ store, at }) => {
      const keys = numbered(at, '', 16);
      const each = MAX_BATCH_BYTES / keys.length;
      const batch = (extra: number): BatchOperation[] =>
        keys.map((key, i) => ({
          op: 'upsert',
          key,
          expected: 0,
          next: value('x'.repeat(each - rowBytes(key, 0) + (i === 0 ? extra : 0))),
        }));
      await refused(store.compareAndSetBatch(batch(1)), {
        operation: 'compareAndSetBatch',
        mentions: [MAX_BATCH_BYTES, MAX_BATCH_BYTES + 1],
      });
      assert.equal(await store.countByPrefix(at('')), 0, 'a part was written');
      assert.equal((await store.compareAndSetBatch(batch(0))).applied, true);
      assert.equal(await store.countByPrefix(at('')), keys.length);
    },
  ),
];
