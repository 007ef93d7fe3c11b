import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { GcSettings } from '@floecat/gc';
import { collectOnce, DEFAULT_GC_SETTINGS } from '@floecat/gc';
import { ownerById } from '@floecat/repository';
import { seededRandom } from '@floecat/storage-testkit';

import { FakeBackups } from './support/fake-backups.ts';
import { intercept, onEveryCall } from './support/intercept.ts';
import { assertClean, assertWhole } from './support/oracle.ts';
import { putPayload, putStrayRoot, writeTable } from './support/raw-roots.ts';
import { DAY_MS, GRACE_MS, RETENTION_MS, World } from './support/world.ts';

const NOBODY = ownerById('acme', 'tables', 'nobody');

void suite('fault catalogue 4: rules', () => {
  test('12. settings that are no numbers, negative or out of range are refused before anything is read', async () => {
    await using world = await World.open();
    const bad: Partial<GcSettings>[] = [
      { maxDeleteRatio: Number.NaN },
      { maxDeleteRatio: -0.1 },
      { maxDeleteRatio: 1.1 },
      { maxDeleteRatio: '0.5' as unknown as number },
      { tombstoneTtlMs: Number.NaN },
      { tombstoneTtlMs: '7d' as unknown as number },
      { tombstoneTtlMs: -1 },
      { cas: { ...DEFAULT_GC_SETTINGS.cas, pageSize: 0 } },
      { cas: { ...DEFAULT_GC_SETTINGS.cas, batchLimit: Number.NaN } },
      { cas: { ...DEFAULT_GC_SETTINGS.cas, sliceMs: undefined as unknown as number } },
      { idempotency: { ...DEFAULT_GC_SETTINGS.idempotency, minAgeMs: Number.NaN } },
      { pointer: { ...DEFAULT_GC_SETTINGS.pointer, enabled: 'yes' as unknown as boolean } },
    ];
    for (const settings of bad) {
      const untouched = onEveryCall(world.storage, (name) => assert.fail(`${name} was called`));
      await assert.rejects(collectOnce(untouched, { ...world.settings, ...settings }, {}), {
        code: 'INVALID_ARGUMENT',
      });
    }
  });

  test('15. a backup that is registered while a sweep is on is honoured; one whose registration expired is not', async () => {
    for (const expires of [false, true]) {
      await using world = await World.open();
      const backups = new FakeBackups();
      const table = await world.addTable('orders', 'one');
      const old = await world.pointers(table.owner.key);
      await world.setMetadata('orders', 'two');
      world.clock.advance(GRACE_MS);
      await world.pass();
      world.clock.advance(RETENTION_MS);
      let registered = false;
      const storage = intercept(world.storage, {
        system: (real) => ({
          listPointersByPrefix: async (prefix, options) => {
            // The pardons are read after the mark, before each batch of deletes.
            if (prefix.startsWith('/gc/cas/pardons/') && (await sweeps(world)) && !registered) {
              registered = true;
              const until = world.clock.seconds() + (expires ? 0 : 60);
              await backups.take(world.storage, 'mid', async () => old, Math.max(1, until));
            }
            return real.listPointersByPrefix(prefix, options);
          },
        }),
      });
      const report = await world.collect('cas', { storage, readBackup: backups.read });
      assert.ok(registered);
      assert.equal(report.outcome, 'done', JSON.stringify(report.problems));
      // The root of the first version and its chunk; the staged root is in no backup.
      assert.deepEqual([report.counts['deleted'], report.counts['spared']], expires ? [3, 0] : [1, 2]);
    }
  });

  test('15. a registered backup that cannot be read, or that nobody here can read, ends the pass', async () => {
    await using world = await World.open();
    const backups = new FakeBackups();
    await putStrayRoot(world.storage, NOBODY, 'garbage');
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    await world.storage.system.compareAndSet('/backups/lost', 0, { kind: 'value', value: '{}' });
    const before = await world.versions();
    const blind = await world.collect('cas');
    assert.equal(blind.outcome, 'refused');
    assert.match(blind.problems[0]?.message ?? '', /backup lost is registered/);
    const broken = await world.collect('cas', { readBackup: backups.read });
    assert.equal(broken.outcome, 'failed');
    assert.match(broken.problems[0]?.message ?? '', /cannot be read/);
    assert.deepEqual(await world.versions(), before);
    await backups.end(world.storage, 'lost');
    assert.ok(((await world.pass())['deleted'] ?? 0) > 0);
  });

  test('16. what a pointer and a backup both need goes with the last of them; no blob belongs to two owners', async () => {
    await using world = await World.open();
    const backups = new FakeBackups();
    const collect = (): ReturnType<World['pass']> => world.pass({ readBackup: backups.read });
    const table = await world.addTable('orders', 'one');
    await backups.take(world.storage, 'b1', () => world.pointers('/accounts/'));
    const kept = await world.uris(table.owner.blobPrefix);
    await world.setMetadata('orders', 'two');
    for (let i = 0; i < 3; i++) {
      world.clock.advance(GRACE_MS + RETENTION_MS);
      await collect();
    }
    const { tables } = world.repositories();
    await tables.drop(table.owner.id);
    for (let i = 0; i < 3; i++) {
      world.clock.advance(GRACE_MS + RETENTION_MS);
      await collect();
    }
    const staged = 1;
    const left = await world.uris(table.owner.blobPrefix);
    assert.equal(left.filter((uri) => kept.includes(uri)).length, kept.length - staged);
    await backups.end(world.storage, 'b1');
    for (let i = 0; i < 2; i++) {
      world.clock.advance(GRACE_MS + RETENTION_MS);
      await collect();
    }
    await assertClean(world);

    const payload = await putPayload(world.storage, NOBODY, 'shared');
    await writeTable(world.storage, { id: 'nobody', references: [payload], writeId: world.random.uuid() });
    await writeTable(world.storage, { id: 'thief', references: [payload], writeId: world.random.uuid() });
    assert.equal((await world.collect('cas')).outcome, 'failed', 'a reference across owners');
  });

  test('16. what a backup holds of another account, whose name starts alike, is not counted to this one', async () => {
    await using world = await World.open();
    const backups = new FakeBackups();
    await world.addAccount('acme2');
    await backups.take(world.storage, 'b1', () => world.pointers());
    const { owners } = await world.pass({ readBackup: backups.read, accounts: ['acme'] });
    assert.equal(owners, 3, 'the account, its catalog and its namespace');
  });

  test('17. a pointer that is restored within the retention finds its blobs', async () => {
    await using world = await World.open();
    const table = await world.addTable('orders', 'one');
    const [old] = await world.pointers(table.owner.key);
    assert.ok(old);
    const names = await world.pointers('/accounts/acme/namespaces/');
    await world.repositories().tables.drop(table.owner.id);
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS - 1);
    await world.pass();
    const tombstone = await world.storage.pointers.get(table.owner.key);
    assert.ok(tombstone);
    await world.storage.pointers.compareAndDelete(tombstone.key, tombstone);
    await world.storage.pointers.importPointers([old, ...names], 'if-absent');
    assert.equal(await world.metadataOf('orders'), 'one');
    world.clock.advance(RETENTION_MS);
    await world.pass();
    assert.equal(await world.metadataOf('orders'), 'one');
    await assertWhole(world);
  });

  test('18. more than a thousand candidates, over many pages and segments: none is skipped', async () => {
    await using world = await World.open();
    await world.addTable('orders', 'one');
    for (let i = 0; i < 2_345; i++)
      await putStrayRoot(world.storage, ownerById('acme', 'tables', `t${i % 7}`), `${i}`);
    world.clock.advance(GRACE_MS);
    // A slice is over at once, so every page is one.
    const cas = { ...world.settings.cas, pageSize: 100, sliceMs: 0, batchLimit: 37 };
    assert.equal((await world.pass({ settings: { cas } }))['newlyCondemned'], 2_346);
    world.clock.advance(RETENTION_MS);
    const { deleted, newlyCondemned } = await world.pass({ settings: { cas } });
    assert.deepEqual([deleted, newlyCondemned], [2_346, 0]);
    await assertClean(world);
  });

  test('19. one bad account does not keep the others, nor a large one the small ones', async () => {
    await using world = await World.open();
    for (const account of ['bad', 'small', 'tiny']) await world.addAccount(account);
    for (const account of ['acme', 'bad', 'small', 'tiny'])
      await putStrayRoot(world.storage, ownerById(account, 'tables', 'nobody'), account);
    for (let i = 0; i < 500; i++)
      await putStrayRoot(world.storage, ownerById('acme', 'tables', 'big'), `${i}`);
    await writeTable(world.storage, {
      account: 'bad',
      id: 'bad',
      writeId: world.random.uuid(),
      envelope: { messageType: 'floecat.v9.Policy' },
    });
    world.clock.advance(GRACE_MS);
    const order: string[] = [];
    const storage = intercept(world.storage, {
      blobs: (real) => ({
        listVersions: async (prefix, options) => {
          const account = /^\/accounts\/(\w+)\/$/.exec(prefix)?.[1];
          if (account !== undefined && order.at(-1) !== account) order.push(account);
          return real.listVersions(prefix, options);
        },
      }),
    });
    const cas = { ...world.settings.cas, pageSize: 50, sliceMs: 0 };
    const report = await world.collect('cas', { storage, settings: { cas } });
    assert.equal(report.outcome, 'failed');
    assert.deepEqual(
      report.problems.map(({ account }) => account),
      ['bad'],
    );
    // One slice of each, before the large account gets its second one.
    assert.deepEqual(order.slice(0, 4), ['acme', 'bad', 'small', 'tiny']);
    world.clock.advance(RETENTION_MS);
    await world.collect('cas', { settings: { cas } });
    for (const account of ['acme', 'small', 'tiny'])
      assert.deepEqual(await world.uris(ownerById(account, 'tables', 'nobody').blobPrefix), [], account);
    assert.equal((await world.uris(ownerById('bad', 'tables', 'nobody').blobPrefix)).length, 1);
  });

  test('19. a dry run tells all and deletes nothing', async () => {
    await using world = await World.open();
    await world.addTable('orders', 'one');
    await putStrayRoot(world.storage, NOBODY, 'garbage');
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    const blobs = await world.versions('/');
    const rows = await world.pointers();
    const told: string[] = [];
    for (const collector of ['idempotency', 'pointer', 'cas'] as const) {
      const report = await world.collect(collector, {
        dryRun: true,
        onCandidate: ({ key, why }) => told.push(`${why} ${key}`),
      });
      assert.equal(report.outcome, 'done', JSON.stringify(report.problems));
      if (collector === 'cas') assert.equal(report.counts['due'], 2);
    }
    assert.equal(told.filter((line) => line.startsWith('due /accounts/acme/tables/')).length, 2);
    assert.deepEqual(await world.versions('/'), blobs);
    assert.deepEqual(await world.pointers(), rows);
    assert.equal((await world.pass())['deleted'], 2);
  });

  test('20. random writers, collectors and time: what is named is there at every step, and in the end nothing else', async () => {
    for (let seed = 1; seed <= 25; seed++) await randomLife(seed);
  });

  test('more than the ratio of an account may not go at once; what was condemned stays so', async () => {
    await using world = await World.open();
    await world.addTable('orders', 'one');
    const { length: needed } = await world.uris();
    for (let i = 0; i < 20; i++) await putStrayRoot(world.storage, ownerById('acme', 'tables', 't'), `${i}`);
    world.clock.advance(GRACE_MS);
    const settings = { maxDeleteRatio: 0.5 };
    const lost = await world.collect('cas', { settings });
    assert.equal(lost.outcome, 'refused', 'so many without an owner');
    assert.match(lost.problems[0]?.message ?? '', /20 of \d+ blob versions have lost their owner/);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    const before = await world.versions();
    const report = await world.collect('cas', { settings });
    assert.equal(report.outcome, 'refused');
    assert.match(
      report.problems[0]?.message ?? '',
      /are due, more than floecat.gc.max-delete-ratio \(0.5\) allows/,
    );
    assert.deepEqual(await world.versions(), before);
    assert.equal((await world.pass())['deleted'], 21);
    assert.equal((await world.uris()).length, needed - 1);
  });
});

