import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { suite, test } from 'node:test';

import { ownerById } from '@floecat/repository';
import { openLocalStorage } from '@floecat/storage-local';

import { intercept } from './support/intercept.ts';
import { assertClean, assertWhole } from './support/oracle.ts';
import { putStrayRoot } from './support/raw-roots.ts';
import { GRACE_MS, RETENTION_MS, World } from './support/world.ts';

const NOBODY = ownerById('acme', 'tables', 'nobody');

async function openLocal(t: TestContext): Promise<{ world: World; dataDir: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'floecat-gc-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const world = await World.open({
    open: (options) => openLocalStorage({ ...options, dataDir, flush: false }),
  });
  return { world, dataDir };
}

void suite('collectors on the embedded store', () => {
  test('a whole life: garbage, a drop, orphans, a tombstone; what is left is what is needed', async (t) => {
    const { world } = await openLocal(t);
    await using _ = world;
    for (let i = 0; i < 5; i++) await world.addTable(`t${i}`, `first ${i}`);
    for (let i = 0; i < 5; i++) await world.setMetadata(`t${i}`, `second ${i}`);
    const { tables } = world.repositories();
    await tables.drop(await tables.require('lake', ['sales'], 't4'));
    const cas = { ...world.settings.cas, pageSize: 7, sliceMs: 0 };
    for (let i = 0; i < 8; i++) {
      world.clock.advance(GRACE_MS + RETENTION_MS);
      for (const collector of ['idempotency', 'pointer', 'cas'] as const) {
        const report = await world.collect(collector, { settings: { cas } });
        assert.equal(report.outcome, 'done', JSON.stringify(report.problems));
      }
      await assertWhole(world);
    }
    await assertClean(world);
    assert.equal((await world.pointers('/accounts/acme/tables/')).length, 4);
    for (let i = 0; i < 4; i++) assert.equal(await world.metadataOf(`t${i}`), `second ${i}`);
  });

  test('1 and 2. a blob that is put again and committed right before the deletes survives', async (t) => {
    for (const method of ['supportsVersionedDeletes', 'deleteVersion'] as const) {
      const { world } = await openLocal(t);
      await using _ = world;
      await world.addTable('orders', 'one');
      await world.setMetadata('orders', 'two');
      world.clock.advance(GRACE_MS);
      await world.pass();
      world.clock.advance(RETENTION_MS);
      let again: Promise<unknown> | undefined;
      let calls = 0;
      const nth = method === 'deleteVersion' ? 1 : 2;
      const storage = intercept(world.storage, {
        blobs: (real) => ({
          [method]: async (...args: never[]) => {
            if (++calls >= nth) await (again ??= world.setMetadata('orders', 'one'));
            return (real[method] as (...given: never[]) => Promise<unknown>)(...args);
          },
        }),
      });
      assert.ok(((await world.pass({ storage }))['deleted'] ?? 0) > 0);
      assert.equal(await world.metadataOf('orders'), 'one');
      await assertWhole(world);
    }
  });

  test('8. blobs whose marker names another table, or none, are not touched', async (t) => {
    const { world, dataDir } = await openLocal(t);
    await using _ = world;
    await putStrayRoot(world.storage, NOBODY, 'garbage');
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    const path = join(dataDir, 'blobs', '.floecat', 'store.json');
    const marker = JSON.parse(await readFile(path, 'utf8')) as { epoch: number };
    const before = await world.versions();
    await writeFile(path, JSON.stringify({ ...marker, epoch: marker.epoch + 1 }));
    const report = await world.collect('cas');
    assert.equal(report.outcome, 'failed');
    assert.deepEqual([report.problems[0]?.code], ['STORAGE_MISCONFIGURED']);
    assert.match(report.problems[0]?.message ?? '', /not those of this pointer table/);
    assert.deepEqual(await world.versions(), before);
    await writeFile(path, JSON.stringify(marker));
    // Changed between the mark and the deletes.
    const storage = intercept(world.storage, {
      blobs: (real) => ({
        markLost: async (...args) => {
          await writeFile(path, JSON.stringify({ ...marker, epoch: marker.epoch + 1 }));
          return real.markLost(...args);
        },
      }),
    });
    await putStrayRoot(world.storage, NOBODY, 'more');
    world.clock.advance(GRACE_MS);
    assert.equal((await world.collect('cas', { storage })).outcome, 'failed');
    assert.equal((await world.uris(NOBODY.blobPrefix)).length, 2);
    await writeFile(path, JSON.stringify(marker));
    await world.pass();
    assert.equal((await world.uris(NOBODY.blobPrefix)).length, 1);
  });

  test('6. a root whose stored bytes were damaged poisons the pass', async (t) => {
    const { world, dataDir } = await openLocal(t);
    await using _ = world;
    const { pointer } = await world.addTable('orders', 'one');
    await putStrayRoot(world.storage, NOBODY, 'garbage');
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    assert.ok(pointer.kind === 'blob');
    const { versionId } = await world.storage.blobs.head(pointer.blobUri);
    const file = join(dataDir, 'blobs', ...pointer.blobUri.slice(1).split('/'), versionId);
    const bytes = await readFile(file);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(file, bytes);
    const before = await world.versions();
    const report = await world.collect('cas');
    assert.deepEqual([report.outcome, report.problems[0]?.code], ['failed', 'STORAGE_CORRUPTION']);
    assert.deepEqual(await world.versions(), before);
  });

  test('what a collector remembers outlives the process', async (t) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'floecat-gc-'));
    t.after(() => rm(dataDir, { recursive: true, force: true }));
    const world = await World.open({
      open: (options) => openLocalStorage({ ...options, dataDir, flush: false }),
    });
    const { clock, random } = world;
    await putStrayRoot(world.storage, NOBODY, 'garbage');
    clock.advance(GRACE_MS);
    await world.pass();
    await world.storage.close();
    clock.advance(RETENTION_MS);
    await using storage = await openLocalStorage({ dataDir, clock, random, flush: false });
    const report = await world.collect('cas', { storage });
    assert.equal(report.counts['deleted'], 1);
  });
});
