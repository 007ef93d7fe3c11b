import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import {
  createBackup,
  findBackup,
  listBackups,
  listBackupsAt,
  openBackup,
  RecoveryRefusedError,
  verifyBackup,
} from '@floecat/recovery';
import { StorageNotFoundError } from '@floecat/storage-spi';

import { MemoryTarget } from './support/memory-target.ts';
import {
  allPointers,
  contentOf,
  importAll,
  manyPointers,
  openStore,
  readAll,
  removePointer,
  setPointer,
  value,
} from './support/store.ts';

// In the order of their UTF-8 bytes, which is not that of JavaScript's strings.
const KEYS = ['/a', '/a/', '/a/b', '/a/b!', '/ab', '/é', '/\ue000', '/\uffff', '/\u{10000}', '/\u{1f600}/x'];

void suite('backups', () => {
  test('a backup holds every pointer in every field, and is read by key, by prefix and from a key on', async () => {
    await using store = openStore();
    const { storage, context, clock } = store;
    for (const each of KEYS) await setPointer(storage, each, value(`of ${each}`));
    await setPointer(storage, '/a/b', { kind: 'blob', blobUri: '/accounts/x/1.pb', state: 'TOMBSTONE' });
    await setPointer(storage, '/ab', { ...value('"\n\u0000'), expiresAt: clock.seconds() + 60 });
    const target = new MemoryTarget();
    const created = await createBackup(context, target, { segmentLines: 3 });
    const all = await allPointers(storage);
    assert.deepEqual(
      all.map(({ key }) => key),
      KEYS,
    );

    const reader = await openBackup(target, created.id);
    assert.deepEqual(await readAll(reader), all);
    assert.deepEqual(reader.bases, []);
    const { manifest } = reader;
    assert.deepEqual(manifest.layout, storage.layout);
    assert.deepEqual([manifest.pointers, manifest.lines, manifest.gone], [KEYS.length, KEYS.length, 0]);
    assert.deepEqual([manifest.startedAt, manifest.endedAt], [clock.now(), clock.now()]);
    assert.equal(created.segments, 4);
    assert.equal(
      manifest.bytes,
      [...target.files].reduce(
        (sum, [name, bytes]) => sum + (name.includes('segments') ? bytes.length : 0),
        0,
      ),
    );
    for (const pointer of all) assert.deepEqual(await reader.pointer(pointer.key), pointer);
    for (const absent of ['', '/', '/a/b ', '/a0', '/zz', '/\u{1f601}'])
      assert.equal(await reader.pointer(absent), undefined);
    for (const prefix of ['', '/', '/a', '/a/', '/a/b', '/\u{1f600}', '/\uffff', '/none'])
      for (const after of [undefined, '', '/a/b', '/a/b ', '/é', '/\uffff', '/\u{1f601}']) {
        const expected = all.filter(
          ({ key }) =>
            key.startsWith(prefix) &&
            (after === undefined || Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0),
        );
        assert.deepEqual(await readAll(reader, prefix, after), expected, `${prefix} after ${after}`);
      }
  });

  test('an empty store has a backup, too', async () => {
    await using store = openStore();
    const target = new MemoryTarget();
    const { id, pointers } = await createBackup(store.context, target);
    assert.equal(pointers, 0);
    assert.deepEqual(await contentOf(target, id), []);
    await setPointer(store.storage, '/a', value('1'));
    const next = await createBackup(store.context, target, { since: id });
    assert.deepEqual(await contentOf(target, next.id), await allPointers(store.storage));
  });

  test('since another one it takes what changed, is new, or is gone, and is read as if it were whole', async () => {
    await using store = openStore();
    const { storage, context, clock } = store;
    await importAll(storage, manyPointers(500, context.random, clock.now()));
    await setPointer(storage, '/soon', { ...value('gone'), expiresAt: clock.seconds() + 10 });
    const target = new MemoryTarget();
    const base = await createBackup(context, target, { segmentLines: 100 });
    const before = await contentOf(target, base.id);
    clock.advance(60_000);
    await setPointer(storage, keyOf(7), value('changed'));
    await removePointer(storage, keyOf(8));
    await removePointer(storage, keyOf(9));
    await setPointer(storage, keyOf(9), value('another of the same name'));
    await setPointer(storage, '/new', value('new'));
    const next = await createBackup(context, target, { since: base.id, segmentLines: 2 });
    assert.deepEqual([next.lines, next.gone, next.pointers], [5, 2, 500]);
    const last = await createBackup(context, target, { since: next.id });
    assert.deepEqual([last.lines, last.segments, last.pointers], [0, 0, 500]);

    const all = await allPointers(storage);
    for (const id of [next.id, last.id]) {
      const reader = await openBackup(target, id);
      assert.deepEqual(await readAll(reader), all);
      assert.deepEqual(await reader.pointer(keyOf(7)), all[7]);
      assert.equal(await reader.pointer(keyOf(8)), undefined);
      assert.equal((await verifyBackup(target, id)).pointers, 500);
    }
    assert.deepEqual((await openBackup(target, last.id)).bases, [next.id, base.id]);
    assert.deepEqual(await contentOf(target, base.id), before);
  });

  test('what cannot be built on or resumed is refused, and nothing is registered', async () => {
    await using store = openStore();
    const { context } = store;
    const target = new MemoryTarget();
    const elsewhere = Object.assign(new MemoryTarget(), { location: 'memory://elsewhere' });
    const { id } = await createBackup(context, target);
    await assert.rejects(createBackup(context, target, { since: 'nope' }), StorageNotFoundError);
    await assert.rejects(createBackup(context, target, { resume: 'nope' }), StorageNotFoundError);
    await assert.rejects(createBackup(context, elsewhere, { since: id }), /has to lie there too/);
    await assert.rejects(createBackup(context, elsewhere, { resume: id }), /resume it there/);
    await assert.rejects(createBackup(context, target, { since: id, resume: id }), RecoveryRefusedError);
    assert.equal((await listBackups(context)).length, 1);
    // One that is complete has nothing left to do.
    assert.equal((await createBackup(context, target, { resume: id })).id, id);
  });

  test('a chain has an end', async () => {
    await using store = openStore();
    const target = new MemoryTarget();
    let { id } = await createBackup(store.context, target);
    for (let i = 1; i < 32; i++) ({ id } = await createBackup(store.context, target, { since: id }));
    assert.equal((await openBackup(target, id)).bases.length, 31);
    await assert.rejects(createBackup(store.context, target, { since: id }), /32th of its chain.*full one/);
  });

  test('backups are found at their target without the store, by their time', async () => {
    await using store = openStore();
    const { context, clock, storage } = store;
    const target = new MemoryTarget();
    assert.equal(await findBackup(target), undefined);
    const times: number[] = [];
    const ids: string[] = [];
    for (const i of [0, 1, 2]) {
      await setPointer(storage, `/p${i}`, value(''));
      const since = ids.at(-1);
      const { id, endedAt } = await createBackup(context, target, since === undefined ? {} : { since });
      times.push(endedAt);
      ids.push(id);
      clock.advance(1_000);
    }
    assert.deepEqual(
      (await listBackupsAt(target)).map(({ id, readable }) => [id, readable]),
      ids.map((id) => [id, true]),
    );
    assert.deepEqual((await findBackup(target))?.id, ids[2]);
    assert.deepEqual((await findBackup(target, { asOf: times[1] ?? 0 }))?.id, ids[1]);
    assert.equal(await findBackup(target, { asOf: (times[0] ?? 0) - 1 }), undefined);

    await using other = openStore(6);
    await createBackup({ ...other.context, random: context.random }, target);
    await assert.rejects(findBackup(target), /several stores/);
    const { storeId } = storage.layout;
    assert.equal((await findBackup(target, { storeId }))?.id, ids[2]);

    target.files.set(`${ids[2]}/manifest.jsonl.zst`, Buffer.from('rubbish'));
    const found = await findBackup(target, { storeId });
    assert.ok(found);
    assert.equal(found.id, ids[1]);
    assert.deepEqual(
      found.passedOver.map(({ id }) => id),
      [ids[2]],
    );
    target.files.delete(`${ids[0]}/manifest.jsonl.zst`);
    await assert.rejects(findBackup(target, { storeId }), /no backup .* can be used: .*builds on/);
  });
});

function keyOf(i: number): string {
  return `/accounts/acme/tables/by-id/${String(i).padStart(9, '0')}`;
}
