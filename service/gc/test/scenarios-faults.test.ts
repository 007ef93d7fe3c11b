import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { create, toBinary } from '@bufbuild/protobuf';
import { TableSchema } from '@floecat/proto/resources';
import { ownerById, relationNameKey } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import {
  StorageAccessDeniedError,
  StorageMisconfiguredError,
  StorageUnavailableError,
  StorageUnknownOutcomeError,
} from '@floecat/storage-spi';

import { intercept, onEveryCall } from './support/intercept.ts';
import { assertClean, assertWhole } from './support/oracle.ts';
import { putPayload, putStrayRoot, writeTable } from './support/raw-roots.ts';
import { DAY_MS, GRACE_MS, RETENTION_MS, World } from './support/world.ts';

const NOBODY = ownerById('acme', 'tables', 'nobody');

/** A world with one blob that is due at the next pass, another that was just condemned, and one that is not yet. */
async function withGarbage(): Promise<{ world: World; due: string }> {
  const world = await World.open();
  await world.addTable('orders', 'one');
  const due = await putStrayRoot(world.storage, NOBODY, 'due');
  world.clock.advance(GRACE_MS);
  await world.pass();
  await putStrayRoot(world.storage, NOBODY, 'condemned');
  world.clock.advance(RETENTION_MS);
  return { world, due };
}

const ERRORS: readonly (() => Error)[] = [
  () => new StorageUnavailableError('throttled'),
  () => new StorageAccessDeniedError('s3:ListBucket is not allowed'),
  () => new StorageMisconfiguredError('the bucket is gone'),
  () => new Error('socket hang up'),
];

/** A blob of an owner that none of the roots belongs to. */
function payload(world: World) {
  return putPayload(world.storage, NOBODY, 'of another owner');
}

