import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { OwnerState } from '@floecat/proto/envelope';
import { TableSchema } from '@floecat/proto/resources';
import type { FindingKind } from '@floecat/recovery';
import { FINDINGS, verify } from '@floecat/recovery';
import type { LoadedTable } from '@floecat/repository';
import { ownerById, relationNameKey, snapshotOwner } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';
import { StorageCorruptionError } from '@floecat/storage-spi';

import { intercept } from '../../../gc/test/support/intercept.ts';
import { NEW_TABLE } from '../../../repository/test/support.ts';
import { LOCAL, MEMORY } from '../support/backends.ts';
import { rewriteRoot } from '../support/rewrite-root.ts';
import type { VerifyWorld } from '../support/verify-world.ts';
import { openVerifyWorld, told, verified } from '../support/verify-world.ts';

const DAY_MS = 24 * 3_600_000;

/** Breaks something, and answers what is to be told, and nothing else: kind, and key or URI. */
type Provoke = (world: VerifyWorld) => Promise<(readonly [kind: FindingKind, where: string])[]>;

function tableOf({ world }: VerifyWorld, levels: readonly string[], name: string): Promise<LoadedTable> {
  return world.repositories.tables.require('lake', levels, name);
}

function rootOf({ pointer }: { readonly pointer: Pointer }): string {
  return pointer.kind === 'blob' ? pointer.blobUri : '';
}

function metadataOf({ resource }: LoadedTable): string {
  return resource.metadata[0]?.uri ?? '';
}

function nameOf({ resource: { namespaceId, name } }: LoadedTable): string {
  return relationNameKey('acme', namespaceId, 'tables', name);
}

/** Replaces a row, whatever it is. */
async function replace(world: VerifyWorld, key: string, value: string): Promise<void> {
  const { pointers } = world.context.storage;
  const result = await pointers.compareAndSet(key, (await pointers.get(key)) ?? 0, { kind: 'value', value });
  assert.ok(result.applied);
}

async function remove(world: VerifyWorld, key: string): Promise<void> {
  const { pointers } = world.context.storage;
  const row = await pointers.get(key);
  assert.ok(row && (await pointers.compareAndDelete(key, row)).applied);
}

