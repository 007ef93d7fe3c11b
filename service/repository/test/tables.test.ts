import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { create } from '@bufbuild/protobuf';
import { ScanBundleSchema, SnapshotStatisticsSchema } from '@floecat/proto/snapshots';
import type { LoadedTable, NewSnapshot } from '@floecat/repository';
import { BlobWriter, openRepositories, ResourceConflictError, sweepUnfinished } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';
import { StorageConflictError } from '@floecat/storage-spi';

import type { World } from './support.ts';
import { METADATA, NEW_TABLE, openWorld } from './support.ts';

const GRACE_MS = 3_600_000;

suite('staging and publishing tables', () => {
  test('a staged table has no name; publishing makes it whole, with its metadata byte for byte', async () => {
    await using world = await openWorld();
    const { tables, namespaces } = world.repositories;
    const sales = await namespaces.require('lake', ['sales']);
    const staged = await tables.stage(sales, 'orders', NEW_TABLE);
    assert.equal(staged.pointer.state, 'STAGED');
    assert.equal(await tables.get('lake', ['sales'], 'orders'), undefined);
    assert.deepEqual((await tables.listNames('lake', ['sales'])).items, []);

    const published = await tables.publish(sales, staged);
    const found = await tables.require('lake', ['sales'], 'orders');
    assert.deepEqual(found.pointer, published.pointer);
    assert.equal(found.pointer.version, 2);
    assert.deepEqual(Buffer.from(await tables.metadata(found)), METADATA);
    assert.deepEqual((await tables.listNames('lake', ['sales'])).items, ['orders']);
  });

  test('the envelope of a published table proves its predecessor and names its transaction', async () => {
    await using world = await openWorld();
    const { staged, published } = await publish(world, 'orders');
    const { envelope } = published;
    assert.equal(envelope.previous?.writeId, staged.pointer.writeId);
    assert.equal(envelope.previous?.version, 1n);
    assert.ok(staged.meta.blobUri.endsWith(`/${envelope.previous?.digest}.pb`));
    assert.equal(envelope.incarnation, staged.pointer.incarnation);
    assert.deepEqual(
      envelope.transaction.map((effect) => [effect.key, effect.version]),
      [
        [published.owner.key, 2n],
        [envelope.names[0]?.key, 1n],
      ],
    );
  });

  test('two registrations of one name: one is published, the other is told who holds the name', async () => {
    await using world = await openWorld();
    const { tables, namespaces } = world.repositories;
    const sales = await namespaces.require('lake', ['sales']);
    const first = await tables.stage(sales, 'orders', NEW_TABLE);
    const second = await tables.stage(sales, 'orders', NEW_TABLE);
    await tables.publish(sales, first);
    await assert.rejects(tables.publish(sales, second), (error: unknown) => {
      assert.ok(error instanceof StorageConflictError);
      assert.match(error.message, new RegExp(first.owner.id));
      return true;
    });
    await assert.rejects(tables.assertNameFree(sales, 'orders'), StorageConflictError);
  });

  test('a blob of another owner, or one that nobody put, is refused at commit', async () => {
    await using world = await openWorld();
    const { tables, namespaces, snapshots } = world.repositories;
    const { published } = await publish(world, 'orders');
    const other = await publish(world, 'lines');
    assert.equal((await namespaces.require('lake', ['sales'])).pointer.version, 1);
    const foreign = snapshotOf(world, published, 5n);
    foreign.bundle.chunks.push({
      $typeName: 'floecat.v1.ScanChunkRef',
      uri: other.published.resource.metadata[0]?.uri ?? '',
      size: 1n,
      fileCount: 1n,
    });
    await assert.rejects(snapshots.createAll(published, [foreign]), /blob of another owner/);
    const unput = snapshotOf(world, published, 6n);
    const { blobUri } = published.meta;
    unput.bundle.chunks.push({
      $typeName: 'floecat.v1.ScanChunkRef',
      uri: `/accounts/acme/scan-bundles/${published.owner.id}/${'6'.padStart(19, '0')}/chunk/${blobUri.slice(-67)}`,
      size: 1n,
      fileCount: 1n,
    });
    await assert.rejects(snapshots.createAll(published, [unput]), /neither put in this change/);
    assert.equal((await tables.require('lake', ['sales'], 'orders')).pointer.version, 2);
  });

  test('a change whose blobs took more than half of the grace is given up before the commit', async () => {
    let slow = false;
    await using world = await openWorld((storage) => ({
      ...storage,
      blobs: new Proxy(storage.blobs, {
        get(target, name) {
          const member = Reflect.get(target, name, target) as unknown;
          if (typeof member !== 'function') return member;
          return (...args: unknown[]) => {
            // The wall clock alone: the deadline of a change, which is much shorter, goes by the other one.
            if (name === 'put' && slow) world.clock.setWall(world.clock.now() + GRACE_MS / 2 + 1);
            return (member as (...all: unknown[]) => unknown).apply(target, args);
          };
        },
      }),
    }));
    const sales = await world.repositories.namespaces.require('lake', ['sales']);
    slow = true;
    await assert.rejects(world.repositories.tables.stage(sales, 'orders', NEW_TABLE), {
      code: 'CHANGE_TOO_SLOW',
    });
    assert.equal(await world.storage.pointers.countByPrefix('/accounts/acme/tables/'), 0);
  });
});

