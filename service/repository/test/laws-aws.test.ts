import { after, suite, test } from 'node:test';

import * as repository from '@floecat/repository';
import { withSeed } from '@floecat/storage-testkit';

import { LAWS } from './laws/index.ts';
import { countAtOnce, transferAtOnce } from './support/at-once.ts';
import { startAwsBackend } from './support/aws-backend.ts';
import { openLawWorld } from './support/law-world.ts';

const backend = await startAwsBackend();
const skip = 'skip' in backend ? backend : {};
after(async () => {
  if (!('skip' in backend)) await backend[Symbol.asyncDispose]();
});

// Every kind goes the same way through the stores; a soak takes them all.
const ONE_KIND = /^(?:account|catalog|namespace|view): /;
// Of idempotent runs, what depends on how the store compares rows and lets them expire.
const AS_ELSEWHERE = /^idempotency: (?!of calls at once|a stalled holder that was taken over|.*has expired)/;
const laws = process.env['FLOECAT_SOAK']
  ? LAWS
  : LAWS.filter(({ name }) => !ONE_KIND.test(name) && !AS_ELSEWHERE.test(name));
// Each lost race costs several requests of an emulator, so the sixty-four are for a soak.
const WRITERS = process.env['FLOECAT_SOAK'] ? 64 : 16;

suite('repositories on DynamoDB Local and an S3 endpoint', skip, () => {
  for (const { name, holds } of laws)
    test(name, async () => {
      if ('skip' in backend) return;
      await using fixture = await backend.open();
      await holds(await openLawWorld(repository, fixture));
    });

  test(`${WRITERS} writers increment one counter while calls fail: the exact sum`, async (t) => {
    if ('skip' in backend) return;
    await using fixture = await backend.open();
    const told = await withSeed((random) =>
      countAtOnce(fixture, random, { writers: WRITERS, increments: 1, waits: true }),
    );
    t.diagnostic(told);
  });

  test('transfers between accounts while calls fail: the sum is the same at every audit', async (t) => {
    if ('skip' in backend) return;
    await using fixture = await backend.open();
    t.diagnostic(await withSeed((random) => transferAtOnce(fixture, random, { rounds: 1 })));
  });
});
