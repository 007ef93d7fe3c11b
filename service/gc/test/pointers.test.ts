import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import {
  accountOwner,
  catalogNameKey,
  namespacePathKey,
  ownerById,
  relationNameKey,
  ResourceConflictError,
  snapshotOwner,
} from '@floecat/repository';

import { intercept, onEveryCall } from './support/intercept.ts';
import { assertWhole } from './support/oracle.ts';
import { GRACE_MS, HOUR_MS, NEW_TABLE, World } from './support/world.ts';

/** Rows whose owner or parent does not exist. */
async function addOrphans(world: World): Promise<string[]> {
  const { pointers } = world.storage;
  const names = [
    catalogNameKey('acme', 'ghost'),
    namespacePathKey('acme', 'no-catalog', ['a', 'b']),
    relationNameKey('acme', 'no-namespace', 'tables', 'ghost'),
    relationNameKey('acme', 'no-namespace', 'views', 'ghost'),
  ];
  for (const key of names) await pointers.compareAndSet(key, 0, { kind: 'value', value: 'nobody' });
  const children = (['statistics', 'scan-bundle'] as const).map(
    (part) => snapshotOwner('acme', 'no-table', 7n, part).key,
  );
  for (const key of children)
    await pointers.compareAndSet(key, 0, { kind: 'blob', blobUri: '/gone', state: 'LIVE' });
  return [...names, ...children];
}

