import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import type { CollectorName } from '@floecat/gc';
import { COLLECTORS } from '@floecat/gc';
import { relationNameKey } from '@floecat/repository';
import { openLocalStorage } from '@floecat/storage-local';
import { openMemoryStorage } from '@floecat/storage-memory';
import type { Storage } from '@floecat/storage-spi';
import { joinKey } from '@floecat/storage-spi';

import type { CrashPoint } from '../../repository/test/support/crash.ts';
import { crashAt } from '../../repository/test/support/crash.ts';
import { throughEveryCall } from './support/intercept.ts';
import { assertClean, assertWhole } from './support/oracle.ts';
import { GRACE_MS, HOUR_MS, NEW_TABLE, RETENTION_MS, World } from './support/world.ts';
import type { WorldOptions } from './support/world.ts';

type Open = NonNullable<WorldOptions['open']>;

/** Stores that a process can be restarted over. */
interface Restartable {
  readonly open: Open;
  readonly restart: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

const BACKENDS: readonly {
  readonly name: string;
  readonly make: () => Promise<Restartable>;
  /** Every so many of the crashes, unless in a soak. */
  readonly stride: number;
}[] = [
  { name: 'memory', make: onMemory, stride: 1 },
  { name: 'local', make: onLocal, stride: 37 },
];

/** A lake in which each collector has something of everything to do. */
async function untidyWorld(open: Open): Promise<World> {
  const world = await World.open({ open, settings: { tombstoneTtlMs: HOUR_MS } });
  const { clock, storage, random } = world;
  const { tables, namespaces } = world.repositories();
  const sales = await namespaces.require('lake', ['sales']);
  await world.addTable('gone', 'gone');
  await tables.drop(await tables.require('lake', ['sales'], 'gone'));
  await world.addTable('orders', 'one');
  clock.advance(GRACE_MS);
  await world.pass();
  clock.advance(RETENTION_MS);
  await world.pass();
  // A tombstone is alone by now. Next: blobs that are condemned, a name of nobody that was seen, a row that expires.
  await world.setMetadata('orders', 'two');
  await world.addTable('lines', 'one');
  await tables.drop(await tables.require('lake', ['sales'], 'lines'));
  const ghost = relationNameKey('acme', sales.owner.id, 'tables', 'ghost');
  await storage.pointers.compareAndSet(ghost, 0, { kind: 'value', value: random.uuid() });
  const record = joinKey('accounts', 'acme', 'idempotency', 'run');
  const expiresAt = Math.ceil(clock.now() / 1000) + 900;
  await storage.pointers.compareAndSet(record, 0, { kind: 'value', value: 'x', expiresAt });
  await tables.stage(sales, 'staged', { ...NEW_TABLE, metadata: Buffer.from('staged') });
  clock.advance(GRACE_MS);
  await world.pass();
  await world.collect('pointer');
  clock.advance(RETENTION_MS);
  // Due now; and what is new garbage since.
  await world.setMetadata('orders', 'three');
  await world.setMetadata('orders', 'four');
  clock.advance(GRACE_MS);
  return world;
}

/** Collects until nothing is left to do; fails where something is left then. */
async function tidyUp(world: World): Promise<void> {
  for (let round = 0; round < 6; round++) {
    world.clock.advance(GRACE_MS + RETENTION_MS);
    for (const collector of COLLECTORS) {
      const report = await world.collect(collector);
      assert.equal(report.outcome, 'done', JSON.stringify(report.problems));
      await assertWhole(world);
    }
  }
  await assertClean(world);
  for (const { key, state } of await world.pointers())
    assert.ok(state === undefined || state === 'LIVE', `${key} is ${state}`);
  const lists = new Set((await world.uris('/floecat/gc/')).map((uri) => uri.split('/')[4]));
  assert.ok(lists.size <= 1, `lists of passes that are over: ${[...lists].join(', ')}`);
  const { pointers: rows } = await world.storage.system.listPointersByPrefix('/leases/');
  assert.deepEqual(rows, []);
}

async function names(world: World): Promise<string[]> {
  return (await world.pointers()).map(({ key }) => key.replaceAll(/[0-9a-f-]{36}/g, '*')).toSorted();
}

for (const { name, make, stride } of BACKENDS)
  suite(`a crash at every store call of a collector, on ${name}`, () => {
    for (const [nth, collector] of COLLECTORS.entries())
      test(collector, async (t) => {
        const { calls, left } = await undisturbed(make, collector);
        const all = Array.from({ length: calls }, (_, i) => i + 1).flatMap((call): CrashPoint[] => [
          { call, when: 'before' },
          { call, when: 'after' },
        ]);
        const every = process.env['FLOECAT_SOAK'] === undefined ? stride : 1;
        const points = all.filter((_, i) => i % every === nth % every);
        for (const point of points)
          await survives(make, collector, left, point).catch((cause: unknown) => {
            throw new Error(`crashed ${point.when} call ${point.call} of ${calls}`, { cause });
          });
        t.diagnostic(`${name}: ${collector}: ${points.length} of ${all.length} crashes`);
      });
  });

async function undisturbed(
  make: () => Promise<Restartable>,
  collector: CollectorName,
): Promise<{ calls: number; left: readonly string[] }> {
  const stores = await make();
  try {
    await using world = await untidyWorld(stores.open);
    const counting = crashAt();
    const before = (await world.versions()).length + (await world.pointers()).length;
    const report = await world.collect(collector, {
      storage: throughEveryCall(world.storage, counting.intercept),
    });
    assert.equal(report.outcome, 'done', JSON.stringify(report.problems));
    assert.ok(
      (await world.versions()).length + (await world.pointers()).length < before,
      'it had work to do',
    );
    await tidyUp(world);
    return { calls: counting.calls(), left: await names(world) };
  } finally {
    await stores.remove();
  }
}

async function survives(
  make: () => Promise<Restartable>,
  collector: CollectorName,
  left: readonly string[],
  point: CrashPoint,
): Promise<void> {
  const stores = await make();
  try {
    await using world = await untidyWorld(stores.open);
    const crash = crashAt(point);
    // It may have ended already, where only its lease was still to be given back.
    await world
      .collect(collector, { storage: throughEveryCall(world.storage, crash.intercept) })
      .catch(() => undefined);
    assert.ok(crash.reached());
    await stores.restart();
    await assertWhole(world);
    await tidyUp(world);
    assert.equal(await world.metadataOf('orders'), 'four');
    assert.deepEqual(await names(world), left);
  } finally {
    await stores.remove();
  }
}

async function onMemory(): Promise<Restartable> {
  return {
    open: async (options) => openMemoryStorage(options),
    restart: async () => undefined,
    remove: async () => undefined,
  };
}

/** Whoever holds these stores has those of the process that runs now. */
async function onLocal(): Promise<Restartable> {
  const dataDir = await mkdtemp(join(tmpdir(), 'floecat-gc-crash-'));
  let current: Storage;
  let open: () => Promise<Storage>;
  return {
    open: async (options) => {
      open = () => openLocalStorage({ ...options, dataDir, flush: false });
      current = await open();
      const close = (): Promise<void> => current.close();
      return {
        get pointers() {
          return current.pointers;
        },
        get system() {
          return current.system;
        },
        get blobs() {
          return current.blobs;
        },
        get secrets() {
          return current.secrets;
        },
        get layout() {
          return current.layout;
        },
        close,
        [Symbol.asyncDispose]: close,
      };
    },
    restart: async () => {
      await current.close();
      current = await open();
    },
    remove: () => rm(dataDir, { recursive: true, force: true }),
  };
}
