import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { RecoveryContext } from '@floecat/recovery';
import { rebuild, restore } from '@floecat/recovery';
import type { Storage } from '@floecat/storage-spi';
import { seededRandom } from '@floecat/storage-testkit';

import { Crash, crashAt } from '../../../repository/test/support/crash.ts';
import { interceptCalls } from '../../../repository/test/support/store-calls.ts';
import { DEEDS, LakeRun } from '../support/lake-run.ts';
import { backupOf, rowsOf, withoutTable } from '../support/rows.ts';

const WRITES = DEEDS.filter((deed) => !deed.includes('collect'));

/** A lake with a history, a backup from the middle of it, and a write that died. */
async function lake(): Promise<{ run: LakeRun; backup: ReturnType<typeof backupOf> }> {
  const run = await LakeRun.open(3);
  const random = seededRandom(5);
  const act = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++)
      await run.do({ deed: random.pick(WRITES), a: random.below(20), b: random.below(20) });
  };
  await act(14);
  const backup = backupOf((await rowsOf(run.storage.pointers)).values(), run.clock.now());
  await act(10);
  await run.do({ deed: 'create two namespaces', a: 0, b: 3, crash: { call: 9, when: 'before' } });
  return { run, backup };
}

const WAYS: readonly (readonly [
  name: string,
  work: (context: RecoveryContext, backup: ReturnType<typeof backupOf>) => Promise<unknown>,
])[] = [
  ['restore', (context, backup) => restore(context, { backup })],
  ['rebuild', (context) => rebuild(context)],
];

for (const [name, work] of WAYS)
  void suite(`${name} dies at every store call`, () => {
    test('and run again, its rows are those of an undisturbed one', async (t) => {
      const { run, backup } = await lake();
      await using _ = run;
      const { clock, random } = run;
      const over = (storage: Storage): RecoveryContext => ({ storage, clock, random });
      const whole = withoutTable(run.storage, run);
      const counted = crashAt();
      await work(over(interceptCalls(whole, counted.intercept)), backup);
      const expected = await rowsOf(whole.pointers);
      assert.ok(expected.size > 20);
      let deaths = 0;
      for (let call = 1; call <= counted.calls(); call++)
        for (const when of ['before', 'after'] as const) {
          const storage = withoutTable(run.storage, run);
          const crash = crashAt({ call, when });
          try {
            await work(over(interceptCalls(storage, crash.intercept)), backup);
          } catch (error) {
            assert.ok(error instanceof Crash, String(error));
            deaths++;
          }
          await work(over(storage), backup).catch((error: unknown) => {
            // It died after its last row, so that there is nothing left to go on with.
            assert.match(String(error), /the table has pointers/);
          });
          assert.deepEqual(await rowsOf(storage.pointers), expected, `${when} call ${call}`);
        }
      t.diagnostic(`${deaths} deaths at ${counted.calls()} calls`);
      assert.ok(deaths >= counted.calls());
    });
  });
