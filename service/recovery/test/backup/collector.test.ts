import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { explain } from '@floecat/gc';
import { collectorStateKey } from '@floecat/repository';
import {
  ABANDONED_AFTER_MS,
  createBackup,
  KeptBackups,
  listBackups,
  openBackup,
  registerBackup,
  removeBackup,
} from '@floecat/recovery';
import type { BackupTarget, RecoveryContext } from '@floecat/recovery';
import type { Pointer } from '@floecat/storage-spi';

import { intercept } from '../../../gc/test/support/intercept.ts';
import { assertClean, assertWhole } from '../../../gc/test/support/oracle.ts';
import { DAY_MS, GRACE_MS, RETENTION_MS, World } from '../../../gc/test/support/world.ts';
import { Crash, CrashPoint } from './support/crash.ts';
import { MemoryTarget } from './support/memory-target.ts';
import { readAll } from './support/store.ts';

interface Kept extends AsyncDisposable {
  readonly world: World;
  readonly context: RecoveryContext;
  readonly target: MemoryTarget;
  /** Collects as a process that can read backups. */
  readonly pass: () => ReturnType<World['pass']>;
  collect(collector?: 'cas' | 'idempotency'): ReturnType<World['collect']>;
  remove(id: string): Promise<string[]>;
}

