import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { GcExplanation, PardonReport } from '@floecat/gc';
import { explain, pardon } from '@floecat/gc';
import { catalogNameKey, ownerById, relationNameKey } from '@floecat/repository';
import { LOST_TAG } from '@floecat/storage-spi';

import { FakeBackups } from './support/fake-backups.ts';
import { intercept } from './support/intercept.ts';
import { putStrayRoot } from './support/raw-roots.ts';
import { GRACE_MS, HOUR_MS, NEW_TABLE, RETENTION_MS, World } from './support/world.ts';

const NOBODY = ownerById('acme', 'tables', 'nobody');

function ask(
  world: World,
  key: string,
  options: { readBackup?: FakeBackups['read'] } = {},
): Promise<GcExplanation> {
  return explain(world.storage, world.settings, key, {
    clock: world.clock,
    random: world.random,
    ...options,
  });
}

function forgive(world: World, what: string): Promise<PardonReport[]> {
  return pardon(world.storage, world.settings, what, { clock: world.clock, random: world.random });
}

void suite('explain', () => {
  test('why a blob is alive: as the root of its owner, as what that root names, or in a backup', async () => {
    await using world = await World.open();
    const backups = new FakeBackups();
    const table = await world.addTable('orders', 'one');
    assert.ok(table.pointer.kind === 'blob');
    const root = await ask(world, table.pointer.blobUri);
    assert.equal(root.verdict, 'alive');
    assert.deepEqual(root.because, [
      `The pointer ${table.owner.key} (version 2, LIVE) leads to it: it is the root.`,
    ]);
    const chunk = table.resource.metadata[0]?.uri ?? '';
    assert.match((await ask(world, chunk)).because[0] ?? '', /leads to the root .*, which names it/);

    await backups.take(world.storage, 'nightly', () => world.pointers(table.owner.key));
    await world.setMetadata('orders', 'two');
    const kept = await ask(world, chunk, { readBackup: backups.read });
    assert.equal(kept.verdict, 'alive');
    assert.match(kept.because[0] ?? '', /^The backup nightly, which holds/);
  });

  test('when a blob will go: young, unreferenced, condemned, gone', async () => {
    await using world = await World.open();
    const uri = await putStrayRoot(world.storage, NOBODY, 'garbage');
    const put = world.clock.now();
    assert.deepEqual(
      [(await ask(world, uri)).verdict, (await ask(world, uri)).notBefore],
      ['young', put + GRACE_MS + RETENTION_MS],
    );
    world.clock.advance(GRACE_MS);
    assert.equal((await ask(world, uri)).verdict, 'unreferenced');
    await world.pass();
    const condemned = await ask(world, uri);
    assert.deepEqual([condemned.verdict, condemned.notBefore], ['condemned', put + GRACE_MS + RETENTION_MS]);
    assert.match(
      condemned.because.join(' '),
      /Its owner .* does not exist\. Condemned by the pass \S+, since/,
    );
    world.clock.advance(RETENTION_MS);
    await world.pass();
    assert.equal((await ask(world, uri)).verdict, 'absent');
  });

  test('what becomes of a pointer', async () => {
    await using world = await World.open();
    const { pointers } = world.storage;
    const { namespaces, tables } = world.repositories();
    const sales = await namespaces.require('lake', ['sales']);
    const table = await world.addTable('orders', 'one');
    const name = relationNameKey('acme', sales.owner.id, 'tables', 'orders');
    assert.equal((await ask(world, table.owner.key)).verdict, 'alive');
    assert.equal((await ask(world, name)).verdict, 'alive');
    const staged = await tables.stage(sales, 'late', { ...NEW_TABLE, metadata: Buffer.from('x') });
    assert.equal((await ask(world, staged.owner.key)).verdict, 'young');
    const orphan = catalogNameKey('acme', 'ghost');
    await pointers.compareAndSet(orphan, 0, { kind: 'value', value: 'nobody' });
    assert.equal((await ask(world, orphan)).verdict, 'unreferenced');
    await world.collect('pointer');
    const seen = await ask(world, orphan);
    assert.deepEqual([seen.verdict, seen.notBefore], ['condemned', world.clock.now() + GRACE_MS]);
    await tables.drop(table.owner.id);
    const tombstone = await ask(world, table.owner.key);
    assert.deepEqual(
      [tombstone.verdict, tombstone.notBefore],
      ['condemned', world.clock.now() + world.settings.tombstoneTtlMs],
    );
    const record = '/accounts/acme/idempotency/7f/k';
    await pointers.compareAndSet(record, 0, {
      kind: 'value',
      value: '',
      expiresAt: world.clock.seconds() + 10,
    });
    assert.equal((await ask(world, record)).verdict, 'alive');
    world.clock.advance(10_000);
    assert.deepEqual(
      [(await ask(world, record)).verdict, (await ask(world, record)).notBefore],
      ['condemned', world.clock.seconds() * 1000 + HOUR_MS],
    );
    await pointers.compareAndSet('/accounts/acme/odd', 0, { kind: 'value', value: '' });
    assert.equal((await ask(world, '/accounts/acme/odd')).verdict, 'unknown');
    assert.equal((await ask(world, '/accounts/acme/nothing')).verdict, 'absent');
    world.clock.advance(GRACE_MS + 1);
    assert.equal((await ask(world, staged.owner.key)).verdict, 'unreferenced');
  });
});

