import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { createBackup, openBackup, verifyBackup } from '@floecat/recovery';
import type { Pointer } from '@floecat/storage-spi';
import * as fc from 'fast-check';

import { MemoryTarget } from './support/memory-target.ts';
import {
  allPointers,
  contentOf,
  openStore,
  readAll,
  removePointer,
  setPointer,
  value,
} from './support/store.ts';

const RUNS = process.env['FLOECAT_SOAK'] === undefined ? 60 : 2_000;
// Few, so that the same ones are changed, deleted and made again; apart in UTF-8 and in UTF-16.
const KEYS = ['/a', '/a/1', '/a/2', '/a/3', '/b', '/é', '/\uffff', '/\u{10000}', '/\u{1f600}'];

type Step =
  | { readonly do: 'set'; readonly key: string; readonly text: string; readonly seconds?: number | undefined }
  | { readonly do: 'remove'; readonly key: string }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'backup'; readonly builds: boolean; readonly lines: number; readonly page: number };

const key = fc.constantFrom(...KEYS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('set' as const), key, text: fc.constantFrom('', 'x', 'y') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      key,
      text: fc.constant(''),
      seconds: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), key }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('backup' as const),
      builds: fc.boolean(),
      lines: fc.integer({ min: 1, max: 4 }),
      page: fc.integer({ min: 1, max: 4 }),
    }),
  },
);

void suite('chains of backups', () => {
  test('each of them reads as the full one that was taken at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        await using store = openStore();
        const { storage, context, clock } = store;
        const target = new MemoryTarget();
        const taken: { readonly id: string; readonly rows: readonly Pointer[] }[] = [];
        for (const each of steps)
          switch (each.do) {
            case 'set': {
              const until = each.seconds === undefined ? {} : { expiresAt: clock.seconds() + each.seconds };
              await setPointer(storage, each.key, { ...value(each.text), ...until });
              break;
            }
            case 'remove':
              await removePointer(storage, each.key);
              break;
            case 'wait':
              clock.advance(each.seconds * 1_000);
              break;
            case 'backup': {
              const since = each.builds ? taken.at(-1)?.id : undefined;
              const { id } = await createBackup(context, target, {
                segmentLines: each.lines,
                pageSize: each.page,
                ...(since !== undefined && { since }),
              });
              taken.push({ id, rows: await allPointers(storage) });
            }
          }
        for (const { id, rows } of taken) {
          assert.deepEqual(await contentOf(target, id), rows);
          const reader = await openBackup(target, id);
          for (const each of KEYS) {
            const row = rows.find((one) => one.key === each);
            assert.deepEqual(await reader.pointer(each), row);
          }
          assert.deepEqual(
            await readAll(reader, '/a/', '/a/1'),
            rows.filter((row) => row.key.startsWith('/a/') && row.key > '/a/1'),
          );
          await verifyBackup(target, id);
        }
      }),
      { numRuns: RUNS },
    );
  });
});
