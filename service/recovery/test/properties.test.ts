import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { rebuild, restore } from '@floecat/recovery';
import type { Pointer } from '@floecat/storage-spi';
import { compareUtf8 } from '@floecat/storage-spi';
import * as fc from 'fast-check';

import { assertRecovered, assertRoots, doubtsOf } from './support/judge.ts';
import type { Deed } from './support/lake-run.ts';
import { DEEDS, LakeRun } from './support/lake-run.ts';
import { backupOf, rowsOf, withoutTable } from './support/rows.ts';

const RUNS = process.env['FLOECAT_SOAK'] ? 1_000 : 40;

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
const deeds = (minLength: number): fc.Arbitrary<Deed[]> => fc.array(deed, { minLength, maxLength: 25 });

async function doAll(run: LakeRun, all: readonly Deed[]): Promise<void> {
  for (const each of all) await run.do(each);
}

void suite('whatever happened before, a recovery brings back what was acknowledged', () => {
  test('rebuild, from the blobs alone; and again, which changes nothing', async () => {
    const history = fc.record({ seed: fc.nat(), all: deeds(5) });
    await fc.assert(
      fc.asyncProperty(history, async ({ seed, all }) => {
        await using run = await LakeRun.open(seed);
        await doAll(run, all);
        const lost = await rowsOf(run.storage.pointers);
        const storage = withoutTable(run.storage, run);
        const context = { storage, clock: run.clock, random: run.random };
        const report = await rebuild(context);
        const found = await rowsOf(storage.pointers);
        const doubts = await doubtsOf(run, lost);
        assertRecovered(found, lost, doubts);
        await assertRoots(storage, found);
        if (doubts.owners.size === 0) assert.deepEqual(report.problems, []);
        await restore(context);
        assert.deepEqual(await rowsOf(storage.pointers), found);
      }),
      { numRuns: RUNS },
    );
  });

  test('restore of a backup that was taken among writers, and of what is newer', async () => {
    const history = fc.record({
      seed: fc.nat(),
      before: deeds(3),
      during: deeds(0),
      after: deeds(0),
      cut: fc.nat(100),
    });
    await fc.assert(
      fc.asyncProperty(history, async ({ seed, before, during, after, cut }) => {
        await using run = await LakeRun.open(seed);
        await doAll(run, before.filter(isNoCollection));
        const startedAt = run.clock.now();
        const first = await rowsOf(run.storage.pointers);
        // The walk is here when the others write.
        const at = [...first.keys()][Math.floor((first.size * cut) / 101)] ?? '';
        await doAll(run, during.filter(isNoCollection));
        const backup = backupOf(walked(first, await rowsOf(run.storage.pointers), at), startedAt);
        await doAll(run, after.filter(isNoCollection));
        const lost = await rowsOf(run.storage.pointers);
        const storage = withoutTable(run.storage, run);
        const context = { storage, clock: run.clock, random: run.random };
        const report = await restore(context, { backup });
        const found = await rowsOf(storage.pointers);
        const doubts = await doubtsOf(run, lost);
        assertRecovered(found, lost, doubts);
        await assertRoots(storage, found);
        if (doubts.owners.size === 0) assert.deepEqual(report.problems, []);
        await restore(context, { backup });
        assert.deepEqual(await rowsOf(storage.pointers), found);
      }),
      { numRuns: RUNS },
    );
  });

  test('restore into a table that went back in time', async () => {
    const history = fc.record({ seed: fc.nat(), before: deeds(3), after: deeds(0) });
    await fc.assert(
      fc.asyncProperty(history, async ({ seed, before, after }) => {
        await using run = await LakeRun.open(seed);
        await doAll(run, before.filter(isNoCollection));
        const old = await rowsOf(run.storage.pointers);
        await doAll(run, after.filter(isNoCollection));
        const lost = await rowsOf(run.storage.pointers);
        const storage = withoutTable(run.storage, run);
        await storage.pointers.importPointers([...old.values()], 'if-absent');
        await restore({ storage, clock: run.clock, random: run.random });
        const found = await rowsOf(storage.pointers);
        assertRecovered(found, lost, await doubtsOf(run, lost));
      }),
      { numRuns: RUNS },
    );
  });

  test('as of a time: what was live then', async () => {
    const history = fc.record({ seed: fc.nat(), before: deeds(3), between: deeds(0), after: deeds(1) });
    await fc.assert(
      fc.asyncProperty(history, async ({ seed, before, between, after }) => {
        await using run = await LakeRun.open(seed);
        await doAll(run, before.filter(isNoCollection));
        const startedAt = run.clock.now();
        const backup = backupOf((await rowsOf(run.storage.pointers)).values(), startedAt);
        await doAll(run, between.filter(isNoCollection));
        const then = await rowsOf(run.storage.pointers);
        const doubts = await doubtsOf(run, then);
        const asOf = run.clock.now();
        await doAll(run, after.filter(isNoCollection));
        const storage = withoutTable(run.storage, run);
        await restore({ storage, clock: run.clock, random: run.random }, { backup, asOf });
        assertRecovered(await rowsOf(storage.pointers), then, doubts);
      }),
      { numRuns: RUNS },
    );
  });
});

/** What no backup of this kind keeps from a collector. */
function isNoCollection({ deed: what }: Deed): boolean {
  return what !== 'wait and collect';
}

/** What a walk meets that reads the keys up to `at` from one table and those behind it from a later one. */
function walked(
  first: ReadonlyMap<string, Pointer>,
  second: ReadonlyMap<string, Pointer>,
  at: string,
): Pointer[] {
  return [
    ...[...first.values()].filter(({ key }) => compareUtf8(key, at) <= 0),
    ...[...second.values()].filter(({ key }) => compareUtf8(key, at) > 0),
  ];
}
