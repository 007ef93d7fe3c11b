import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { suite, test } from 'node:test';

import { applyPlan, RecoveryRefusedError } from '@floecat/recovery';
import type { RecoveryContext } from '@floecat/recovery';
import type { LoadedTable } from '@floecat/repository';
import { relationNameKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import { onEveryCall } from '../../../gc/test/support/intercept.ts';
import { checkStore } from '../../../repository/test/support/store-check.ts';
import { MEMORY } from '../support/backends.ts';
import { apply, chooseAll, linesOf, makePlan, planFolder } from '../support/plans.ts';
import type { VerifyWorld } from '../support/verify-world.ts';
import { openVerifyWorld, rowsOf, told, verified } from '../support/verify-world.ts';

const REPAIRED = { repaired: 1, already: 0, changed: 0, failed: 0 };
const ALREADY = { repaired: 0, already: 1, changed: 0, failed: 0 };
const CHANGED = { repaired: 0, already: 0, changed: 1, failed: 0 };
const NOTHING = { repaired: 0, already: 0, changed: 0, failed: 0 };

function lines({ world }: VerifyWorld): Promise<LoadedTable> {
  return world.repositories.tables.require('lake', ['sales'], 'lines');
}

function rootOf({ pointer }: { readonly pointer: Pointer }): string {
  return pointer.kind === 'blob' ? pointer.blobUri : '';
}

function nameOf({ resource: { namespaceId, name } }: LoadedTable): string {
  return relationNameKey('acme', namespaceId, 'tables', name);
}

async function textOf(world: VerifyWorld): Promise<string> {
  const { tables } = world.world.repositories;
  return Buffer.from(await tables.metadata(await lines(world))).toString('utf8');
}

/** Nothing is amiss any more, as verify and a check that shares no code with it see it. */
async function isWhole({ context }: VerifyWorld): Promise<void> {
  assert.deepEqual(told((await verified(context, { deep: true })).findings), []);
  await checkStore(context.storage, { atRest: true });
}

suite('a plan repairs what it can, and only that', () => {
  test('a damaged blob that has another version is put anew, once', async () => {
    await using world = await openVerifyWorld(MEMORY[1]);
    await using plan = await planFolder();
    const { storage } = world.context;
    const uri = rootOf(await lines(world));
    const { versionId } = await storage.blobs.head(uri);
    await storage.blobs.put(uri, (await storage.blobs.get(uri)).bytes);
    await world.damage(uri);
    await makePlan(world.context, plan.path);
    const [line] = await linesOf(plan.path);
    assert.equal(line?.apply, true);
    assert.ok(line.repair?.do === 'rescue-blob' && line.repair.versionId === versionId);
    assert.deepEqual(await apply(world.context, plan.path), REPAIRED);
    await isWhole(world);
    const before = await storage.blobs.listVersions(uri);
    assert.equal(before.versions.length, 3, 'the damaged one is still there');
    assert.deepEqual(await apply(world.context, plan.path), ALREADY);
    assert.deepEqual(await storage.blobs.listVersions(uri), before);
    const record = (await readFile(`${plan.path}.applied`, 'utf8')).trim().split('\n');
    assert.deepEqual(
      record.map((text) => (JSON.parse(text) as { outcome: string }).outcome),
      ['repaired', 'already'],
    );
  });

  test('a blob that nothing needs any more is left', async () => {
    await using world = await openVerifyWorld(MEMORY[1]);
    await using plan = await planFolder();
    const { storage } = world.context;
    const uri = (await lines(world)).resource.metadata[0]?.uri ?? '';
    await storage.blobs.put(uri, (await storage.blobs.get(uri)).bytes);
    await world.damage(uri);
    await makePlan(world.context, plan.path, { deep: true });
    await world.world.repositories.tables.replaceMetadata(await lines(world), Buffer.from('newer'));
    assert.deepEqual(await apply(world.context, plan.path), CHANGED);
    assert.equal((await storage.blobs.listVersions(uri)).versions.length, 2);
    await isWhole(world);
  });

  test('a missing name comes back, unless it was taken or its table changed', async () => {
    await using world = await openVerifyWorld(MEMORY[1]);
    await using plan = await planFolder();
    const { pointers } = world.context.storage;
    const table = await lines(world);
    const name = nameOf(table);
    const row = await pointers.get(name);
    assert.ok(row);
    await pointers.compareAndDelete(name, row);
    await makePlan(world.context, plan.path);

    await pointers.compareAndSet(name, 0, { kind: 'value', value: 'other' });
    assert.deepEqual(await apply(world.context, plan.path), CHANGED);
    await pointers.compareAndDelete(name, 1);
    const rival = relationNameKey('acme', table.resource.namespaceId, 'views', 'lines');
    await pointers.compareAndSet(rival, 0, { kind: 'value', value: 'a view' });
    assert.deepEqual(await apply(world.context, plan.path), CHANGED);
    await pointers.compareAndDelete(rival, 1);
    assert.deepEqual(await apply(world.context, plan.path), REPAIRED);
    assert.deepEqual(await apply(world.context, plan.path), ALREADY);
    await isWhole(world);

    await pointers.compareAndDelete(name, 1);
    await world.world.repositories.tables.drop(table.owner.id);
    assert.deepEqual(await apply(world.context, plan.path), CHANGED);
    assert.equal(await pointers.get(name), undefined);
  });

  test('names that lead to nothing go, as they were seen, and the plan keeps them', async () => {
    await using world = await openVerifyWorld(MEMORY[1]);
    await using plan = await planFolder();
    const { pointers } = world.context.storage;
    const table = await lines(world);
    const key = (name: string): string => relationNameKey('acme', table.resource.namespaceId, 'tables', name);
    const before = await rowsOf(world);
    const stray = [];
    for (const [name, value] of [
      ['a', 'nobody'],
      ['b', table.owner.id],
      ['c', 'nobody'],
    ] as const) {
      const made = await pointers.compareAndSet(key(name), 0, { kind: 'value', value });
      if (made.applied) stray.push(made.pointer);
    }
    await makePlan(world.context, plan.path);
    const [, , third] = stray;
    assert.ok(
      third && (await pointers.compareAndSet(third.key, third, { kind: 'value', value: 'x' })).applied,
    );
    assert.deepEqual(await apply(world.context, plan.path), {
      repaired: 2,
      already: 0,
      changed: 1,
      failed: 0,
    });
    assert.deepEqual(await apply(world.context, plan.path), {
      repaired: 0,
      already: 2,
      changed: 1,
      failed: 0,
    });
    await pointers.compareAndDelete(key('c'), 2);
    assert.deepEqual(await rowsOf(world), before);
    await isWhole(world);

    // Taken back by what the record kept.
    const record = (await readFile(`${plan.path}.applied`, 'utf8')).split('\n');
    const kept = record.flatMap((text) =>
      text.includes('"was"') ? [(JSON.parse(text) as { was: Pointer }).was] : [],
    );
    await pointers.importPointers(kept, 'if-absent');
    assert.deepEqual(await pointers.getBatch([key('a'), key('b')]), stray.slice(0, 2));
  });

  test('a root that is gone for good: rolled back once it is chosen, as a new version of one chain', async () => {
    await using world = await openVerifyWorld(MEMORY[1]);
    await using plan = await planFolder();
    const { storage } = world.context;
    const { tables } = world.world.repositories;
    await tables.replaceMetadata(await lines(world), Buffer.from('before'));
    await tables.replaceMetadata(await lines(world), Buffer.from('lost'));
    const lost = await lines(world);
    await storage.blobs.delete(rootOf(lost));
    await makePlan(world.context, plan.path);
    const [line] = await linesOf(plan.path);
    assert.ok(line?.repair?.do === 'roll-back' && line.apply === false);
    assert.match(line.advice, /restore/i);
    assert.deepEqual(await apply(world.context, plan.path), NOTHING);
    await chooseAll(plan.path);
    assert.deepEqual(await apply(world.context, plan.path), REPAIRED);
    const now = await lines(world);
    assert.equal(await textOf(world), 'before');
    assert.equal(now.pointer.version, lost.pointer.version + 1);
    assert.equal(now.pointer.prevWriteId, lost.pointer.writeId);
    const { previous, incarnation } = now.envelope;
    assert.equal(`${lost.owner.blobPrefix}${previous?.digest}.pb`, rootOf(lost));
    assert.deepEqual([previous?.writeId, incarnation], [lost.pointer.writeId, lost.pointer.incarnation]);
    assert.deepEqual(await apply(world.context, plan.path), ALREADY);
    await isWhole(world);
  });

  test('a payload that is gone for good: rolled back too; an owner that was written since is left', async () => {
    await using world = await openVerifyWorld(MEMORY[1]);
    await using plan = await planFolder();
    const { tables } = world.world.repositories;
    await tables.replaceMetadata(await lines(world), Buffer.from('before'));
    const lost = await tables.replaceMetadata(await lines(world), Buffer.from('lost'));
    await world.context.storage.blobs.delete(lost.resource.metadata[0]?.uri ?? '');
    await makePlan(world.context, plan.path);
    await chooseAll(plan.path);
    const kept = await tables.replaceMetadata(await lines(world), Buffer.from('written since'));
    assert.deepEqual(await apply(world.context, plan.path), CHANGED);
    assert.deepEqual((await lines(world)).pointer, kept.pointer);
    await isWhole(world);
  });

  test('what has nothing to go back to, or would come back from a drop, is told as lost', async () => {
    await using world = await openVerifyWorld(MEMORY[1]);
    await using plan = await planFolder();
    const { blobs } = world.context.storage;
    const { tables, catalogs } = world.world.repositories;
    // Published: the version before was staged. A catalog at its first version. A table whose older metadata is gone too.
    const published = await lines(world);
    const catalog = await catalogs.require('lake');
    const both = await tables.require('lake', ['hr'], 'people');
    await tables.replaceMetadata(both, Buffer.from('second'));
    const uris = [rootOf(published), rootOf(catalog), rootOf(await tables.require('lake', ['hr'], 'people'))];
    for (const uri of uris) await blobs.delete(uri);
    await blobs.delete(both.resource.metadata[0]?.uri ?? '');
    await makePlan(world.context, plan.path);
    const found = await linesOf(plan.path);
    assert.deepEqual(new Set(found.map(({ uri }) => uri)), new Set(uris));
    for (const { apply: chosen, repair, advice } of found) {
      assert.deepEqual([chosen, repair], [null, undefined]);
      assert.match(advice, /No whole version is left\. Restore it from a backup/);
    }
    assert.deepEqual(await apply(world.context, plan.path), NOTHING);
  });

  test('a tombstone whose root is gone is written anew: dropped stays dropped', async () => {
    await using world = await openVerifyWorld(MEMORY[1]);
    await using plan = await planFolder();
    const tombstone = (await rowsOf(world)).find(({ state }) => state === 'TOMBSTONE');
    assert.ok(tombstone?.kind === 'blob');
    await world.context.storage.blobs.delete(tombstone.blobUri);
    await makePlan(world.context, plan.path);
    assert.deepEqual(await apply(world.context, plan.path), REPAIRED);
    const now = await world.context.storage.pointers.get(tombstone.key);
    assert.deepEqual([now?.state, now?.version], ['TOMBSTONE', tombstone.version + 1]);
    assert.deepEqual(await apply(world.context, plan.path), ALREADY);
    await isWhole(world);
  });

  test('a plan of another store, and what is no plan, is refused', async () => {
    await using world = await openVerifyWorld(MEMORY[1]);
    await using plan = await planFolder();
    await makePlan(world.context, plan.path);
    await assert.rejects(makePlan(world.context, plan.path), {
      code: 'INVALID_ARGUMENT',
      message: /it exists/,
    });
    const storage = {
      ...world.context.storage,
      layout: { ...world.context.storage.layout, storeId: 'other' },
    };
    await assert.rejects(apply({ ...world.context, storage }, plan.path), RecoveryRefusedError);
    const none = `${plan.path}.applied`;
    await assert.rejects(apply(world.context, none), {
      code: 'INVALID_ARGUMENT',
      message: /does not begin as/,
    });
    await assert.rejects(apply(world.context, '/nowhere'), { code: 'INVALID_ARGUMENT' });
  });
});

test('an apply that is killed ahead of any of its calls is applied again, and ends the same', async () => {
  for (let nth = 1; ; nth += 5) {
    await using world = await openVerifyWorld(MEMORY[1]);
    await using plan = await planFolder();
    const { storage } = world.context;
    const { tables } = world.world.repositories;
    await tables.replaceMetadata(await lines(world), Buffer.from('before'));
    const lost = await tables.replaceMetadata(await lines(world), Buffer.from('lost'));
    const people = await tables.require('lake', ['hr'], 'people');
    await storage.blobs.delete(rootOf(lost));
    const name = await storage.pointers.get(nameOf(people));
    assert.ok(name);
    await storage.pointers.compareAndDelete(name.key, name);
    await storage.pointers.compareAndSet(`${name.key}x`, 0, { kind: 'value', value: 'nobody' });
    await makePlan(world.context, plan.path);
    await chooseAll(plan.path);
    let calls = 0;
    const dying = onEveryCall(storage, () => {
      if (++calls === nth) throw new Error('killed');
    });
    const killed: RecoveryContext = { ...world.context, storage: dying };
    const died = await applyPlan(killed, { plan: plan.path }).then(
      () => false,
      (error: unknown) => (error as Error).message === 'killed',
    );
    const { repaired, already, changed, failed } = await apply(world.context, plan.path);
    assert.deepEqual([repaired + already, changed, failed], [3, 0, 0], `killed ahead of call ${nth}`);
    assert.equal(await textOf(world), 'before');
    await isWhole(world);
    if (!died) break;
  }
});
