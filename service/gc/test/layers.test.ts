import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { SafetyLayer } from '@floecat/gc/testing';
import { ownerById } from '@floecat/repository';
import type { OwnerRef } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';

import { intercept } from './support/intercept.ts';
import { assertWhole } from './support/oracle.ts';
import { putPayload, writeTable } from './support/raw-roots.ts';
import { DAY_MS, GRACE_MS, NEW_TABLE, RETENTION_MS, World } from './support/world.ts';

/** One life in which `layer` alone, of those that are not taken out anyway, stands between a collector and a loss. */
interface Life {
  readonly layer: SafetyLayer;
  readonly what: string;
  /** Layers that would make up for it. */
  readonly masks?: readonly SafetyLayer[];
  readonly run: (world: World, collect: Collect) => Promise<void>;
}

type Collect = (storage?: Storage) => Promise<unknown>;

const OWNER: OwnerRef = ownerById('acme', 'tables', 'by-hand');

/** A table by hand that names `payload` at version 1 and at version 2 nothing. */
async function twoVersions(
  world: World,
): Promise<{ payload: string; rewrite: (names: boolean) => Promise<void> }> {
  const payload = await putPayload(world.storage, OWNER, 'payload');
  let over = await writeTable(world.storage, {
    id: OWNER.id,
    references: [payload],
    writeId: world.random.uuid(),
  });
  const rewrite = async (names: boolean): Promise<void> => {
    const references = names ? [payload] : [];
    over = await writeTable(world.storage, { id: OWNER.id, over, references, writeId: world.random.uuid() });
  };
  await rewrite(false);
  return { payload, rewrite };
}

const LIVES: readonly Life[] = [
  {
    layer: 'version-in-delete',
    what: 'a blob that is put again between the last look and the delete',
    run: async (world, collect) => {
      await world.addTable('orders', 'one');
      await world.setMetadata('orders', 'two');
      world.clock.advance(GRACE_MS);
      await collect();
      world.clock.advance(RETENTION_MS);
      let again: Promise<unknown> | undefined;
      const chunkAgain = (): Promise<unknown> => (again ??= world.setMetadata('orders', 'one'));
      const before = (real: Storage['blobs']): Partial<Storage['blobs']> => ({
        deleteVersion: async (...args) => chunkAgain().then(() => real.deleteVersion(...args)),
        delete: async (...args) => chunkAgain().then(() => real.delete(...args)),
      });
      await collect(intercept(world.storage, { blobs: before }));
      assert.ok(again);
    },
  },
  {
    layer: 'rewalk',
    what: 'a blob that is referenced again between mark and sweep',
    run: async (world, collect) => {
      const { rewrite } = await twoVersions(world);
      world.clock.advance(GRACE_MS);
      await collect();
      world.clock.advance(RETENTION_MS);
      let calls = 0;
      const blobs = (real: Storage['blobs']): Partial<Storage['blobs']> => ({
        supportsVersionedDeletes: async (...args) => {
          if (++calls === 2) await rewrite(true);
          return real.supportsVersionedDeletes(...args);
        },
      });
      await collect(intercept(world.storage, { blobs }));
      assert.ok(calls >= 2);
    },
  },
  {
    layer: 'grace',
    what: 'the blobs of a change that is not committed yet',
    masks: ['retention'],
    run: async (world, collect) => {
      const { namespaces } = world.repositories();
      const sales = await namespaces.require('lake', ['sales']);
      const held = intercept(world.storage, {
        pointers: (real) => ({
          compareAndSetBatch: async (...args) => {
            await collect();
            return real.compareAndSetBatch(...args);
          },
        }),
      });
      const { tables } = world.repositories('acme', held);
      await tables.stage(sales, 'orders', { ...NEW_TABLE, metadata: Buffer.from('x') });
    },
  },
  {
    layer: 'retention',
    what: 'the blobs of a pointer that is brought back',
    run: async (world, collect) => {
      const { owner } = await world.addTable('orders', 'one');
      const rows = await world.pointers(owner.key);
      await world.setMetadata('orders', 'two');
      world.clock.advance(GRACE_MS);
      await collect();
      const now = await world.storage.pointers.get(owner.key);
      assert.ok(now);
      await world.storage.pointers.compareAndDelete(owner.key, now);
      await world.storage.pointers.importPointers(rows, 'if-absent');
    },
  },
  {
    layer: 'unreferenced-since',
    what: 'a blob that was referenced in between, whose pointer is brought back',
    run: async (world, collect) => {
      const { rewrite } = await twoVersions(world);
      world.clock.advance(GRACE_MS);
      await collect();
      await rewrite(true);
      const rows = await world.pointers(OWNER.key);
      world.clock.advance(3 * DAY_MS);
      await collect();
      await rewrite(false);
      world.clock.advance(DAY_MS);
      await collect();
      world.clock.advance(RETENTION_MS - 2 * DAY_MS);
      // Condemned for six days, not seven: it was needed in between.
      await collect();
      const now = await world.storage.pointers.get(OWNER.key);
      assert.ok(now);
      await world.storage.pointers.compareAndDelete(OWNER.key, now);
      await world.storage.pointers.importPointers(rows, 'if-absent');
    },
  },
  {
    layer: 'abort-on-failed-page',
    what: 'the owners of a page that cannot be read',
    masks: ['rewalk', 'confirm-absence', 'retention'],
    run: async (world, collect) => {
      for (let i = 0; i < 5; i++) await world.addTable(`t${i}`, `${i}`);
      world.clock.advance(GRACE_MS);
      await collect(intercept(world.storage, { pointers: failing }));
    },
  },
  {
    layer: 'confirm-absence',
    what: 'an owner that a listing passes over',
    masks: ['rewalk', 'retention'],
    run: async (world, collect) => {
      for (let i = 0; i < 5; i++) await world.addTable(`t${i}`, `${i}`);
      world.clock.advance(GRACE_MS);
      await collect(intercept(world.storage, { pointers: skipping }));
    },
  },
];

/** Pages of tables cannot be read. */
function failing(real: Storage['pointers']): Partial<Storage['pointers']> {
  return {
    listPointersByPrefix: (prefix, options) =>
      prefix.endsWith('/tables/by-id/')
        ? Promise.reject(new Error('throttled'))
        : real.listPointersByPrefix(prefix, options),
  };
}

/** Pages of tables lack their first one. */
function skipping(real: Storage['pointers']): Partial<Storage['pointers']> {
  return {
    listPointersByPrefix: async (prefix, options) => {
      const page = await real.listPointersByPrefix(prefix, options);
      return prefix.endsWith('/tables/by-id/') ? { ...page, pointers: page.pointers.slice(1) } : page;
    },
  };
}

/** A world after the life of a layer, collected without some of them. */
async function live({ run }: Life, without: readonly SafetyLayer[]): Promise<World> {
  const world = await World.open();
  await run(world, (storage) =>
    world.collect('cas', { without, ...(storage && { storage }), accounts: ['acme'] }),
  );
  return world;
}

void suite('every layer of the safety is needed', () => {
  for (const life of LIVES) {
    const { layer, what, masks = [] } = life;
    test(`${layer}: without it, ${what} would be lost`, async () => {
      await using whole = await live(life, masks);
      await assertWhole(whole);
      await using broken = await live(life, [...masks, layer]);
      await assert.rejects(assertWhole(broken), { code: 'STORAGE_NOT_FOUND' });
    });
  }
});
