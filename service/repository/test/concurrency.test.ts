import { randomInt } from 'node:crypto';
import { suite, test } from 'node:test';

import { withSeed } from '@floecat/storage-testkit';

import { countAtOnce, transferAtOnce } from './support/at-once.ts';
import { BACKENDS } from './support/backends.ts';

const WRITERS = 64;
/** A lost race costs a blob that is flushed, on a disk. */
const INCREMENTS: Readonly<Record<string, number>> = { memory: 3, local: 1 };
const ROUNDS: Readonly<Record<string, number>> = { memory: 12, local: 3 };
const seed = Number(process.env['FLOECAT_SEED'] ?? randomInt(2 ** 31));

for (const [backend, open] of BACKENDS)
  suite(`writers at once while calls fail, on ${backend}`, () => {
    test(`${WRITERS} writers increment one counter: the exact sum`, async (t) => {
      await using fixture = await open();
      const increments = INCREMENTS[backend] ?? 1;
      const told = await withSeed(
        (random) => countAtOnce(fixture, random, { writers: WRITERS, increments }),
        seed,
      );
      t.diagnostic(`${backend}, seed ${seed}: ${told}`);
    });

    test('transfers between accounts in transactions: the sum is the same at every audit', async (t) => {
      await using fixture = await open();
      const rounds = ROUNDS[backend] ?? 4;
      const told = await withSeed((random) => transferAtOnce(fixture, random, { rounds }), seed);
      t.diagnostic(`${backend}, seed ${seed}: ${told}`);
    });
  });
