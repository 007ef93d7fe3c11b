import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { RecoveryReport, RestoreOptions } from '@floecat/recovery';
import { findTable, rebuild, restore } from '@floecat/recovery';
import type { LoadedTable } from '@floecat/repository';
import { accountOwner } from '@floecat/repository';
import type { BlobVersionListing, Pointer, Storage } from '@floecat/storage-spi';
import { LOST_TAG } from '@floecat/storage-spi';

import { assertWhole } from '../../../gc/test/support/oracle.ts';
import { DAY_MS, GRACE_MS, RETENTION_MS, World } from '../../../gc/test/support/world.ts';
import { interceptCalls } from '../../../repository/test/support/store-calls.ts';
import { backupOf, rowsOf, withoutTable } from '../support/rows.ts';

async function recovered(
  world: World,
  options: RestoreOptions = {},
  storage: Storage = world.storage,
): Promise<RecoveryReport> {
  const { clock, random } = world;
  return restore({ storage, clock, random }, options);
}

async function backup(world: World): Promise<ReturnType<typeof backupOf>> {
  return backupOf((await rowsOf(world.storage.pointers)).values(), world.clock.now());
}

async function remove(storage: Storage, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const row = await storage.pointers.get(key);
    if (row) await storage.pointers.compareAndDelete(key, row);
  }
}

function nameOf(table: LoadedTable): string {
  return table.envelope.names[0]?.key ?? '';
}

void suite('a living store', () => {
  test('what is newer stays; with rollBack the older content is its next version, once', async () => {
    await using world = await World.open();
    await world.addTable('orders', 'one');
    const saved = await backup(world);
    world.clock.advance(1_000);
    const asOf = world.clock.now();
    world.clock.advance(1_000);
    const newer = await world.setMetadata('orders', 'two');
    const left = await recovered(world, { backup: saved, asOf });
    assert.deepEqual([left.owners.present, left.rows], [4, { canonical: 0, names: 0, records: 0 }]);
    assert.equal(await world.metadataOf('orders'), 'two');

    const back = await recovered(world, { backup: saved, asOf, rollBack: true });
    assert.deepEqual([back.owners['rolled-back'], back.rows.canonical, back.problems], [1, 1, []]);
    assert.equal(await world.metadataOf('orders'), 'one');
    const row = await world.storage.pointers.get(newer.owner.key);
    assert.equal(row?.version, newer.pointer.version + 1);
    const again = await recovered(world, { backup: saved, asOf, rollBack: true });
    assert.equal(again.owners['rolled-back'], 0);
    assert.deepEqual(await world.storage.pointers.get(newer.owner.key), row);
    await assertWhole(world);
  });

  test('rollBack makes again what was dropped, over its tombstone', async () => {
    await using world = await World.open();
    const table = await world.addTable('orders', 'one');
    const saved = await backup(world);
    const asOf = world.clock.now();
    world.clock.advance(1_000);
    await world.repositories().tables.drop(table.owner.id);
    const report = await recovered(world, { backup: saved, asOf, rollBack: true });
    assert.deepEqual(report.problems, []);
    assert.equal(await world.metadataOf('orders'), 'one');
    const row = await world.storage.pointers.get(table.owner.key);
    assert.ok(row && row.version > table.pointer.version && row.state === 'LIVE');
  });

  test('rows that are gone come back, with their names; only the tables that are asked for, in what they lie in', async () => {
    await using world = await World.open();
    const [orders, lines] = [await world.addTable('orders', 'one'), await world.addTable('lines', 'two')];
    const saved = await backup(world);
    const before = await rowsOf(world.storage.pointers);
    await remove(world.storage, ...before.keys());
    const { clock, random } = world;
    const id = await findTable(
      { storage: world.storage, clock, random },
      { account: 'acme', catalog: 'lake', namespace: ['sales'], name: 'orders', backup: saved },
    );
    assert.equal(id, orders.owner.id);
    const report = await recovered(world, { backup: saved, accounts: ['acme'], tables: [id] });
    assert.equal(report.owners.restored, 4);
    const found = await rowsOf(world.storage.pointers);
    for (const [key, row] of found) assert.deepEqual(row, before.get(key), key);
    assert.deepEqual(
      [...before.keys()].filter((key) => !found.has(key)).toSorted(),
      [lines.owner.key, nameOf(lines)].toSorted(),
    );
  });

  test('a dry run tells, and changes nothing', async () => {
    await using world = await World.open();
    const orders = await world.addTable('orders', 'one');
    const saved = await backup(world);
    await remove(world.storage, orders.owner.key, nameOf(orders));
    const [before, versions] = [await rowsOf(world.storage.pointers), await world.versions()];
    const report = await recovered(world, { backup: saved, dryRun: true });
    assert.deepEqual([report.dryRun, report.owners.restored, report.rows.canonical], [true, 1, 1]);
    assert.deepEqual(await rowsOf(world.storage.pointers), before);
    assert.deepEqual(await world.versions(), versions);
  });

  test('records of idempotent runs come back until they expire', async () => {
    await using world = await World.open();
    const now = world.clock.seconds();
    const record = (id: string, expiresAt: number): Pointer => ({
      key: `/accounts/acme/idempotency/0/${id}`,
      kind: 'value',
      value: 'done',
      version: 1,
      writeId: world.random.uuid(),
      incarnation: world.random.uuid(),
      updatedAt: world.clock.now(),
      expiresAt,
    });
    const rows = [
      ...(await rowsOf(world.storage.pointers)).values(),
      record('old', now - 1),
      record('new', now + 60),
    ];
    const report = await recovered(world, { backup: backupOf(rows, world.clock.now()) });
    assert.equal(report.rows.records, 1);
    assert.ok(await world.storage.pointers.get('/accounts/acme/idempotency/0/new'));
  });
});

