import assert from 'node:assert/strict';

import { MAX_KEY_BYTES, MAX_PAGE_SIZE } from '@floecat/storage-spi';

import { present, refused } from '../assertions.ts';
import type { ContractCase } from '../contract-case.ts';
import { textOfBytes } from '../utf8-order.ts';
import {
  create,
  fill,
  numbered,
  pageOf,
  pages,
  pointerCase,
  remove,
  replace,
  value,
  walk,
  walkKeys,
} from './pointer-support.ts';

const PAST = { expiresAt: 1_000_000_000 };

/** Listings, their prefixes, limits and pages. */
export const listingCases: readonly ContractCase[] = [
  pointerCase(
    '[35] an empty prefix lists the whole store, and nothing of the store itself',
    async ({ store }) => {
      assert.deepEqual(await store.listPointersByPrefix(''), { pointers: [] });
      assert.equal(await store.countByPrefix(''), 0);
      await fill(store, ['b', '/a', '\u{10ffff}', ' ']);
      assert.deepEqual(await walkKeys(store, ''), [' ', '/a', 'b', '\u{10ffff}']);
      assert.equal(await store.countByPrefix(''), 4);
    },
    'ownStore',
  ),

  pointerCase('[35] a prefix that nothing has lists nothing, without a token', async ({ store, at }) => {
    await create(store, at('a'));
    for (const missing of ['b', 'a/', 'aa', 'A']) {
      assert.deepEqual(await store.listPointersByPrefix(at(missing)), { pointers: [] });
      assert.equal(await store.countByPrefix(at(missing)), 0);
    }
  }),

  pointerCase(
    '[36] a prefix is a plain string: it may end in a segment, and a full key lists itself',
    async ({ store, at }) => {
      const keys = ['ab', 'ab/c', 'abc', 'abc/d'].map(at);
      await fill(store, [...keys, at('aa'), at('ac'), at('b')]);
      assert.deepEqual(await walkKeys(store, at('ab')), keys);
      assert.deepEqual(await walkKeys(store, at('abc')), keys.slice(2));
      assert.deepEqual(await walkKeys(store, at('abc/d')), keys.slice(3));
      assert.equal(await store.countByPrefix(at('ab')), 4);
    },
  ),

  pointerCase(
    '[37] a prefix that ends in the highest code point has no upper bound to overflow',
    async ({ store, at }) => {
      const top = '\u{10ffff}';
      const keys = [top, top + 'a', top + top, top + top + top].map(at);
      await fill(store, [...keys, at('a'), at('\uffff'), at('\ud7ff'), at('\ud7ffa')]);
      assert.deepEqual(await walkKeys(store, at(top)), keys);
      assert.deepEqual(await walkKeys(store, at(top + top), { limit: 1 }), keys.slice(2));
      assert.deepEqual(await walkKeys(store, at('\uffff')), [at('\uffff')]);
      assert.deepEqual(await walkKeys(store, at('\ud7ff')), [at('\ud7ff'), at('\ud7ffa')]);
      assert.equal(await store.countByPrefix(at(top)), 4);
      assert.deepEqual(await store.deleteByPrefix(at(top)), { deleted: 4, skipped: 0 });
    },
  ),

  pointerCase(
    '[37] a prefix of exactly the longest key works, one byte more is refused',
    async ({ store, at }) => {
      const longest = textOfBytes(MAX_KEY_BYTES, '\u{10ffff}', at(''));
      await create(store, longest);
      assert.deepEqual(await walkKeys(store, longest), [longest]);
      const mentions = [MAX_KEY_BYTES, MAX_KEY_BYTES + 1];
      await refused(store.listPointersByPrefix(longest + 'x'), {
        mentions,
        operation: 'listPointersByPrefix',
      });
      await refused(store.countByPrefix(longest + 'x'), { mentions, operation: 'countByPrefix' });
      await refused(store.deleteByPrefix(longest + 'x'), { mentions, operation: 'deleteByPrefix' });
    },
  ),

  ...[0, -1, -0.5, 0.999, Number.NaN, -Infinity].map((limit) =>
    pointerCase(`[38] a page limit of ${limit} is refused`, async ({ store, at }) => {
      await refused(store.listPointersByPrefix(at(''), { limit }), {
        operation: 'listPointersByPrefix',
        mentions: [limit],
      });
    }),
  ),

  pointerCase(
    '[38] every limit walks all rows once, in order, no page longer than asked',
    async ({ store, at }) => {
      const keys = numbered(at, 'row', 23);
      await fill(store, keys);
      for (const limit of [1, 2, 3, 7, 11, 22, 23, 24, 999]) {
        const seen: string[] = [];
        for await (const page of pages(store, at(''), { limit })) {
          assert.ok(page.pointers.length <= limit, `${page.pointers.length} rows at limit ${limit}`);
          seen.push(...page.pointers.map((row) => row.key));
        }
        assert.deepEqual(seen, keys, `limit ${limit}`);
      }
    },
  ),

  pointerCase(
    `[38] a limit above ${MAX_PAGE_SIZE} is clamped, and ${MAX_PAGE_SIZE} is the default`,
    async ({ store, at }) => {
      const keys = numbered(at, '', MAX_PAGE_SIZE + 1);
      await fill(store, keys);
      for (const options of [{}, { limit: 1e9 }, { limit: Infinity }, { limit: MAX_PAGE_SIZE + 1 }]) {
        const page = await store.listPointersByPrefix(at(''), options);
        assert.ok(page.pointers.length <= MAX_PAGE_SIZE);
        assert.ok(page.nextPageToken !== undefined);
        assert.deepEqual(await walkKeys(store, at(''), options), keys);
      }
    },
  ),

  ...[0, 1].map((more) =>
    pointerCase(`[39] ${10 + more} rows at a page of 10 are listed completely`, async ({ store, at }) => {
      const keys = numbered(at, '', 10 + more);
      await fill(store, keys);
      const seen: string[] = [];
      for await (const page of pages(store, at(''), { limit: 10 })) {
        seen.push(...page.pointers.map((row) => row.key));
        if (page.pointers.length === 0)
          assert.equal(page.nextPageToken, undefined, 'an empty page that goes on');
      }
      assert.deepEqual(seen, keys);
    }),
  ),

  pointerCase(
    '[40] a long stretch of expired rows neither ends a walk early nor shows',
    async ({ store, at }) => {
      await fill(store, numbered(at, 'b', 250), (key) => value(key, PAST));
      await fill(store, [at('a'), at('c')]);
      for (const limit of [1, 2, 100])
        assert.deepEqual(await walkKeys(store, at(''), { limit }), [at('a'), at('c')]);
      assert.equal(await store.countByPrefix(at('')), 2);
    },
  ),

  pointerCase(
    '[41] more than 1 MB of rows is listed and counted completely, each row whole',
    async ({ store, at }) => {
      const keys = numbered(at, '', 30);
      const padding = 'x'.repeat(100_000);
      await fill(store, keys, (key) => value(key + padding), 10);
      const rows = await walk(store, at(''));
      assert.deepEqual(
        rows.map((row) => row.key),
        keys,
      );
      for (const row of rows) assert.equal(row.kind === 'value' && row.value, row.key + padding);
      assert.equal(await store.countByPrefix(at('')), 30);
    },
  ),

  pointerCase('[42] a token whose row was deleted goes on from where it stood', async ({ store, at }) => {
    const keys = numbered(at, '', 9);
    await fill(store, keys);
    const page = await store.listPointersByPrefix(at(''), { limit: 4 });
    for (const row of page.pointers) await remove(store, row);
    assert.deepEqual(await walkKeys(store, at(''), pageOf(page)), keys.slice(4));
  }),

  pointerCase('[46] a token used twice gives the same page', async ({ store, at }) => {
    await fill(store, numbered(at, '', 9));
    const first = await store.listPointersByPrefix(at(''), { limit: 3 });
    const second = await store.listPointersByPrefix(at(''), { limit: 3, ...pageOf(first) });
    assert.deepEqual(await store.listPointersByPrefix(at(''), { limit: 3, ...pageOf(first) }), second);
  }),

  pointerCase(
    '[47] a row put in behind the cursor is not listed, one ahead of it is',
    async ({ store, at }) => {
      const keys = numbered(at, '', 10);
      await fill(store, keys);
      const page = await store.listPointersByPrefix(at(''), { limit: 5 });
      await fill(store, [keys[2] + '+', keys[7] + '+', at('zzz')]);
      const rest = await walkKeys(store, at(''), pageOf(page));
      assert.deepEqual(rest, [...keys.slice(5, 8), keys[7] + '+', ...keys.slice(8), at('zzz')]);
    },
  ),

  pointerCase(
    '[47] rows that are there all along appear exactly once, whatever happens around them',
    async ({ store, at }) => {
      const stable = numbered(at, '', 60);
      await fill(store, stable);
      const done = new AbortController();
      const churn = async (): Promise<void> => {
        for (let i = 0; !done.signal.aborted; i++) {
          const key = present(stable[(i * 7) % stable.length], 'a key') + '~';
          await remove(store, await replace(store, await create(store, key)));
          const row = present(
            await store.get(present(stable[(i * 11) % stable.length], 'a key')),
            'a stable row',
          );
          await replace(store, row);
        }
      };
      const walks = async (): Promise<void> => {
        try {
          for (const limit of [1, 3, 7, 60]) {
            const seen = await walkKeys(store, at(''), { limit });
            assert.deepEqual(
              seen.filter((key) => !key.endsWith('~')),
              stable,
              `limit ${limit}`,
            );
            assert.equal(new Set(seen).size, seen.length, 'a key was listed twice');
          }
        } finally {
          done.abort();
        }
      };
      await Promise.all([churn(), walks()]);
    },
  ),

  pointerCase(
    '[48] a row deleted ahead of the cursor is not listed, one behind it changes nothing',
    async ({ store, at }) => {
      const keys = numbered(at, '', 10);
      await fill(store, keys);
      const page = await store.listPointersByPrefix(at(''), { limit: 5 });
      for (const i of [1, 7])
        await remove(store, present(await store.get(present(keys[i], 'a key')), 'a row'));
      assert.deepEqual(
        await walkKeys(store, at(''), pageOf(page)),
        keys.filter((_, i) => i >= 5 && i !== 7),
      );
    },
  ),

  pointerCase('[49] deleting every row while walking ends, and skips none', async ({ store, at }) => {
    const keys = numbered(at, '', 50);
    await fill(store, keys);
    const seen: string[] = [];
    for await (const page of pages(store, at(''), { limit: 3 }))
      for (const row of page.pointers) {
        seen.push(row.key);
        await remove(store, row);
      }
    assert.deepEqual(seen, keys);
    assert.deepEqual(await store.listPointersByPrefix(at('')), { pointers: [] });
  }),

  pointerCase('[50] a listing and a count include every acknowledged write', async ({ store, at }) => {
    for (let i = 1; i <= 25; i++) {
      const made = await create(store, at(`row${i}`), value(String(i)));
      const listed = await walk(store, at(''));
      assert.deepEqual(
        listed.find((row) => row.key === made.key),
        made,
      );
      assert.equal(listed.length, i);
      assert.equal(await store.countByPrefix(at('')), i);
    }
  }),

  ...[1_000, 1_001, 10_003].map((count) =>
    pointerCase(`[52] ${count} rows are listed, counted and deleted, all of them`, async ({ store, at }) => {
      const keys = numbered(at, 'many/', count);
      await fill(store, [at('many'), ...keys, at('many0')]);
      assert.deepEqual(await walkKeys(store, at('many/')), keys);
      assert.equal(await store.countByPrefix(at('many/')), count);
      assert.deepEqual(await store.deleteByPrefix(at('many/')), { deleted: count, skipped: 0 });
      assert.equal(await store.countByPrefix(at('many/')), 0);
      assert.deepEqual(await walkKeys(store, at('many')), [at('many'), at('many0')]);
    }),
  ),
];