void suite('pardon', () => {
  test('a blob that is pardoned is young again, not marked as lost, and is condemned anew if nobody wants it', async () => {
    await using world = await World.open();
    const [uri, other] = [
      await putStrayRoot(world.storage, NOBODY, '1'),
      await putStrayRoot(world.storage, NOBODY, '2'),
    ];
    world.clock.advance(GRACE_MS);
    await world.pass();
    assert.equal((await world.storage.blobs.head(uri)).tags[LOST_TAG], 'true');
    world.clock.advance(RETENTION_MS);
    assert.deepEqual(await forgive(world, uri), [{ account: 'acme', blobs: 1, versions: 1, gone: 0 }]);
    assert.equal((await world.storage.blobs.head(uri)).tags[LOST_TAG], undefined);
    const counts = await world.pass();
    assert.equal(counts['deleted'], 1, 'the other one');
    assert.deepEqual(await world.uris(NOBODY.blobPrefix), [uri]);
    assert.equal((await world.versions(uri)).length, 2);
    assert.deepEqual(
      (await world.storage.system.listPointersByPrefix('/gc/cas/pardons/')).pointers,
      [],
      'used up',
    );
    world.clock.advance(RETENTION_MS - 1);
    await world.pass();
    assert.ok((await world.uris(NOBODY.blobPrefix)).includes(uri), 'its retention began anew');
    world.clock.advance(GRACE_MS + RETENTION_MS);
    await world.pass();
    assert.deepEqual(await world.uris(NOBODY.blobPrefix), []);
    assert.ok(other);
  });

  test('a whole run is pardoned by its id, and what other runs condemned is not', async () => {
    await using world = await World.open();
    const early = await putStrayRoot(world.storage, NOBODY, 'early');
    world.clock.advance(GRACE_MS);
    await world.pass();
    for (let i = 0; i < 5; i++) await putStrayRoot(world.storage, NOBODY, `${i}`);
    world.clock.advance(GRACE_MS);
    await world.pass();
    const late = (await world.uris(NOBODY.blobPrefix)).filter((uri) => uri !== early);
    const { run = '' } = await ask(world, late[0] ?? '');
    assert.deepEqual(await forgive(world, run), [{ account: 'acme', blobs: 5, versions: 5, gone: 0 }]);
    world.clock.advance(RETENTION_MS);
    assert.equal((await world.pass())['deleted'], 1);
    assert.deepEqual((await world.uris(NOBODY.blobPrefix)).toSorted(), late.toSorted());
  });

  test('a pardon that comes while the sweep deletes saves the bytes, or says that they are gone', async () => {
    await using world = await World.open();
    const uris: string[] = [];
    for (let i = 0; i < 8; i++) uris.push(await putStrayRoot(world.storage, NOBODY, `${i}`));
    world.clock.advance(GRACE_MS);
    await world.pass();
    const { run = '' } = await ask(world, uris[0] ?? '');
    world.clock.advance(RETENTION_MS);
    let report: PardonReport | undefined;
    const after = new Set<string>();
    const storage = intercept(world.storage, {
      blobs: (real) => ({
        deleteVersion: async (...args) => {
          if (!report && args[0] === uris[3]) [report] = await forgive(world, run);
          if (report && args[0].startsWith('/accounts/')) after.add(args[0]);
          return real.deleteVersion(...args);
        },
      }),
    });
    const cas = { ...world.settings.cas, batchLimit: 2 };
    await world.pass({ storage, settings: { cas } });
    assert.ok(report && report.blobs > 0 && report.gone > 0);
    assert.ok(after.size <= 2, 'no batch is begun after it');
    assert.equal((await world.uris(NOBODY.blobPrefix)).length, report.blobs);
    for (const uri of await world.uris(NOBODY.blobPrefix)) await world.storage.blobs.get(uri);
  });

  test('pardoning what is not condemned says so', async () => {
    await using world = await World.open();
    await world.pass();
    for (const what of ['20260101T000000000Z-00000000', `${NOBODY.blobPrefix}${'a'.repeat(64)}.pb`])
      await assert.rejects(forgive(world, what), { code: 'STORAGE_NOT_FOUND' });
    await assert.rejects(forgive(world, '/somewhere/else'), { code: 'INVALID_ARGUMENT' });
  });
});