const PROVOKED: readonly (readonly [name: string, provoke: Provoke])[] = [
  [
    'a root that was deleted',
    async (world) => {
      const uri = rootOf(await tableOf(world, ['sales'], 'lines'));
      await world.context.storage.blobs.delete(uri);
      return [['root-missing', uri]];
    },
  ],
  [
    'a root that was damaged, among many that are whole',
    async (world) => {
      const uri = rootOf(await tableOf(world, ['sales'], 'lines'));
      await world.damage(uri);
      return [['root-damaged', uri]];
    },
  ],
  [
    'a pointer that leads to an older root',
    async (world) => {
      const { pointer } = await tableOf(world, ['sales'], 'lines');
      const next = { kind: 'blob', blobUri: rootOf({ pointer }), state: 'LIVE' } as const;
      await world.context.storage.pointers.compareAndSet(pointer.key, pointer, next);
      return [['root-mismatch', next.blobUri]];
    },
  ],
  [
    'a table whose name is not the one of its resource',
    async (world) => {
      const { pointer } = await tableOf(world, ['sales'], 'lines');
      await rewriteRoot(world.context.storage, pointer, TableSchema, (_, table) => void (table.name = 'x'));
      return [['root-mismatch', pointer.key]];
    },
  ],
  [
    'metadata that was deleted',
    async (world) => {
      const uri = metadataOf(await tableOf(world, ['sales'], 'lines'));
      await world.context.storage.blobs.delete(uri);
      return [['blob-missing', uri]];
    },
  ],
  [
    'metadata and a chunk that were damaged',
    async (world) => {
      const table = await tableOf(world, ['hr'], 'chunked');
      const bundle = await world.world.repositories.snapshots.bundle(table, 7n);
      const uris = [metadataOf(table), bundle?.resource.chunks[1]?.uri ?? ''];
      for (const uri of uris) await world.damage(uri);
      return uris.map((uri) => ['blob-damaged', uri]);
    },
  ],
  [
    'a chunk that lists other files than its bundle says',
    async (world) => {
      const { context, world: law } = world;
      const table = await tableOf(world, ['hr'], 'chunked');
      const bundle = await law.repositories.snapshots.bundle(table, 7n);
      assert.ok(bundle);
      const { ScanBundleSchema } = await import('@floecat/proto/snapshots');
      await rewriteRoot(context.storage, bundle.pointer, ScanBundleSchema, (_, { chunks }) => {
        if (chunks[2]) chunks[2].fileCount = 5n;
      });
      return [['blob-damaged', bundle.resource.chunks[2]?.uri ?? '']];
    },
  ],
  [
    "a root that names another owner's blob",
    async (world) => {
      const foreign = metadataOf(await tableOf(world, ['sales'], 'orders'));
      const { pointer } = await tableOf(world, ['sales'], 'lines');
      await rewriteRoot(world.context.storage, pointer, TableSchema, (_, { metadata: [ref] }) => {
        if (ref) ref.uri = foreign;
      });
      return [['blob-foreign', foreign]];
    },
  ],
  [
    'rows of the wrong kind',
    async (world) => {
      const table = await tableOf(world, ['hr'], 'people');
      const { pointer } = await tableOf(world, ['sales'], 'lines');
      const name = nameOf(table);
      await replace(world, pointer.key, 'a value');
      const { pointers } = world.context.storage;
      const next = { kind: 'blob', blobUri: rootOf(table) } as const;
      await pointers.compareAndSet(name, (await pointers.get(name)) ?? 0, next);
      return [
        ['row-mistaken', pointer.key],
        ['row-mistaken', name],
        ['name-taken', table.pointer.key],
      ];
    },
  ],
  [
    'a root of a newer format',
    async (world) => {
      const { pointer } = await tableOf(world, ['sales'], 'lines');
      const next = await rewriteRoot(world.context.storage, pointer, TableSchema, (envelope) => {
        envelope.format = 2;
      });
      return [['newer-format', rootOf({ pointer: next })]];
    },
  ],
  [
    'a name that is gone',
    async (world) => {
      const table = await tableOf(world, ['sales'], 'lines');
      await remove(world, nameOf(table));
      return [['name-missing', table.pointer.key]];
    },
  ],
  [
    'a name that leads to another table',
    async (world) => {
      const table = await tableOf(world, ['sales'], 'lines');
      await replace(world, nameOf(table), (await tableOf(world, ['sales'], 'orders')).owner.id);
      return [
        ['name-taken', table.pointer.key],
        ['name-stale', nameOf(table)],
      ];
    },
  ],
  [
    'names that lead to nothing, to what was dropped, and to a table that does not have them',
    async (world) => {
      const { repositories } = world.world;
      const lines = await tableOf(world, ['sales'], 'lines');
      const gone = await tableOf(world, ['hr'], 'people');
      await repositories.tables.drop(gone);
      const key = (name: string): string =>
        relationNameKey('acme', lines.resource.namespaceId, 'tables', name);
      await replace(world, key('a'), 'nobody');
      await replace(world, key('b'), gone.owner.id);
      await replace(world, key('c'), lines.owner.id);
      return [
        ['name-dangling', key('a')],
        ['name-dangling', key('b')],
        ['name-stale', key('c')],
      ];
    },
  ],
  [
    'a namespace that is gone from under its tables',
    async (world) => {
      const { namespaces } = world.world.repositories;
      const hr = await namespaces.require('lake', ['hr']);
      const tables = [await tableOf(world, ['hr'], 'people'), await tableOf(world, ['hr'], 'chunked')];
      await remove(world, hr.pointer.key);
      return [
        ...tables.map(({ pointer }) => ['parent-missing', pointer.key] as const),
        ['name-dangling', hr.envelope.names[0]?.key ?? ''],
      ];
    },
  ],
  [
    'half of a snapshot',
    async (world) => {
      const { owner } = await tableOf(world, ['sales'], 'orders');
      await remove(world, snapshotOwner('acme', owner.id, 2n, 'statistics').key);
      return [['snapshot-half', snapshotOwner('acme', owner.id, 2n, 'scan-bundle').key]];
    },
  ],
  [
    'a table with more snapshots than are stored',
    async (world) => {
      const { pointer } = await tableOf(world, ['sales'], 'orders');
      await rewriteRoot(world.context.storage, pointer, TableSchema, (_, table) => {
        table.snapshotCount = 3n;
      });
      return [['snapshot-missing', pointer.key]];
    },
  ],
  [
    'states that a row cannot have',
    async (world) => {
      const { pointer } = await tableOf(world, ['sales'], 'lines');
      await rewriteRoot(world.context.storage, pointer, TableSchema, (envelope) => {
        envelope.state = OwnerState.DELETING;
      });
      const other = await tableOf(world, ['hr'], 'people');
      const name = nameOf(other);
      const { pointers } = world.context.storage;
      const next = { kind: 'value', value: other.owner.id, state: 'LIVE' } as const;
      await pointers.compareAndSet(name, (await pointers.get(name)) ?? 0, next);
      return [
        ['state-wrong', pointer.key],
        ['state-wrong', name],
      ];
    },
  ],
  [
    'rows and blobs that nobody knows, in an account and beside all accounts',
    async (world) => {
      const keys = ['/accounts/acme/tables/new-thing', '/accounts/%zz/x', '/elsewhere', 'zebra'];
      for (const key of keys) await replace(world, key, 'x');
      const uris = ['/accounts/acme/notes.txt', '/elsewhere/readme'];
      for (const uri of uris)
        for (let i = 0; i < 2; i++) await world.context.storage.blobs.put(uri, Buffer.from('x'));
      return [
        ...keys.map((key) => ['unknown-key', key] as const),
        ...uris.map((uri) => ['unknown-uri', uri] as const),
      ];
    },
  ],
  [
    'what collectors have left to do',
    async (world) => {
      const { world: law, fixture } = world;
      const key = '/accounts/acme/idempotency/01/endless';
      await replace(world, key, 'x');
      const { namespaces, tables } = law.repositories;
      const staged = await tables.stage(await namespaces.require('lake', ['hr']), 'staged', {
        ...NEW_TABLE,
        metadata: Buffer.from('m'),
      });
      fixture.clock.advance(2 * DAY_MS);
      return [
        ['record-endless', key],
        ['record-expired', '/accounts/acme/idempotency/00/run'],
        ['left-behind', staged.pointer.key],
      ];
    },
  ],
];