suite('sweeping what was never published', () => {
  test('within the grace nothing is swept; after it the table and its children go, and nothing else', async () => {
    await using world = await openWorld();
    const { tables, namespaces, snapshots, context } = world.repositories;
    const { published } = await publish(world, 'kept');
    await snapshots.createAll(published, [snapshotOf(world, published, 9n)]);
    const sales = await namespaces.require('lake', ['sales']);
    const staged = await tables.stage(sales, 'orders', NEW_TABLE);
    await snapshots.createAll(staged, [snapshotOf(world, staged, 1n), snapshotOf(world, staged, 2n)]);

    world.clock.advance(GRACE_MS);
    assert.deepEqual(await sweepUnfinished(context), { swept: 0, children: 0, failed: [] });
    world.clock.advance(1);
    assert.deepEqual(await sweepUnfinished(context), { swept: 1, children: 4, failed: [] });
    assert.deepEqual(await sweepUnfinished(context), { swept: 0, children: 0, failed: [] });

    assert.equal(await world.storage.pointers.countByPrefix(`/accounts/acme/tables/${staged.owner.id}/`), 0);
    assert.equal((await snapshots.list(published)).items.length, 1);
    assert.ok(await tables.get('lake', ['sales'], 'kept'));
  });

  for (const first of ['publication', 'sweep'] as const)
    test(`a sweep and a publication of the same table at once: the ${first} commits first and wins, the other changes nothing`, async () => {
      await using world = await openWorld();
      const { tables, namespaces, context } = world.repositories;
      const sales = await namespaces.require('lake', ['sales']);
      const staged = await tables.stage(sales, 'orders', NEW_TABLE);
      world.clock.advance(GRACE_MS + 1);
      // Both have read the row; then the one waits at its commit until the other is through.
      const { promise: through, resolve: open } = Promise.withResolvers<void>();
      const waiting = holdCommits(context.storage, through);
      const late = { ...context, storage: waiting };
      const held: Promise<unknown> =
        first === 'sweep' ? openRepositories(late).tables.publish(sales, staged) : sweepUnfinished(late);
      const settled = Promise.allSettled([held]);
      await (first === 'sweep' ? sweepUnfinished(context) : tables.publish(sales, staged));
      open();
      const outcome = await settled;
      const found = await tables.get('lake', ['sales'], 'orders');
      if (first === 'publication') {
        assert.deepEqual(outcome[0], { status: 'fulfilled', value: { swept: 0, children: 0, failed: [] } });
        assert.equal(found?.pointer.state, 'LIVE');
        assert.equal(found.pointer.version, 2);
      } else {
        await assert.rejects(held, ResourceConflictError);
        assert.equal(found, undefined);
        assert.equal(await world.storage.pointers.get(staged.owner.key), undefined);
        assert.deepEqual((await tables.listNames('lake', ['sales'])).items, []);
      }
    });

  test('a table that was swept cannot be published, touched or given children any more', async () => {
    await using world = await openWorld();
    const { tables, namespaces, snapshots, context } = world.repositories;
    const sales = await namespaces.require('lake', ['sales']);
    const staged = await tables.stage(sales, 'orders', NEW_TABLE);
    world.clock.advance(GRACE_MS + 1);
    await sweepUnfinished(context);
    await assert.rejects(tables.publish(sales, staged), ResourceConflictError);
    await assert.rejects(tables.touch(staged), ResourceConflictError);
    await assert.rejects(snapshots.createAll(staged, [snapshotOf(world, staged, 1n)]), ResourceConflictError);
  });

  test('a touch keeps a long registration alive', async () => {
    await using world = await openWorld();
    const { tables, namespaces, context } = world.repositories;
    const sales = await namespaces.require('lake', ['sales']);
    let staged = await tables.stage(sales, 'orders', NEW_TABLE);
    world.clock.advance(GRACE_MS);
    staged = await tables.touch(staged);
    world.clock.advance(GRACE_MS);
    assert.equal((await sweepUnfinished(context)).swept, 0);
    assert.equal((await tables.publish(sales, staged)).pointer.version, 3);
  });

  test('a sweep that was interrupted after the move to DELETING is finished by the next', async () => {
    await using world = await openWorld();
    const { tables, namespaces, snapshots, context } = world.repositories;
    const sales = await namespaces.require('lake', ['sales']);
    const staged = await tables.stage(sales, 'orders', NEW_TABLE);
    await snapshots.createAll(staged, [snapshotOf(world, staged, 1n)]);
    world.clock.advance(GRACE_MS + 1);
    const pointers = new Proxy(context.storage.pointers, {
      get(target, name) {
        if (name === 'deleteByPrefix') return () => Promise.reject(new Error('killed'));
        const member = Reflect.get(target, name, target) as unknown;
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
    const killed = await sweepUnfinished({ ...context, storage: { ...context.storage, pointers } });
    assert.deepEqual([killed.swept, killed.failed.length], [0, 1]);
    assert.equal((await world.storage.pointers.get(staged.owner.key))?.state, 'DELETING');
    await assert.rejects(tables.publish(sales, staged), ResourceConflictError);

    world.clock.advance(GRACE_MS + 1);
    assert.deepEqual(await sweepUnfinished(context), { swept: 1, children: 2, failed: [] });
    assert.equal(await world.storage.pointers.get(staged.owner.key), undefined);
  });
});

/** The storage, whose batches wait for `gate` before they are sent. */
function holdCommits(storage: Storage, gate: Promise<void>): Storage {
  const pointers = new Proxy(storage.pointers, {
    get(target, name) {
      if (name === 'compareAndSetBatch')
        return async (...args: Parameters<Storage['pointers']['compareAndSetBatch']>) => {
          await gate;
          return target.compareAndSetBatch(...args);
        };
      const member = Reflect.get(target, name, target) as unknown;
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  return { ...storage, pointers };
}

async function publish(world: World, name: string): Promise<{ staged: LoadedTable; published: LoadedTable }> {
  const { tables, namespaces } = world.repositories;
  const sales = await namespaces.require('lake', ['sales']);
  const staged = await tables.stage(sales, name, NEW_TABLE);
  return { staged, published: await tables.publish(sales, staged) };
}

function snapshotOf(world: World, table: LoadedTable, snapshotId: bigint): NewSnapshot {
  return {
    snapshotId,
    statistics: create(SnapshotStatisticsSchema, { tableId: table.owner.id, snapshotId }),
    bundle: create(ScanBundleSchema, { tableId: table.owner.id, snapshotId }),
    writer: new BlobWriter(world.repositories.context),
  };
}