async function open(): Promise<Kept> {
  const world = await World.open();
  const { storage, clock, random } = world;
  const target = new MemoryTarget();
  const openTarget = async (location: string): Promise<BackupTarget> => {
    assert.equal(location, target.location);
    return target;
  };
  const backups = new KeptBackups({ storage, openTarget, random });
  const context = { storage, clock, random };
  return {
    world,
    context,
    target,
    pass: () => world.pass({ readBackup: backups.read }),
    collect: (collector = 'cas') => world.collect(collector, { readBackup: backups.read }),
    remove: (id) => removeBackup(context, id, { openTarget }),
    [Symbol.asyncDispose]: async () => {
      await backups[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** A blob that was condemned, and that the next pass would delete. */
async function makeDue({ world, pass }: Kept): Promise<void> {
  await world.addTable('orders', 'one');
  await world.setMetadata('orders', 'two');
  world.clock.advance(GRACE_MS);
  await pass();
  world.clock.advance(RETENTION_MS);
}

/** Passes until what is garbage is gone. */
async function collectAll({ world, pass }: Kept): Promise<void> {
  for (let i = 0; i < 3; i++) {
    world.clock.advance(GRACE_MS + RETENTION_MS);
    await pass();
  }
}

/** Whether every blob that these pointers lead to is there. */
async function areThere({ world }: Kept, pointers: readonly Pointer[]): Promise<boolean> {
  const uris = pointers.flatMap((pointer) => (pointer.kind === 'blob' ? [pointer.blobUri] : []));
  assert.ok(uris.length > 0);
  return (await world.storage.blobs.getBatch(uris)).every((blob) => blob !== undefined);
}

void suite('collectors and real backups', () => {
  test('what a backup refers to is kept however long, and goes once it is removed', async () => {
    await using kept = await open();
    const { world, context, target } = kept;
    for (let i = 0; i < 8; i++) await world.addTable(`t${i}`, `first ${i}`);
    const { id } = await createBackup(context, target, { segmentLines: 5 });
    const held = await readAll(await openBackup(target, id));
    for (let i = 0; i < 8; i++) await world.setMetadata(`t${i}`, `second ${i}`);
    const next = await createBackup(context, target, { since: id, segmentLines: 5 });
    const heldNext = await readAll(await openBackup(target, next.id));
    for (let i = 0; i < 8; i++) await world.setMetadata(`t${i}`, `third ${i}`);
    const { tables } = world.repositories();
    await tables.drop(await tables.require('lake', ['sales'], 't7'));
    await collectAll(kept);
    assert.ok(await areThere(kept, held));
    assert.ok(await areThere(kept, heldNext));

    await assert.rejects(kept.remove(id), /builds on backup/);
    assert.deepEqual(await kept.remove(next.id), [next.id]);
    await collectAll(kept);
    assert.ok(await areThere(kept, held));
    assert.ok(!(await areThere(kept, heldNext)));
    await kept.remove(id);
    assert.equal(target.files.size, 0);
    await collectAll(kept);
    await assertWhole(world);
    assert.ok(!(await areThere(kept, held)));
  });

  test('while a backup is being written it is marked and condemned, and nothing is deleted', async () => {
    await using kept = await open();
    const { world, context, target } = kept;
    await makeDue(kept);
    const crash = new CrashPoint(3);
    await assert.rejects(createBackup(crash.context(context), crash.target(target)), Crash);
    const before = await world.versions();
    const report = await kept.collect();
    assert.deepEqual([report.outcome, report.problems[0]?.code], ['refused', 'GC_REFUSED']);
    assert.match(report.problems[0]?.message ?? '', /is being written since .* nothing is deleted until/);
    assert.deepEqual(await world.versions(), before);
    const state = await world.storage.system.get(collectorStateKey('cas', 'acme'));
    const { sweep } = JSON.parse(state?.kind === 'value' ? state.value : '{}') as { sweep?: object };
    assert.ok(sweep && !('refusal' in sweep), 'the sweep waits, and is not given up');

    const [row] = await listBackups(context);
    assert.equal(row?.state, 'writing');
    await createBackup(context, target, { resume: row.id });
    const { deleted } = await kept.pass();
    assert.ok((deleted ?? 0) > 0, 'the sweep goes on where it waited');
  });

  test('one that nobody writes any more is given up for good, and can only be removed', async () => {
    await using kept = await open();
    const { world, context, target } = kept;
    await makeDue(kept);
    const crash = new CrashPoint(5);
    await assert.rejects(
      createBackup(crash.context(context), crash.target(target), { segmentLines: 2, pageSize: 2 }),
      Crash,
    );
    assert.ok(target.files.size > 0);
    world.clock.advance(ABANDONED_AFTER_MS - 1);
    assert.equal((await kept.collect()).outcome, 'refused');
    world.clock.advance(1);
    assert.ok(((await kept.pass())['deleted'] ?? 0) > 0);
    const [row] = await listBackups(context);
    assert.equal(row?.state, 'abandoned');
    await assert.rejects(createBackup(context, target, { resume: row.id }), /was given up/);
    await kept.remove(row.id);
    assert.deepEqual([target.files.size, await listBackups(context)], [0, []]);
  });

  test('a process that goes on with a backup while it is given up either keeps it or fails', async () => {
    await using kept = await open();
    const { world, context, target } = kept;
    const { storage, random } = world;
    await world.addTable('orders', 'one');
    const crash = new CrashPoint(3);
    await assert.rejects(createBackup(crash.context(context), crash.target(target)), Crash);
    world.clock.advance(ABANDONED_AFTER_MS);
    const [row] = await listBackups(context);
    const key = `/backups/${row?.id}`;
    const seen = await storage.system.get(key);
    assert.ok(row && seen);
    const { read } = new KeptBackups({ storage, random, openTarget: async () => target });
    // It was read by a collector, which is about to give it up, when its writer went on.
    const { unfinished } = await read(seen);
    await createBackup(context, target, { resume: row.id });
    assert.equal(await unfinished?.end(), false);
    assert.equal((await listBackups(context))[0]?.state, 'complete');
  });

  test('no moment: whenever a root is superseded and swept while a backup is taken, the backup is whole', async () => {
    // Without grace and retention the collector deletes as early as it ever may.
    await using world = await World.open({ layout: { casGraceMs: 0, casRetentionMs: 0 } });
    const { storage, clock, random } = world;
    for (let i = 0; i < 4; i++) await world.addTable(`t${i}`, `first ${i}`);
    const target = new MemoryTarget();
    const backups = new KeptBackups({ storage, random, openTarget: async () => target });
    let change = 0;
    let collections = 0;
    let last: Promise<unknown> = Promise.resolve();
    // A walk lists and stores side by side; two collectors would only wait for each other.
    const disturb = (): Promise<void> => {
      const turn = last.then(disturbOnce);
      last = turn;
      return turn;
    };
    const disturbOnce = async (): Promise<void> => {
      await world.setMetadata(`t${change % 4}`, `change ${change++}`);
      clock.advance(1);
      // Twice: what the first condemns the second may delete.
      for (let i = 0; i < 2; i++) await world.collect('cas', { readBackup: backups.read });
      collections++;
    };
    const disturbed = intercept(storage, {
      pointers: (real) => ({
        listPointersByPrefix: async (prefix, options) => {
          const page = await real.listPointersByPrefix(prefix, options);
          await disturb();
          return page;
        },
      }),
      system: (real) => ({
        compareAndSetBatch: async (operations, options) => {
          await disturb();
          const result = await real.compareAndSetBatch(operations, options);
          await disturb();
          return result;
        },
      }),
    });
    const context = { storage: disturbed, clock, random };
    const { id } = await createBackup(context, target, { segmentLines: 3, pageSize: 4 });
    assert.ok(collections > 10);
    for (let i = 0; i < 3; i++) {
      clock.advance(1);
      await world.pass({ readBackup: backups.read });
    }
    const held = await readAll(await openBackup(target, id));
    const roots = held.flatMap((pointer) => (pointer.kind === 'blob' ? [pointer.blobUri] : []));
    const found = await storage.blobs.getBatch(roots);
    assert.ok(roots.length > 4 && found.every((blob) => blob !== undefined));
    await removeBackup(context, id, { openTarget: async () => target });
    clock.advance(1);
    for (let i = 0; i < 2; i++) await world.pass({ readBackup: backups.read });
    await assertClean(world);
  });

  test('a backup that is damaged, or out of reach, ends the pass and names the file', async () => {
    await using kept = await open();
    const { world, context, target } = kept;
    await world.addTable('orders', 'one');
    const { id } = await createBackup(context, target);
    const segment = [...target.files.keys()].find((name) => name.includes('/segments/')) ?? '';
    const good = target.files.get(segment) as Uint8Array;
    for (const bytes of [Buffer.concat([good, Buffer.of(0)]), undefined]) {
      if (bytes) target.files.set(segment, bytes);
      else target.files.delete(segment);
      const report = await kept.collect();
      assert.equal(report.outcome, 'failed');
      assert.ok(report.problems[0]?.message.includes(segment), report.problems[0]?.message);
    }
    target.files.set(segment, good);
    await kept.pass();
    await kept.remove(id);
  });

  test('a tombstone outlives the backups of its owner, and one that is being written', async () => {
    await using kept = await open();
    const { world, context, target } = kept;
    const table = await world.addTable('orders', 'one');
    const { id } = await createBackup(context, target);
    const { tables } = world.repositories();
    await tables.drop(await tables.require('lake', ['sales'], 'orders'));
    const age = async (): Promise<Pointer | undefined> => {
      for (let i = 0; i < 3; i++) {
        world.clock.advance(30 * DAY_MS);
        await kept.collect('cas');
        assert.equal((await kept.collect('idempotency')).outcome, 'done');
      }
      return world.storage.pointers.get(table.owner.key);
    };
    assert.equal((await age())?.state, 'TOMBSTONE');
    await kept.remove(id);
    world.clock.advance(RETENTION_MS);
    await kept.pass();
    world.clock.advance(RETENTION_MS);
    await kept.pass();
    const crash = new CrashPoint(3);
    await assert.rejects(createBackup(crash.context(context), crash.target(target)), Crash);
    assert.equal((await kept.collect('idempotency')).outcome, 'done');
    assert.ok(await world.storage.pointers.get(table.owner.key), 'the new one may come to hold it');
    const [row] = await listBackups(context);
    await kept.remove(row?.id ?? '');
    assert.equal(await age(), undefined);
  });

  test('a backup that a table does not know is registered with all that it builds on', async () => {
    await using kept = await open();
    const { world, context, target } = kept;
    await world.addTable('orders', 'one');
    const first = await createBackup(context, target);
    const second = await createBackup(context, target, { since: first.id });
    const rows = await listBackups(context);
    for (const { id } of rows) {
      const row = await world.storage.system.get(`/backups/${id}`);
      assert.ok(row && (await world.storage.system.compareAndDelete(row.key, row)).applied);
    }
    assert.deepEqual(await registerBackup(context, target, second.id), [first.id, second.id]);
    assert.deepEqual(await registerBackup(context, target, second.id), []);
    const facts = (all: typeof rows): unknown => all.map((each) => ({ ...each, updatedAt: 0 }));
    assert.deepEqual(facts(await listBackups(context)), facts(rows));
    const old = await readAll(await openBackup(target, second.id));
    await world.setMetadata('orders', 'two');
    await collectAll(kept);
    assert.ok(await areThere(kept, old));
  });

  test('what explains a condemned blob says that a backup is waited for', async () => {
    await using kept = await open();
    const { world, context, target } = kept;
    const table = await world.addTable('orders', 'one');
    const root = table.pointer.kind === 'blob' ? table.pointer.blobUri : '';
    await world.setMetadata('orders', 'two');
    world.clock.advance(GRACE_MS);
    await kept.pass();
    const crash = new CrashPoint(3);
    await assert.rejects(createBackup(crash.context(context), crash.target(target)), Crash);
    const { read } = new KeptBackups({ storage: world.storage, openTarget: async () => target });
    const options = { clock: world.clock, random: world.random, readBackup: read };
    const { verdict, because } = await explain(world.storage, world.settings, root, options);
    assert.equal(verdict, 'condemned');
    assert.match(because.at(-1) ?? '', /Nothing is deleted while backup .* is being written/);
  });
});