void suite('blobs', () => {
  test('what a collector condemned is put anew before a row leads to it, also while it is being deleted', async () => {
    await using world = await World.open();
    const orders = await world.addTable('orders', 'one');
    const saved = await backup(world);
    await remove(world.storage, orders.owner.key, nameOf(orders));
    world.clock.advance(GRACE_MS + 1_000);
    await world.pass();
    world.clock.advance(RETENTION_MS + 1_000);
    let report: RecoveryReport | undefined;
    // The collector has made sure that nobody needs the blob, and is about to delete it.
    const storage = interceptCalls(world.storage, async (call, proceed) => {
      if (call.name === 'blobs.deleteVersion') report ??= await recovered(world, { backup: saved });
      return proceed();
    });
    await world.pass({ storage });
    assert.ok(report && report.blobs.putAnew >= 2);
    // The backup was not registered; so the collector has condemned what it holds, as it does with what was superseded.
    assert.deepEqual(
      report.problems.map(({ kind }) => kind),
      ['missing'],
    );
    assert.equal(await world.metadataOf('orders'), 'one');
    await assertWhole(world);
  });

  test('what was never collected is not put again', async () => {
    await using world = await World.open();
    await world.addTable('orders', 'one');
    const storage = withoutTable(world.storage, world);
    world.clock.advance(30 * DAY_MS);
    const before = await world.versions();
    const report = await recovered(world, {}, storage);
    assert.deepEqual(report.blobs, { broughtBack: 0, putAnew: 0 });
    assert.deepEqual(await world.versions(), before);
  });

  test('what lies only under a delete marker is brought back, and what lies nowhere is told', async () => {
    await using world = await World.open();
    const orders = await world.addTable('orders', 'one');
    const storage = withoutTable(world.storage, world);
    // As a versioned bucket shows them: no version is the latest.
    const deleted = new Set((await world.uris(orders.owner.blobPrefix)).slice());
    const hidden = interceptCalls(storage, async ({ name, args }, proceed) => {
      if (name === 'blobs.put') deleted.delete(args[0] as string);
      if (name !== 'blobs.listVersions') return proceed();
      const page = (await proceed()) as { readonly versions: readonly BlobVersionListing[] };
      const versions = page.versions.map((each) =>
        deleted.has(each.uri) ? { ...each, latest: false } : each,
      );
      return { ...page, versions };
    });
    const report = await recovered(world, {}, hidden);
    // Its two roots and its metadata: of the roots only the newest is needed.
    assert.equal(report.blobs.broughtBack, 2);
    assert.deepEqual(report.problems, []);

    const [metadata = ''] = orders.resource.metadata.map(({ uri }) => uri);
    await world.storage.blobs.delete(metadata);
    const told = await recovered(world, {}, withoutTable(world.storage, world));
    assert.deepEqual(
      told.problems.map(({ kind, key }) => [kind, key]),
      [['blob-missing', orders.owner.key]],
    );
    assert.match(told.problems[0]?.why ?? '', /no whole version is left/);
  });
});

void suite('earlier times and what follows', () => {
  test('what was given up for an earlier time does not come back by a rebuild, also after more was written', async () => {
    await using world = await World.open();
    await world.addTable('orders', 'one');
    const asOf = world.clock.now();
    world.clock.advance(1_000);
    const newest = await world.setMetadata('orders', 'two');
    await world.addTable('later', 'x');
    const storage = withoutTable(world.storage, world);
    await recovered(world, { asOf }, storage);
    const root = await world.storage.blobs.head(newest.meta.blobUri);
    assert.equal(root.tags[LOST_TAG], 'true');
    const rebuilt = withoutTable(world.storage, world);
    const { clock, random } = world;
    const report = await rebuild({ storage: rebuilt, clock, random });
    assert.deepEqual(await contents(rebuilt, world), { orders: 'one' });
    assert.ok(report.problems.every(({ key }) => key !== newest.owner.key));
    const client = world.repositories('acme', rebuilt);
    await client.tables.replaceMetadata(newest.owner.id, Buffer.from('three'));
    const again = withoutTable(world.storage, world);
    await rebuild({ storage: again, clock, random });
    assert.deepEqual(await contents(again, world), { orders: 'three' });
  });

  test('an account that was dropped, ended and made again is the new one', async () => {
    await using world = await World.open();
    const { accounts } = world.repositories('beta');
    await accounts.ensure('beta');
    const saved = await backup(world);
    await accounts.drop('beta');
    const owner = accountOwner('beta');
    await remove(world.storage, owner.key);
    world.clock.advance(DAY_MS);
    const made = await accounts.ensure('beta');
    for (const options of [{}, { backup: saved }]) {
      const storage = withoutTable(world.storage, world);
      await recovered(world, options, storage);
      assert.equal((await storage.pointers.get(owner.key))?.incarnation, made.pointer.incarnation);
    }
  });
});

async function contents(storage: Storage, world: World): Promise<Record<string, string>> {
  const { tables } = world.repositories('acme', storage);
  const { items } = await tables.list('lake', ['sales']);
  const read = items.map(async (table) => [
    table.resource.name,
    Buffer.from(await tables.metadata(table)).toString('utf8'),
  ]);
  return Object.fromEntries(await Promise.all(read)) as Record<string, string>;
}
