import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { ChangeTooSlowError, ownerById } from '@floecat/repository';
import type { BlobStore, Storage } from '@floecat/storage-spi';
import { LOST_TAG } from '@floecat/storage-spi';
import { openMemoryStorage } from '@floecat/storage-memory';
import { FakeClock } from '@floecat/storage-testkit';

import { intercept } from './support/intercept.ts';
import { assertClean, assertWhole } from './support/oracle.ts';
import { putPayload, putStrayRoot, writeTable } from './support/raw-roots.ts';
import { DAY_MS, GRACE_MS, HOUR_MS, NEW_TABLE, RETENTION_MS, World } from './support/world.ts';

/** A world with a table whose first metadata is condemned, and due at the next pass. */
async function withDueGarbage(): Promise<{ world: World; garbage: string[] }> {
  const world = await World.open();
  await world.addTable('orders', 'one');
  const before = await world.uris();
  await world.setMetadata('orders', 'two');
  const needed = await assertWhole(world);
  world.clock.advance(GRACE_MS);
  await world.pass();
  world.clock.advance(RETENTION_MS);
  return { world, garbage: before.filter((uri) => !needed.has(uri)) };
}

/** The storage, where `act` runs once, before the nth call of a method of the blobs. */
function beforeCall(
  storage: Storage,
  method: 'deleteVersion' | 'supportsVersionedDeletes' | 'listVersions',
  nth: number,
  act: () => Promise<unknown>,
): Storage {
  let calls = 0;
  return intercept(storage, {
    blobs: (real) => ({
      [method]: async (...args: never[]) => {
        if (++calls === nth) await act();
        return (real[method] as (...given: never[]) => Promise<unknown>)(...args);
      },
    }),
  });
}

const unversioned = () => ({ supportsVersionedDeletes: async () => false });