void suite('fault catalogue 4: faults', () => {
  test('5. a walk of the owners that fails right before the deletes deletes nothing', async () => {
    for (const error of ERRORS) {
      const { world } = await withGarbage();
      await using _ = world;
      const before = await world.versions();
      let sweeps = false;
      const storage = onEveryCall(world.storage, (name) => {
        // The pardons are read again before each batch; then come the owners.
        sweeps ||= name === 'blobs.markLost';
        if (sweeps && name === 'pointers.getBatch') throw error();
      });
      const report = await world.collect('cas', { storage });
      assert.ok(sweeps);
      assert.equal(report.outcome, 'failed');
      assert.deepEqual(await world.versions(), before);
      assert.ok(((await world.pass())['deleted'] ?? 0) > 0);
    }
  });

  for (const method of ['pointers.listPointersByPrefix', 'blobs.listVersions', 'blobs.getBatch'] as const)
    test(`5. a mark whose ${method} fails, whichever call and however, ends with nothing condemned or deleted`, async () => {
      for (const error of ERRORS)
        for (const nth of [1, 2, 3]) {
          const { world, due } = await withGarbage();
          await using _ = world;
          const before = await world.versions();
          const marks = await lostMarks(world);
          let calls = 0;
          let failed = false;
          const storage = onEveryCall(world.storage, (name) => {
            if (name !== method || ++calls !== nth) return;
            failed = true;
            throw error();
          });
          const cas = { ...world.settings.cas, pageSize: 1 };
          const report = await world.collect('cas', { storage, settings: { cas }, accounts: ['acme'] });
          assert.ok(failed, `call ${nth} was made`);
          assert.equal(report.outcome, 'failed');
          assert.equal(report.problems[0]?.message, error().message);
          assert.deepEqual(await world.versions(), before);
          assert.deepEqual(await lostMarks(world), marks, 'nothing new is marked as lost');
          const { newlyCondemned, deleted } = await world.pass();
          // Due are that blob and the root of the staged table.
          assert.deepEqual([newlyCondemned, deleted], [1, 2], 'the next pass does what this one did not');
          assert.ok(!(await world.uris()).includes(due));
        }
    });

  void test('6. a root that is damaged, gone, newer, of another message or owner, or that names a blob of another, poisons the pass', async () => {
    const cases: [string, RegExp, (world: World, base: Base) => Promise<unknown>][] = [
      [
        'gone',
        /is gone/,
        async (world, base) => deleteAll(world, (await writeTable(world.storage, base)).key),
      ],
      [
        'damaged',
        /does not parse|no envelope/,
        (world, base) => leadTo(world, base, Buffer.from([0xff, 0xff])),
      ],
      [
        'newer envelope',
        /newer/,
        (world, base) => writeTable(world.storage, { ...base, envelope: { format: 2 } }),
      ],
      [
        'newer schema',
        /newer/,
        (world, base) => writeTable(world.storage, { ...base, envelope: { schemaVersion: 9 } }),
      ],
      [
        'unknown message',
        /floecat\.v9\.Policy/,
        (world, base) =>
          writeTable(world.storage, { ...base, envelope: { messageType: 'floecat.v9.Policy' } }),
      ],
      [
        'another owner',
        /belongs to/,
        (world, base) =>
          writeTable(world.storage, { ...base, envelope: { owner: '/accounts/acme/tables/by-id/x' } }),
      ],
      [
        'another write',
        /of another write/,
        (world, base) => writeTable(world.storage, { ...base, envelope: { version: 7n } }),
      ],
      [
        'foreign reference',
        /another owner's/,
        async (world, base) => writeTable(world.storage, { ...base, references: [await payload(world)] }),
      ],
      [
        'unreadable resource',
        /does not parse/,
        (world, base) => writeTable(world.storage, { ...base, resource: Buffer.from([0x0a, 0xff]) }),
      ],
      [
        'a payload that is gone',
        /names .* is gone/,
        (world, base) =>
          writeTable(world.storage, {
            ...base,
            references: [`${NOBODY.blobPrefix.replace('nobody', 'bad')}metadata/${'a'.repeat(64)}.pb`],
          }),
      ],
      ['a value', /holds a value/, (world) => asValue(world)],
    ];
    for (const [name, message, spoil] of cases) {
      const { world } = await withGarbage();
      await using _ = world;
      await spoil(world, { id: 'bad', writeId: world.random.uuid() });
      const before = await world.versions();
      const report = await world.collect('cas');
      assert.equal(report.outcome, 'failed', name);
      assert.match(report.problems[0]?.message ?? '', message, name);
      assert.deepEqual(await world.versions(), before, name);
    }
  });

  void test('6. a row that this version cannot even read ends the pass too', async () => {
    const { world } = await withGarbage();
    await using _ = world;
    const storage = intercept(world.storage, {
      pointers: (real) => ({
        listPointersByPrefix: async (prefix, options) => {
          const page = await real.listPointersByPrefix(prefix, options);
          if (page.pointers.some(({ key }) => key.includes('/namespaces/by-id/')))
            throw new StorageMisconfiguredError('the row has kind "tree", which this version does not know');
          return page;
        },
      }),
    });
    const before = await world.versions();
    for (const collector of ['cas', 'pointer'] as const) {
      const report = await world.collect(collector, { storage });
      assert.equal(report.outcome, 'failed');
    }
    assert.deepEqual(await world.versions(), before);
  });

  void test('9. a crash after any call of any collector: the next run is safe and finishes the work', async () => {
    let crashes = 0;
    for (let nth = 1; ; nth++) {
      const world = await scene();
      await using _ = world;
      let calls = 0;
      const dying = onEveryCall(world.storage, () => {
        if (++calls >= nth) throw new Crash();
      });
      let crashed = false;
      for (const collector of ['idempotency', 'pointer', 'cas'] as const)
        try {
          const report = await world.collect(collector, { storage: dying });
          crashed ||= report.outcome === 'failed';
        } catch (error) {
          assert.ok(error instanceof Crash, String(error));
          crashed = true;
        }
      await assertWhole(world);
      if (!crashed) break;
      crashes++;
      // A lease that nobody gave back runs out; every retention and grace does.
      for (let round = 0; round < 4; round++) {
        world.clock.advance(RETENTION_MS + 31 * DAY_MS);
        for (const collector of ['idempotency', 'pointer', 'cas'] as const) {
          const report = await world.collect(collector);
          assert.equal(report.outcome, 'done', JSON.stringify(report.problems));
        }
        await assertWhole(world);
      }
      await assertClean(world);
      assert.deepEqual(
        (await world.pointers('/accounts/acme/tables/')).map(({ state }) => state),
        ['LIVE'],
      );
      assert.deepEqual(
        (await world.uris('/floecat/gc/')).filter((uri) => uri.includes('begin')).length <= 1,
        true,
      );
    }
    assert.ok(crashes > 60, `${crashes} crashes`);
  });

  void test('13. deletes that fail, or whose answer is lost, are made up for by the next pass', async () => {
    for (const [error, applied] of [
      [new StorageUnavailableError('slow down'), false],
      [new StorageUnknownOutcomeError('no answer'), true],
    ] as const) {
      await using world = await World.open();
      const uris: string[] = [];
      for (let i = 0; i < 10; i++) uris.push(await putStrayRoot(world.storage, NOBODY, `${i}`));
      world.clock.advance(GRACE_MS);
      await world.pass();
      world.clock.advance(RETENTION_MS);
      const bad = new Set(uris.slice(0, 4));
      const storage = intercept(world.storage, {
        blobs: (real) => ({
          deleteVersion: async (uri, ...rest) => {
            if (!bad.has(uri) || applied) await real.deleteVersion(uri, ...rest);
            if (bad.has(uri)) throw error;
          },
        }),
      });
      const report = await world.collect('cas', { storage });
      assert.equal(report.outcome, 'failed');
      assert.deepEqual([report.counts['deleted'], report.counts['failed']], [6, 4]);
      assert.equal((await world.uris(NOBODY.blobPrefix)).length, applied ? 0 : 4);
      const { deleted } = await world.pass();
      assert.equal(deleted, applied ? 0 : 4);
      assert.deepEqual(await world.uris(NOBODY.blobPrefix), []);
    }
  });

  void test('13. versions of one blob go oldest first, and none goes while an older one could not', async () => {
    await using world = await World.open();
    const uri = await putStrayRoot(world.storage, NOBODY, 'again');
    for (let i = 0; i < 3; i++) await putStrayRoot(world.storage, NOBODY, 'again');
    const oldestFirst = (await world.versions(uri)).map(({ versionId }) => versionId).toReversed();
    world.clock.advance(GRACE_MS);
    await world.pass();
    world.clock.advance(RETENTION_MS);
    const asked: string[] = [];
    const storage = intercept(world.storage, {
      blobs: (real) => ({
        deleteVersion: async (which, versionId, options) => {
          if (which === uri) asked.push(versionId);
          if (versionId === oldestFirst[1]) throw new StorageUnavailableError('slow down');
          await real.deleteVersion(which, versionId, options);
        },
      }),
    });
    const { counts } = await world.collect('cas', { storage });
    assert.deepEqual(asked, oldestFirst.slice(0, 2));
    assert.deepEqual([counts['deleted'], counts['failed']], [1, 3]);
    await world.pass();
    assert.deepEqual(await world.versions(uri), []);
  });

  void test('14. a blob of unknown shape is never deleted, and is told', async () => {
    await using world = await World.open();
    const digest = 'b'.repeat(64);
    const odd = [
      '/accounts/acme/policies/p1/notes.txt',
      '/accounts/acme/tables/t1/readme.md',
      '/accounts/acme/tables/readme.md',
      '/accounts/acme/statistics/t1/12/x.bin',
      '/accounts/acme/tables/%zz/x.bin',
      '/accounts/acme/accounts/other/x.bin',
      `/accounts/acme/${digest}.bin`,
      '/somewhere/else',
    ];
    for (const uri of odd) await world.storage.blobs.put(uri, Buffer.from(uri));
    for (let i = 0; i < 3; i++) {
      world.clock.advance(GRACE_MS + RETENTION_MS);
      const { unknown, condemned } = await world.pass();
      assert.deepEqual([unknown, condemned], [7, 0]);
    }
    const uris = await world.uris('/');
    for (const uri of odd) assert.ok(uris.includes(uri), uri);
  });

  void test('14. a pointer of unknown shape ends the pass of its account with nothing deleted', async () => {
    const odd: [string, 'value' | 'blob'][] = [
      ['/accounts/acme/policies/by-id/p1', 'blob'],
      ['/accounts/acme/tables/by-id/t/extra', 'blob'],
      ['/accounts/acme/tables/t/snapshots/by-id/12/statistics', 'blob'],
      ['/accounts/acme/tables/t/snapshots/by-id/0000000000000000012/histogram', 'blob'],
      ['/accounts/acme/tables/by-id/%7e', 'blob'],
      ['/accounts/acme/tables/by-id/held-by-value', 'value'],
      ['/accounts/acme/catalogs/by-name/leads-to-a-blob', 'blob'],
    ];
    for (const [key, kind] of odd) {
      await using world = await World.open();
      const { namespaces } = world.repositories();
      const sales = await namespaces.require('lake', ['sales']);
      const orphan = relationNameKey('acme', sales.owner.id, 'tables', 'ghost');
      await world.storage.pointers.compareAndSet(orphan, 0, { kind: 'value', value: 'nobody' });
      await world.storage.pointers.compareAndSet(
        key,
        0,
        kind === 'value' ? { kind, value: 'x' } : { kind, blobUri: '/x' },
      );
      for (let i = 0; i < 3; i++) {
        world.clock.advance(GRACE_MS);
        const report = await world.collect('pointer');
        assert.equal(report.outcome, 'failed', key);
        assert.match(report.problems[0]?.message ?? '', /no shape that this version knows/);
      }
      assert.ok(await world.storage.pointers.get(orphan), key);
      assert.ok(await world.storage.pointers.get(key), key);
    }
  });
});