const seen = new Set<FindingKind>();

/** On a disk a store takes long to fill: there all of these are provoked in one. */
const TOGETHER = ['a root that was deleted', 'metadata and a chunk that were damaged', 'half of a snapshot'];

async function provokedIs(world: VerifyWorld, provoked: readonly Provoke[]): Promise<void> {
  const expected = [];
  for (const provoke of provoked) expected.push(...(await provoke(world)));
  const { findings, report } = await verified(world.context, { deep: true, notes: true, pageSize: 10 });
  assert.deepEqual(told(findings), expected.map((each) => each.join(' ')).toSorted());
  for (const { kind, means, advice, severity } of findings) {
    seen.add(kind);
    assert.equal(severity, FINDINGS[kind][0]);
    assert.ok(means.startsWith(FINDINGS[kind][1]) && advice.length > 10);
  }
  assert.equal(
    Object.values(report.findings).reduce((sum, count) => sum + count, 0),
    findings.length,
  );
}

suite('each thing that is wrong is found, and nothing else', () => {
  for (const [name, provoke] of PROVOKED)
    test(name, async () => {
      await using world = await openVerifyWorld(MEMORY[1]);
      await provokedIs(world, [provoke]);
    });

  test('several at once on the embedded store', async () => {
    await using world = await openVerifyWorld(LOCAL[1]);
    const provoked = PROVOKED.filter(([name]) => TOGETHER.includes(name));
    assert.equal(provoked.length, TOGETHER.length);
    await provokedIs(
      world,
      provoked.map(([, provoke]) => provoke),
    );
  });
});

function corrupt(key: string): never {
  throw new StorageCorruptionError('damaged', { key });
}

test('rows that cannot be read are found, and the walk goes on behind each', async () => {
  await using world = await openVerifyWorld(MEMORY[1]);
  const table = await tableOf(world, ['sales'], 'lines');
  const damaged = new Set([table.pointer.key, nameOf(await tableOf(world, ['hr'], 'people'))]);
  await replace(world, '/accounts/zz/unknown', 'x');
  const storage = intercept(world.context.storage, {
    pointers: (real) => ({
      get: async (key, options) => (damaged.has(key) ? corrupt(key) : real.get(key, options)),
      getBatch: async (keys, options) => {
        for (const key of keys) if (damaged.has(key)) corrupt(key);
        return real.getBatch(keys, options);
      },
      listPointersByPrefix: async (prefix, options) => {
        const page = await real.listPointersByPrefix(prefix, options);
        for (const { key } of page.pointers) if (damaged.has(key)) corrupt(key);
        return page;
      },
    }),
  });
  const { findings } = await verified({ ...world.context, storage });
  assert.deepEqual(
    told(findings),
    [...[...damaged].map((key) => `row-damaged ${key}`), 'unknown-key /accounts/zz/unknown'].toSorted(),
  );
  for (const { kind } of findings) seen.add(kind);
});

test('every kind of finding was provoked', () => {
  assert.deepEqual(seen, new Set(Object.keys(FINDINGS)));
});

test('what nothing reaches is counted once it is older than the grace, and is no finding', async () => {
  await using world = await openVerifyWorld(MEMORY[1]);
  const { storage } = world.context;
  const nobody = ownerById('acme', 'tables', 'nobody');
  world.fixture.clock.advance(2 * storage.layout.casGraceMs);
  const before = (await verified(world.context)).report.counts;
  // Each published table leaves its staged root behind; the dropped one its published and closed ones, and its metadata.
  assert.equal(before.orphans, 6 + 3);
  const raw = (await storage.blobs.list('/accounts/acme/tables/')).blobs[0];
  assert.ok(raw);
  const { bytes } = await storage.blobs.get(raw.uri);
  const moved = `${nobody.blobPrefix}${raw.uri.slice(raw.uri.lastIndexOf('/') + 1)}`;
  await storage.blobs.put(moved, bytes);
  assert.equal((await verified(world.context)).report.counts.orphans, before.orphans, 'it is young');
  world.fixture.clock.advance(2 * storage.layout.casGraceMs);
  const { report, findings } = await verified(world.context);
  assert.deepEqual(findings, []);
  assert.equal(report.counts.orphans, before.orphans + 1);
  assert.equal(report.counts.orphanBytes, before.orphanBytes + bytes.length);
});

test('a store that is down is no finding', async () => {
  await using world = await openVerifyWorld(MEMORY[1]);
  const storage = intercept(world.context.storage, {
    blobs: () => ({ getBatch: () => Promise.reject(new Error('down')) }),
  });
  await assert.rejects(verify({ ...world.context, storage }), /down/);
});