void suite('fault catalogue 4: races', () => {
  void test('1. a blob that is referenced again between mark and sweep survives', async () => {
    const { world, garbage } = await withDueGarbage();
    await using _ = world;
    // The first call begins the pass, the second stands before the deletes.
    const storage = beforeCall(world.storage, 'supportsVersionedDeletes', 2, () =>
      world.setMetadata('orders', 'one'),
    );
    const { deleted } = await world.pass({ storage });
    assert.ok(deleted && deleted > 0);
    assert.equal(await world.metadataOf('orders'), 'one');
    await assertWhole(world);
    const chunk = garbage.find((uri) => uri.includes('/metadata/'));
    assert.equal((await world.versions(chunk)).length, 1, 'the version that was put again');
  });

  void test('1. what a root by hand carries over again, without putting it, survives: the owner is walked again', async () => {
    await using world = await World.open();
    const owner = ownerById('acme', 'tables', 'by-hand');
    const payload = await putPayload(world.storage, owner, 'kept');
    const id = () => world.random.uuid();
    const first = await writeTable(world.storage, { id: 'by-hand', references: [payload], writeId: id() });
    const second = await writeTable(world.storage, { id: 'by-hand', over: first, writeId: id() });
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    const storage = beforeCall(world.storage, 'supportsVersionedDeletes', 2, () =>
      writeTable(world.storage, { id: 'by-hand', over: second, references: [payload], writeId: id() }),
    );
    const { spared } = await world.pass({ storage });
    assert.equal(spared, 1);
    await assertWhole(world);
  });

  void test('2. a blob that is put again and committed between the last look and the delete survives', async () => {
    const { world, garbage } = await withDueGarbage();
    await using _ = world;
    const storage = beforeCall(world.storage, 'deleteVersion', 1, () => world.setMetadata('orders', 'one'));
    const { deleted } = await world.pass({ storage });
    assert.equal(deleted, garbage.length);
    assert.equal(await world.metadataOf('orders'), 'one');
    await assertWhole(world);
  });

  void test('2. where one version cannot be deleted exactly, nothing is deleted, and that is said', async () => {
    const { world } = await withDueGarbage();
    await using _ = world;
    const before = await world.versions();
    const report = await world.collect('cas', { storage: intercept(world.storage, { blobs: unversioned }) });
    assert.equal(report.outcome, 'refused');
    assert.equal(report.problems[0]?.code, 'GC_UNVERSIONED');
    assert.match(report.problems[0]?.message ?? '', /versioning/);
    assert.deepEqual(await world.versions(), before);
    let calls = 0;
    const later = () => ({ supportsVersionedDeletes: async () => ++calls === 1 });
    const halfway = await world.collect('cas', { storage: intercept(world.storage, { blobs: later }) });
    assert.equal(halfway.outcome, 'refused', 'suspended between mark and sweep');
    assert.deepEqual(await world.versions(), before);
  });

  void test('3. a blob whose pointer is not published yet is protected by the grace', async () => {
    await using world = await World.open();
    const { namespaces, tables } = world.repositories();
    const sales = await namespaces.require('lake', ['sales']);
    let put = 0;
    // The writer has put its blobs and pauses; collectors run all the time.
    const held = intercept(world.storage, {
      pointers: (real) => ({
        compareAndSetBatch: async (...args) => {
          world.clock.advance(GRACE_MS / 2);
          for (let i = 0; i < 3; i++) await world.collect('cas');
          put = (await world.versions('/accounts/acme/tables/')).length;
          return real.compareAndSetBatch(...args);
        },
      }),
    });
    const writer = world.repositories('acme', held);
    await writer.tables.stage(sales, 'orders', { ...NEW_TABLE, metadata: Buffer.from('slow') });
    assert.equal(put, 2);
    await assertWhole(world);
    assert.equal(await tables.get('lake', ['sales'], 'orders'), undefined);
  });

  void test('3. a writer that stalls for longer gives up before it could refer to what may be gone', async () => {
    await using world = await World.open();
    const { namespaces } = world.repositories();
    const sales = await namespaces.require('lake', ['sales']);
    const stalled = intercept(world.storage, {
      blobs: (real) => ({
        put: async (...args) => {
          const header = await real.put(...args);
          world.clock.advance(GRACE_MS);
          return header;
        },
      }),
    });
    const writer = world.repositories('acme', stalled);
    await assert.rejects(
      writer.tables.stage(sales, 'orders', { ...NEW_TABLE, metadata: Buffer.from('slow') }),
      ChangeTooSlowError,
    );
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    await world.pass();
    await assertClean(world);
  });

  void test('4. parallel uploads that are published out of order are protected', async () => {
    await using world = await World.open();
    const { namespaces, tables } = world.repositories();
    const sales = await namespaces.require('lake', ['sales']);
    const first = await tables.stage(sales, 'first', { ...NEW_TABLE, metadata: Buffer.from('1') });
    world.clock.advance(GRACE_MS / 4);
    const second = await tables.stage(sales, 'second', { ...NEW_TABLE, metadata: Buffer.from('2') });
    await tables.publish(sales, second);
    world.clock.advance(GRACE_MS / 2);
    for (const collector of ['pointer', 'cas'] as const) await world.collect(collector);
    await tables.publish(sales, first);
    for (const collector of ['pointer', 'cas'] as const) await world.collect(collector);
    await assertWhole(world);
    assert.equal(await world.metadataOf('first'), '1');
    assert.equal(await world.metadataOf('second'), '2');
  });

  void test('7. keys that are deleted, made and moved while the pointers are paged are read anew before each delete', async () => {
    await using world = await World.open();
    for (let i = 0; i < 12; i++) await world.addTable(`t${i}`, `metadata ${i}`);
    for (let i = 0; i < 12; i++) await world.setMetadata(`t${i}`, `other ${i}`);
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    let page = 0;
    const storage = intercept(world.storage, {
      pointers: (real) => ({
        listPointersByPrefix: async (prefix, options) => {
          const answer = await real.listPointersByPrefix(prefix, options);
          if (!prefix.endsWith('/tables/by-id/')) return answer;
          const { tables } = world.repositories();
          const at = page++;
          // The row that the next page begins after goes; another one appears, behind the cursor or before it.
          const last = answer.pointers.at(-1);
          const doomed = last && (await tables.getById(last.key.slice(last.key.lastIndexOf('/') + 1)));
          if (doomed?.resource.name.startsWith('t') && at % 2 === 0) await tables.drop(doomed);
          await world.addTable(`new${at}`, 'brand new');
          return answer;
        },
      }),
    });
    const cas = { ...world.settings.cas, pageSize: 2 };
    const { deleted } = await world.pass({ storage, settings: { cas } });
    assert.ok(page > 4);
    assert.ok(deleted && deleted > 0);
    await assertWhole(world);
    for (let i = 0; i < page; i++) assert.equal(await world.metadataOf(`new${i}`), 'brand new');
  });

  void test('10. two collectors: one works, and one that lost its lease on the way does no harm', async () => {
    const { world, garbage } = await withDueGarbage();
    await using _ = world;
    let busy: unknown;
    // The first collector stops before its first delete for longer than its lease; a second one does all of the work.
    const storage = beforeCall(world.storage, 'deleteVersion', 1, async () => {
      const { collectOnce } = await import('@floecat/gc');
      [busy] = await collectOnce(world.storage, world.settings, { clock: world.clock, only: ['cas'] });
      world.clock.advance(HOUR_MS);
      await world.setMetadata('orders', 'one');
      await world.pass();
      await world.setMetadata('orders', 'three');
    });
    const { deleted } = await world.pass({ storage }).catch(() => ({ deleted: undefined }));
    assert.equal(
      (busy as { ran: boolean }).ran,
      false,
      'while the lease stands, the second one does nothing',
    );
    assert.ok(deleted === undefined || deleted === garbage.length);
    assert.equal(await world.metadataOf('orders'), 'three');
    await assertWhole(world);
  });

  void test('10. a restore beside the collector: pointers come back to blobs that are there', async () => {
    await using world = await World.open();
    const table = await world.addTable('orders', 'one');
    const old = await world.storage.pointers.get(table.owner.key);
    assert.ok(old?.kind === 'blob');
    const kept = await Promise.all(
      (await world.uris(table.owner.blobPrefix)).map(async (uri) => world.storage.blobs.get(uri)),
    );
    await world.setMetadata('orders', 'two');
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    const storage = beforeCall(world.storage, 'deleteVersion', 2, async () => {
      // A restore is a writer: it puts the blobs, then the pointers.
      for (const { header, bytes } of kept) await world.storage.blobs.put(header.uri, bytes);
      await world.storage.pointers.deleteByPrefix('/accounts/acme/tables/by-id/');
      await world.storage.pointers.importPointers([old], 'if-absent');
    });
    await world.pass({ storage });
    assert.equal(await world.metadataOf('orders'), 'one');
    await assertWhole(world);
  });

  void test('10. a deleteByPrefix beside the collector, and its mark, which then finds no owner', async () => {
    const { world } = await withDueGarbage();
    await using _ = world;
    const storage = beforeCall(world.storage, 'listVersions', 1, () =>
      world.storage.pointers.deleteByPrefix('/accounts/acme/tables/'),
    );
    await world.pass({ storage });
    await assertWhole(world);
    world.clock.advance(GRACE_MS + RETENTION_MS);
    await world.pass();
    assert.deepEqual(await world.uris('/accounts/acme/tables/'), [], 'in time, its blobs are gone');
  });

  void test('11. no age is told by the clock of the collector: an hour or a week ahead or behind changes nothing', async () => {
    for (const offset of [0, HOUR_MS, -HOUR_MS, 7 * DAY_MS, -7 * DAY_MS, 400 * DAY_MS]) {
      await using world = await World.open();
      await world.addTable('orders', 'one');
      await world.setMetadata('orders', 'two');
      const clock = new FakeClock({ start: world.clock.now() + offset });
      world.clock.advance(GRACE_MS - 1);
      assert.equal((await world.pass({ clock }))['condemned'], 0, `${offset}`);
      world.clock.advance(1);
      assert.equal((await world.pass({ clock }))['newlyCondemned'], 3, `${offset}`);
      clock.setWall(clock.now() + 30 * DAY_MS);
      world.clock.advance(RETENTION_MS - 1);
      assert.equal((await world.pass({ clock }))['deleted'], 0, `${offset}`);
      clock.setWall(clock.now() - 90 * DAY_MS);
      world.clock.advance(1);
      assert.equal((await world.pass({ clock }))['deleted'], 3, `${offset}`);
    }
  });

  void test('11. a blob from the future is kept, and a store clock that is set back deletes nothing early', async () => {
    await using world = await World.open();
    const owner = ownerById('acme', 'tables', 'nobody');
    await putStrayRoot(world.storage, owner, 'old');
    world.clock.advance(GRACE_MS);
    await world.pass();
    const now = world.clock.now();
    world.clock.setWall(now + 30 * DAY_MS);
    const future = await putStrayRoot(world.storage, owner, 'of the future');
    world.clock.setWall(now + RETENTION_MS - 1);
    assert.equal((await world.pass())['deleted'], 0);
    world.clock.setWall(now - 7 * DAY_MS);
    const { deleted, young } = await world.pass();
    assert.equal(deleted, 0);
    assert.ok(young && young >= 1);
    world.clock.setWall(now + RETENTION_MS + DAY_MS);
    await world.pass();
    assert.deepEqual(await world.uris(owner.blobPrefix), [future]);
  });

  void test('a root that is condemned is marked as lost, and a payload is not', async () => {
    await using world = await World.open();
    const owner = ownerById('acme', 'tables', 'nobody');
    const root = await putStrayRoot(world.storage, owner, 'root');
    const payload = await putPayload(world.storage, owner, 'payload');
    world.clock.advance(GRACE_MS);
    await world.pass();
    const tagsOf = async (uri: string): ReturnType<BlobStore['head']> => world.storage.blobs.head(uri);
    assert.equal((await tagsOf(root)).tags[LOST_TAG], 'true');
    assert.equal((await tagsOf(payload)).tags[LOST_TAG], undefined);
  });

  void test('8. pointers of another store: the mark is empty, and nothing is condemned', async () => {
    const { world } = await withDueGarbage();
    await using _ = world;
    await using other = openMemoryStorage({ clock: world.clock });
    const before = await world.versions();
    // The list of accounts still knows it, its pointers do not.
    const half = { ...world.storage, pointers: other.pointers };
    const report = await world.collect('cas', { storage: half });
    assert.equal(report.outcome, 'refused');
    assert.match(report.problems[0]?.message ?? '', /no pointer leads to any/);
    // The whole table is another: it knows no account at all.
    const whole = { ...world.storage, pointers: other.pointers, system: other.system };
    assert.equal((await world.collect('cas', { storage: whole })).accounts, 0);
    assert.deepEqual(await world.versions(), before);
    await assertWhole(world);
  });
});
