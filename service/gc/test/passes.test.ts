import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { collectorStateKey } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';

import { intercept } from './support/intercept.ts';
import { assertWhole } from './support/oracle.ts';
import { DAY_MS, GRACE_MS, RETENTION_MS, World } from './support/world.ts';

/** Each page of a mark is a slice of its own. */
async function openWithSmallSlices(): Promise<World> {
  const world = await World.open();
  const cas = { ...world.settings.cas, pageSize: 1, sliceMs: 0 };
  Object.assign(world.settings, { cas });
  return world;
}

/** The storage, on which a run is given up once a mark was suspended so many times. */
function giveUpAfter(storage: Storage, slices: number, abort: AbortController): Storage {
  let saved = 0;
  return intercept(storage, {
    system: (real) => ({
      compareAndSet: async (...args) => {
        const result = await real.compareAndSet(...args);
        if (args[0] === collectorStateKey('cas', 'acme') && ++saved === slices) abort.abort();
        return result;
      },
    }),
  });
}

async function chunks(world: World): Promise<string[]> {
  return (await world.versions('/accounts/acme/tables/'))
    .map(({ uri }) => uri)
    .filter((uri) => uri.includes('/metadata/'));
}

suite('passes in many slices', () => {
  test('a version that lies below another one of its blob goes, also where each slice ends between them', async () => {
    await using world = await openWithSmallSlices();
    await world.addTable('orders', 'one');
    await world.setMetadata('orders', 'two');
    await world.setMetadata('orders', 'one');
    assert.equal((await chunks(world)).length, 3);
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    await world.pass();
    assert.equal((await chunks(world)).length, 1, 'the blob that is needed, once');
    await assertWhole(world);
  });

  test('what an owner lets go of while a mark is under way has its whole retention from then on', async () => {
    await using world = await openWithSmallSlices();
    await world.addTable('orders', 'one');
    world.clock.advance(GRACE_MS);
    const abort = new AbortController();
    const storage = giveUpAfter(world.storage, 2, abort);
    await assert.rejects(world.collect('cas', { storage, signal: abort.signal }));
    world.clock.advance(5 * DAY_MS);
    await world.setMetadata('orders', 'two');
    // The mark goes on, and finds that nothing reaches the first text.
    await world.pass();
    world.clock.advance(RETENTION_MS - DAY_MS);
    await world.pass();
    assert.equal((await chunks(world)).length, 2, 'it was needed six days ago');
    world.clock.advance(DAY_MS);
    await world.pass();
    assert.equal((await chunks(world)).length, 1);
  });
});
