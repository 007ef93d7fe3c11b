import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import { ownerById } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';
import { systemRandom } from '@floecat/storage-spi';
import type { StorageFixture } from '@floecat/storage-testkit';

import { startAwsBackend } from '../../repository/test/support/aws-backend.ts';
import { intercept } from './support/intercept.ts';
import { assertClean, assertWhole } from './support/oracle.ts';
import { putStrayRoot } from './support/raw-roots.ts';
import { DAY_MS, GRACE_MS, World } from './support/world.ts';

const NOBODY = ownerById('acme', 'tables', 'nobody');

const backend = await startAwsBackend();
after(async () => {
  if (!('skip' in backend)) await backend[Symbol.asyncDispose]();
});

interface OnEmulators {
  readonly world: World;
  readonly clock: StorageFixture['clock'];
  /** The store as the collectors are to see it: blobs without grace and retention, since S3's time is the real one. */
  readonly storage: Storage;
}

async function openOn({ storage, clock }: StorageFixture): Promise<OnEmulators> {
  const world = await World.open({ open: async () => storage, random: systemRandom });
  const layout = { ...storage.layout, casGraceMs: 0, casRetentionMs: 0 };
  return { world, clock, storage: { ...storage, layout } };
}

suite('collectors on DynamoDB Local and an S3 endpoint', 'skip' in backend ? backend : {}, () => {
  test('a whole life: garbage, a drop, an orphan, a tombstone; what is left is what is needed', async () => {
    if ('skip' in backend) return;
    await using fixture = await backend.open();
    const { world, storage, clock } = await openOn(fixture);
    const tables = world.repositories().tables;
    for (const name of ['a', 'b', 'c']) await world.addTable(name, `first ${name}`);
    for (const name of ['a', 'b']) await world.setMetadata(name, `second ${name}`);
    const c = await tables.require('lake', ['sales'], 'c');
    await tables.drop(c);
    const [name] = c.envelope.names;
    assert.ok(name);
    await world.storage.pointers.compareAndSet(name.key, 0, { kind: 'value', value: 'nobody' });
    await putStrayRoot(world.storage, NOBODY, 'garbage');
    for (let round = 0; round < 3; round++) {
      for (const collector of ['idempotency', 'pointer', 'cas'] as const) {
        const report = await world.collect(collector, { storage });
        assert.equal(report.outcome, 'done', JSON.stringify(report.problems));
      }
      await assertWhole(world);
      clock.advance(round === 0 ? GRACE_MS : 31 * DAY_MS);
    }
    await assertClean(world);
    assert.equal(await world.storage.pointers.get(c.owner.key), undefined, 'the tombstone has ended');
    assert.equal(await world.storage.pointers.get(name.key), undefined, 'and the orphan is gone');
    for (const each of ['a', 'b']) assert.equal(await world.metadataOf(each), `second ${each}`);
  });

  test('1 and 2. a blob that is put again and committed right before the deletes survives', async () => {
    if ('skip' in backend) return;
    await using fixture = await backend.open();
    const { world, storage } = await openOn(fixture);
    await world.addTable('orders', 'one');
    await world.setMetadata('orders', 'two');
    let again: Promise<unknown> | undefined;
    const racing = intercept(storage, {
      blobs: (real) => ({
        deleteVersion: async (...args) => {
          await (again ??= world.setMetadata('orders', 'one'));
          return real.deleteVersion(...args);
        },
      }),
    });
    assert.ok(((await world.pass({ storage: racing }))['deleted'] ?? 0) > 0);
    assert.ok(again);
    assert.equal(await world.metadataOf('orders'), 'one');
    await assertWhole(world);
  });
});