class Crash extends Error {}

/** Something for every collector to do: expired records, orphans, a staged table, a tombstone, garbage. */
async function scene(): Promise<World> {
  const world = await World.open();
  const { storage } = world;
  await world.addTable('orders', 'one');
  await world.setMetadata('orders', 'two');
  const { tables, namespaces } = world.repositories();
  const gone = await world.addTable('gone', 'gone');
  await tables.drop(gone.owner.id);
  const sales = await namespaces.require('lake', ['sales']);
  const staged = { tableUuid: 'x', location: 's3://x', metadataLocation: 's3://x', formatVersion: 2 };
  await tables.stage(sales, 'staged', {
    ...staged,
    snapshotCount: 0n,
    lastUpdatedMs: 0n,
    metadata: Buffer.from('staged'),
  });
  await storage.pointers.compareAndSet(relationNameKey('acme', sales.owner.id, 'tables', 'ghost'), 0, {
    kind: 'value',
    value: 'nobody',
  });
  await storage.pointers.compareAndSet('/accounts/acme/idempotency/7f/key', 0, {
    kind: 'value',
    value: '{}',
    expiresAt: world.clock.seconds() + 900,
  });
  world.clock.advance(2 * GRACE_MS);
  for (const collector of ['pointer', 'cas'] as const) await world.collect(collector);
  world.clock.advance(RETENTION_MS);
  return world;
}

