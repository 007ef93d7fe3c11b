import { suite, test } from 'node:test';

import { rebuild } from '@floecat/recovery';
import * as fc from 'fast-check';

import { assertRecovered, assertRoots, doubtsOf } from './support/judge.ts';
import type { Deed } from './support/lake-run.ts';
import { DEEDS, LakeRun } from './support/lake-run.ts';
import { rowsOf, withoutTable } from './support/rows.ts';

const RUNS = process.env['FLOECAT_SOAK'] ? 2_000 : 60;

const deed: fc.Arbitrary<Deed> = fc.record({
  deed: fc.constantFrom(...DEEDS),
  a: fc.nat(20),
  b: fc.nat(20),
  crash: fc.option(
    fc.record({
      call: fc.integer({ min: 1, max: 30 }),
      when: fc.constantFrom('before' as const, 'after' as const),
    }),
    { nil: undefined, freq: 5 },
  ),
});
const history = fc.record({ seed: fc.nat(), deeds: fc.array(deed, { minLength: 5, maxLength: 40 }) });

void suite('whatever happened before, a recovery brings back what was acknowledged', () => {
  test('rebuild, from the blobs alone', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ seed, deeds }) => {
        await using run = await LakeRun.open(seed);
        for (const each of deeds) await run.do(each);
        const lost = await rowsOf(run.storage.pointers);
        const storage = withoutTable(run.storage, run);
        await rebuild({ storage, clock: run.clock, random: run.random });
        const found = await rowsOf(storage.pointers);
        assertRecovered(found, lost, await doubtsOf(run, lost));
        await assertRoots(storage, found);
      }),
      { numRuns: RUNS },
    );
  });
});
