import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as repository from '@floecat/repository';

import { openFixtureOf } from '../../../../storage/memory/test/memory-fixture.ts';
import { countOnce } from '../support/counting.ts';
import { openLawWorld } from '../support/law-world.ts';
import { interceptCalls, isCommit } from '../support/store-calls.ts';

const LEASE_MS = 30_000;
const RUN = { key: 'k', fingerprint: 'n' };

void test('a holder that is slow but alive is not taken over; once taken over, it is told by its signal', async () => {
  await using fixture = await openFixtureOf();
  const world = await openLawWorld(repository, fixture);
  const { clock, storage } = fixture;
  let wrote = Promise.withResolvers<void>();
  const stores = interceptCalls(storage, async (call, proceed) => {
    const result = await proceed();
    if (isCommit(call)) wrote.resolve();
    return result;
  });
  const slow = repository.repositoryContext(stores, 'acme', { clock, cache: { blobBytes: 0 } });
  /** Time passes until the next renewal has been written. */
  const renewal = async (): Promise<void> => {
    wrote = Promise.withResolvers();
    clock.advance(LEASE_MS / 3);
    await wrote.promise;
  };
  const other = () => countOnce(repository, world.client(), RUN.key);

  const kept = await repository.runOnce<{ n: number }>(slow, RUN, async ({ signal }) => {
    for (let i = 0; i < 7; i++) {
      await renewal();
      await assert.rejects(other(), repository.IdempotencyInProgressError);
    }
    assert.equal(signal.aborted, false);
    return { n: 7 };
  });
  assert.deepEqual(kept, { result: { n: 7 }, replayed: false });
  assert.deepEqual(await other(), { result: { n: 7 }, replayed: true });

  const lost = { ...RUN, key: 'lost' };
  const late = await repository.runOnce<{ n: number }>(slow, lost, async ({ signal }) => {
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    // The whole process stood still: its timers come late, and another call is first.
    clock.setWall(clock.now() + LEASE_MS + 1_000);
    assert.equal((await countOnce(repository, world.client(), lost.key)).replayed, false);
    clock.advance(LEASE_MS / 3);
    await aborted;
    throw signal.reason;
  });
  assert.deepEqual(late, { result: { n: 1 }, replayed: true });
});