/** Whether the account's list was published and is being swept. */
async function sweeps(world: World): Promise<boolean> {
  const row = await world.storage.system.get('/gc/cas/accounts/acme');
  return row?.kind === 'value' && row.value.includes('"sweep"');
}

async function randomLife(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random.next() * items.length)];
  await using world = await World.open();
  const { tables } = world.repositories();
  const names = new Map<string, string>();
  for (let step = 0; step < 80; step++) {
    const name = pick([...names.keys()]);
    const metadata = `metadata ${Math.floor(random.next() * 3)}`;
    switch (
      pick(['add', 'change', 'change', 'drop', 'wait', 'wait', 'cas', 'cas', 'pointer', 'idempotency'])
    ) {
      case 'add':
        names.set(`t${step}`, metadata);
        await world.addTable(`t${step}`, metadata);
        break;
      case 'change':
        if (name === undefined) break;
        names.set(name, metadata);
        await world.setMetadata(name, metadata);
        break;
      case 'drop':
        if (name === undefined) break;
        names.delete(name);
        await tables.drop(await tables.require('lake', ['sales'], name));
        break;
      case 'wait':
        world.clock.advance(Math.floor(random.next() * (pick([GRACE_MS, DAY_MS, RETENTION_MS]) ?? 0)));
        break;
      case 'cas':
        await world.pass();
        break;
      case 'pointer':
        await world.collect('pointer');
        break;
      case 'idempotency':
        await world.collect('idempotency');
        break;
      case undefined:
        break;
    }
    await assertWhole(world);
    for (const [each, expected] of names)
      assert.equal(await world.metadataOf(each), expected, `seed ${seed}, step ${step}`);
  }
  for (let i = 0; i < 3; i++) {
    world.clock.advance(GRACE_MS + RETENTION_MS);
    await world.pass();
  }
  await assertClean(world);
}