void suite('the pointer collector', () => {
  test('orphans go one grace after they were first seen so, whatever their own age', async () => {
    await using world = await World.open();
    await world.addTable('orders', 'one');
    const orphans = await addOrphans(world);
    const others = (await world.pointers()).filter(({ key }) => !orphans.includes(key));
    world.clock.advance(10 * HOUR_MS);
    const first = await world.collect('pointer');
    assert.deepEqual([first.counts['orphansSeen'], first.counts['deleted']], [6, 0]);
    world.clock.advance(GRACE_MS - 1);
    assert.equal((await world.collect('pointer')).counts['deleted'], 0);
    world.clock.advance(1);
    assert.equal((await world.collect('pointer')).counts['deleted'], 6);
    assert.deepEqual(await world.pointers(), others);
    assert.equal((await world.collect('pointer')).counts['orphansSeen'], 0);
  });

  test('an orphan whose row was written anew since is seen for the first time', async () => {
    await using world = await World.open();
    const key = catalogNameKey('acme', 'ghost');
    const write = async (): Promise<void> => {
      const row = await world.storage.pointers.get(key);
      await world.storage.pointers.compareAndSet(key, row ?? 0, { kind: 'value', value: 'nobody' });
    };
    await write();
    await world.collect('pointer');
    world.clock.advance(GRACE_MS);
    await write();
    assert.equal((await world.collect('pointer')).counts['deleted'], 0);
    world.clock.advance(GRACE_MS);
    assert.equal((await world.collect('pointer')).counts['deleted'], 1);
  });

  test('an orphan that gets its owner between the scan and the delete stays', async () => {
    await using world = await World.open();
    const key = relationNameKey('acme', 'n', 'tables', 'late');
    await world.storage.pointers.compareAndSet(key, 0, { kind: 'value', value: 'late' });
    await world.collect('pointer');
    world.clock.advance(GRACE_MS);
    let acted = false;
    const storage = onEveryCall(world.storage, () => undefined);
    const watched = intercept(storage, {
      pointers: (real) => ({
        get: async (wanted, options) => {
          if (wanted === key && !acted) {
            acted = true;
            const owner = ownerById('acme', 'tables', 'late');
            await world.storage.pointers.compareAndSet(owner.key, 0, {
              kind: 'blob',
              blobUri: '/x',
              state: 'LIVE',
            });
          }
          return real.get(wanted, options);
        },
      }),
    });
    const { counts } = await world.collect('pointer', { storage: watched });
    assert.ok(acted);
    assert.deepEqual([counts['deleted'], counts['spared']], [0, 1]);
    assert.ok(await world.storage.pointers.get(key));
  });

  test('a canonical pointer whose blob is gone is left alone, and the blob collector tells of it', async () => {
    await using world = await World.open();
    const { owner, pointer } = await world.addTable('orders', 'one');
    assert.ok(pointer.kind === 'blob');
    await world.storage.blobs.delete(pointer.blobUri);
    for (let i = 0; i < 3; i++) {
      world.clock.advance(10 * GRACE_MS);
      assert.equal((await world.collect('pointer')).counts['deleted'], 0);
      const report = await world.collect('cas');
      assert.equal(report.outcome, 'failed');
      assert.match(report.problems[0]?.message ?? '', new RegExp(`${owner.key} leads to .* gone`));
    }
    assert.deepEqual(await world.storage.pointers.get(owner.key), pointer);
  });

  test('so is one that has no blob at all any more, wherever it stands in the walk', async () => {
    for (const collection of ['catalogs', 'tables']) {
      await using world = await World.open();
      await world.addTable('orders', 'one');
      for (const { uri, versionId } of await world.versions(`/accounts/acme/${collection}/`))
        await world.storage.blobs.deleteVersion(uri, versionId);
      world.clock.advance(10 * GRACE_MS);
      const report = await world.collect('cas');
      assert.equal(report.outcome, 'failed');
      assert.match(report.problems[0]?.message ?? '', new RegExp(`/${collection}/by-id/.* is gone`));
    }
  });

  test('a table that was staged and never published ends after the grace, and not while it is touched', async () => {
    await using world = await World.open();
    const { tables, namespaces } = world.repositories();
    const sales = await namespaces.require('lake', ['sales']);
    let staged = await tables.stage(sales, 'orders', { ...NEW_TABLE, metadata: Buffer.from('x') });
    world.clock.advance(GRACE_MS);
    staged = await tables.touch(staged);
    world.clock.advance(GRACE_MS);
    assert.equal((await world.collect('pointer')).counts['settled'], 0);
    world.clock.advance(1);
    assert.equal((await world.collect('pointer')).counts['settled'], 1);
    assert.equal(await world.storage.pointers.get(staged.owner.key), undefined);
    await assert.rejects(tables.publish(sales, staged), ResourceConflictError);
  });

  test('a drop that was interrupted is finished', async () => {
    await using world = await World.open();
    const { owner } = await world.addTable('orders', 'one');
    const statistics = snapshotOwner('acme', owner.id, 1n, 'statistics').key;
    await world.storage.pointers.compareAndSet(statistics, 0, { kind: 'blob', blobUri: '/x', state: 'LIVE' });
    const killed = intercept(world.storage, {
      pointers: () => ({ deleteByPrefix: () => Promise.reject(new Error('killed')) }),
    });
    await assert.rejects(world.repositories('acme', killed).tables.drop(owner.id), /killed/);
    assert.equal((await world.storage.pointers.get(owner.key))?.state, 'DELETING');
    assert.equal((await world.collect('pointer')).counts['settled'], 0, 'it may be under way');
    world.clock.advance(GRACE_MS + 1);
    const { counts } = await world.collect('pointer');
    assert.deepEqual([counts['settled'], counts['dependents']], [1, 1]);
    assert.equal((await world.storage.pointers.get(owner.key))?.state, 'TOMBSTONE');
    assert.equal(await world.storage.pointers.get(statistics), undefined);
    await assertWhole(world);
  });

  test('a catalog that was closed for a drop which never came is opened again', async () => {
    await using world = await World.open();
    const { catalogs } = world.repositories();
    const lake = await catalogs.require('lake');
    let batches = 0;
    const killed = intercept(world.storage, {
      pointers: (real) => ({
        compareAndSetBatch: (...args) =>
          ++batches === 1 ? real.compareAndSetBatch(...args) : Promise.reject(new Error('killed')),
        listPointersByPrefix: async (prefix, options) => {
          if (batches > 0) throw new Error('killed');
          const page = await real.listPointersByPrefix(prefix, options);
          return { ...page, pointers: [] };
        },
      }),
    });
    await assert.rejects(world.repositories('acme', killed).catalogs.drop(lake), /killed/);
    assert.equal((await world.storage.pointers.get(lake.owner.key))?.state, 'DELETING');
    world.clock.advance(GRACE_MS + 1);
    assert.equal((await world.collect('pointer')).counts['settled'], 1);
    assert.equal((await world.storage.pointers.get(lake.owner.key))?.state, 'LIVE');
    assert.equal(await world.metadataOf((await world.addTable('t', 'm')).resource.name), 'm');
  });

  test('a scan goes on where it stopped, and nothing is deleted before it has seen every key', async () => {
    await using world = await World.open();
    const orphans = await addOrphans(world);
    for (let i = 0; i < 20; i++) await world.addTable(`t${i}`, 'x');
    await world.collect('pointer');
    world.clock.advance(GRACE_MS);
    const pointer = { ...world.settings.pointer, pageSize: 3, sliceMs: 0 };
    let seen = 0;
    const storage = intercept(world.storage, {
      pointers: (real) => ({
        listPointersByPrefix: async (prefix, options) => {
          const page = await real.listPointersByPrefix(prefix, options);
          if (prefix === '/accounts/acme/') seen += page.pointers.length;
          return page;
        },
        compareAndDelete: async (...args) => {
          assert.ok(seen >= 40, `${seen} keys were seen before the first delete`);
          return real.compareAndDelete(...args);
        },
      }),
    });
    const { counts } = await world.collect('pointer', { storage, settings: { pointer } });
    assert.equal(counts['deleted'], orphans.length);
    assert.equal(counts['rows'], seen + 1, 'the account itself is not below its prefix');
  });

  test('the account itself can be settled too', async () => {
    await using world = await World.open();
    const { accounts } = await world.addAccount('tiny');
    const key = accountOwner('tiny').key;
    const killed = intercept(world.storage, {
      pointers: (real) => ({
        listPointersByPrefix: (prefix, options) =>
          prefix.includes('/catalogs/')
            ? Promise.reject(new Error('killed'))
            : real.listPointersByPrefix(prefix, options),
      }),
    });
    await assert.rejects(
      world.repositories('tiny', killed).accounts.drop('tiny', { recursive: true }),
      /killed/,
    );
    assert.equal((await world.storage.pointers.get(key))?.state, 'DELETING');
    world.clock.advance(GRACE_MS + 1);
    await world.collect('pointer');
    assert.equal((await world.storage.pointers.get(key))?.state, 'TOMBSTONE');
    assert.equal(await accounts.get('tiny'), undefined);
  });
});
