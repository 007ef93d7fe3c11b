import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { accountOwner, runOnce } from '@floecat/repository';
import { StorageUnknownOutcomeError } from '@floecat/storage-spi';

import { FakeBackups } from './support/fake-backups.ts';
import { intercept } from './support/intercept.ts';
import { assertClean } from './support/oracle.ts';
import { DAY_MS, GRACE_MS, HOUR_MS, RETENTION_MS, World } from './support/world.ts';

const RECORD = '/accounts/acme/idempotency/7f/some-key';
const TTL_MS = 30 * DAY_MS;

void suite('the idempotency collector', () => {
  test('an expired record is reaped an hour after, on condition that it is the one that was seen', async () => {
    await using world = await World.open();
    const { pointers } = world.storage;
    const expiresAt = world.clock.seconds() + 900;
    await pointers.compareAndSet(RECORD, 0, { kind: 'value', value: 'first', expiresAt });
    world.clock.advance(900_000 + HOUR_MS - 1);
    assert.equal((await world.collect('idempotency')).counts['reaped'], 0);
    assert.ok(await pointers.get(RECORD, { includeExpired: true }));
    world.clock.advance(1);
    // It is renewed between the look and the delete.
    const renewed = intercept(world.storage, {
      pointers: (real) => ({
        compareAndDelete: async (...args) => {
          await real.compareAndSet(RECORD, 0, {
            kind: 'value',
            value: 'second',
            expiresAt: world.clock.seconds() + 900,
          });
          return real.compareAndDelete(...args);
        },
      }),
    });
    assert.equal((await world.collect('idempotency', { storage: renewed })).counts['reaped'], 0);
    assert.equal((await pointers.get(RECORD))?.version, 1);
    world.clock.advance(900_000 + HOUR_MS);
    assert.equal((await world.collect('idempotency')).counts['reaped'], 1);
    assert.equal(await pointers.get(RECORD, { includeExpired: true }), undefined);
  });

  test('the record of an idempotent run is reaped, done or held; a holder that wakes up then applies nothing', async () => {
    await using world = await World.open();
    const { context, catalogs } = world.repositories();
    const names = (await catalogs.listNames()).items;
    const run = { key: 'done', fingerprint: 'f' };
    await runOnce(context, run, async ({ completing }) => {
      await catalogs.create('pond', { also: async () => [await completing('made')] });
      return 'made';
    });
    const stalled = runOnce(context, { ...run, key: 'held' }, async ({ completing }) => {
      const also = async () => {
        const done = await completing('made');
        world.clock.advance(900_000 + HOUR_MS);
        assert.equal((await world.collect('idempotency')).counts['reaped'], 2);
        return [done];
      };
      await catalogs.create('sea', { also });
      return 'made';
    });
    await assert.rejects(stalled, StorageUnknownOutcomeError);
    assert.deepEqual((await catalogs.listNames()).items.toSorted(), [...names, 'pond'].toSorted());
    const left = await context.storage.pointers.listPointersByPrefix(
      `/accounts/${context.account}/idempotency/`,
      { includeExpired: true },
    );
    assert.deepEqual(left.pointers, []);
  });

  test('an expired row of a family that is not known is left alone', async () => {
    await using world = await World.open();
    const key = '/accounts/acme/sessions/s1';
    await world.storage.pointers.compareAndSet(key, 0, { kind: 'value', value: 'x', expiresAt: 1_000 });
    world.clock.advance(DAY_MS);
    assert.equal((await world.collect('idempotency')).counts['reaped'], 0);
    assert.ok(await world.storage.pointers.get(key, { includeExpired: true }));
  });

  test("the store's own rows that expired are reaped, and no others", async () => {
    await using world = await World.open();
    const { system } = world.storage;
    await system.compareAndSet('/backups/b', 0, { kind: 'value', value: '{}' });
    await world.collect('pointer');
    world.clock.advance(31 * DAY_MS);
    const { counts } = await world.collect('idempotency');
    assert.equal(counts['systemRows'], 1, 'the record of the run');
    assert.ok(await system.get('/backups/b'));
    assert.ok(await system.get('/gc/pointer/accounts/acme'));
  });

  test('a tombstone stands for its time, and until every other blob of its owner is gone', async () => {
    await using world = await World.open();
    const table = await world.addTable('orders', 'one');
    await world.repositories().tables.drop(table.owner.id);
    world.clock.advance(TTL_MS);
    const early = await world.collect('idempotency');
    assert.deepEqual(
      [early.counts['tombstones'], early.counts['tombstonesEnded']],
      [1, 0],
      'its blobs are there',
    );
    await world.pass();
    world.clock.advance(RETENTION_MS);
    await world.pass();
    assert.equal((await world.uris(table.owner.blobPrefix)).length, 1, 'the tombstone alone is left');
    assert.equal((await world.collect('idempotency')).counts['tombstonesEnded'], 1);
    assert.equal(await world.storage.pointers.get(table.owner.key), undefined);
    for (let i = 0; i < 2; i++) {
      world.clock.advance(GRACE_MS + RETENTION_MS);
      await world.pass();
    }
    await assertClean(world);
  });

  test('a tombstone stands for its time also where nothing else is left', async () => {
    await using world = await World.open();
    const table = await world.addTable('orders', 'one');
    await world.repositories().tables.drop(table.owner.id);
    for (let i = 0; i < 2; i++) {
      world.clock.advance(GRACE_MS + RETENTION_MS);
      await world.pass();
    }
    world.clock.advance(TTL_MS - 2 * (GRACE_MS + RETENTION_MS) - 1);
    assert.equal((await world.collect('idempotency')).counts['tombstonesEnded'], 0);
    world.clock.advance(1);
    assert.equal((await world.collect('idempotency')).counts['tombstonesEnded'], 1);
  });

  test('a tombstone whose owner a kept backup holds stays', async () => {
    await using world = await World.open();
    const backups = new FakeBackups();
    const run = { readBackup: backups.read };
    const table = await world.addTable('orders', 'one');
    const rows = await world.pointers('/accounts/');
    await world.repositories().tables.drop(table.owner.id);
    for (let i = 0; i < 2; i++) {
      world.clock.advance(GRACE_MS + RETENTION_MS);
      await world.pass(run);
    }
    world.clock.advance(TTL_MS);
    // It was taken before the drop, and registered all the while; its blobs are not looked at here.
    await backups.take(world.storage, 'b1', async () => rows);
    assert.equal((await world.collect('idempotency', run)).counts['tombstonesEnded'], 0);
    const blind = await world.collect('idempotency');
    assert.equal(blind.outcome, 'failed', 'a backup that nobody can read may hold it');
    await backups.end(world.storage, 'b1');
    assert.equal((await world.collect('idempotency', run)).counts['tombstonesEnded'], 1);
  });

  test('a whole account that was dropped is gone in the end, and its empty mark is known to be right', async () => {
    await using world = await World.open();
    const { accounts } = await world.addAccount('tiny');
    await world.addTable('orders', 'one', 'tiny');
    await accounts.drop('tiny', { recursive: true });
    for (let i = 0; i < 8; i++) {
      world.clock.advance(TTL_MS);
      for (const collector of ['idempotency', 'pointer', 'cas'] as const) {
        const report = await world.collect(collector);
        assert.equal(report.outcome, 'done', JSON.stringify(report.problems));
      }
    }
    assert.deepEqual(await world.uris('/accounts/tiny/'), []);
    assert.deepEqual(await world.pointers('/accounts/tiny/'), []);
    assert.equal(await world.storage.pointers.get(accountOwner('tiny').key), undefined);
    const { pointers: rows } = await world.storage.system.listPointersByPrefix('');
    assert.deepEqual(
      rows.filter(({ key }) => key.includes('tiny')),
      [],
      'nothing is kept of it',
    );
  });
});