interface Base {
  readonly id: string;
  readonly writeId: string;
}

async function leadTo(world: World, { id }: Base, bytes: Uint8Array): Promise<void> {
  const owner = ownerById('acme', 'tables', id);
  const { createHash } = await import('node:crypto');
  const uri = `${owner.blobPrefix}${createHash('sha256').update(bytes).digest('hex')}.pb`;
  await world.storage.blobs.put(uri, bytes);
  await world.storage.pointers.compareAndSet(owner.key, 0, { kind: 'blob', blobUri: uri, state: 'LIVE' });
}

async function asValue(world: World): Promise<void> {
  const owner = ownerById('acme', 'tables', 'bad');
  const value = Buffer.from(toBinary(TableSchema, create(TableSchema, { id: 'bad' }))).toString('base64');
  await world.storage.pointers.compareAndSet(owner.key, 0, { kind: 'value', value });
}

async function deleteAll({ storage }: World, key: string): Promise<void> {
  const row = (await storage.pointers.get(key)) as Pointer & { kind: 'blob' };
  await storage.blobs.delete(row.blobUri);
}

async function lostMarks(world: World): Promise<string[]> {
  const marked: string[] = [];
  for (const uri of await world.uris())
    if (Object.keys((await world.storage.blobs.head(uri)).tags).length > 0) marked.push(uri);
  return marked;
}
