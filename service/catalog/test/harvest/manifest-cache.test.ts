import assert from 'node:assert/strict';
import { test } from 'node:test';

import { StorageAbortRetryableError, StorageUnavailableError } from '@floecat/storage-spi';

import type { ManifestOutcome } from '../../src/harvest/index.ts';
import { ManifestCache } from '../../src/harvest/index.ts';
import { harvested, totals } from './harvested.ts';
import { LIST, manifest, manifestList, MemoryLake, tableMetadata } from './synthetic-table.ts';

interface Item {
  readonly name: string;
  readonly bytes: number;
}

function loader(name: string, bytes: number): { loads: number; load: () => Promise<Item> } {
  const counted = {
    loads: 0,
    load: async (): Promise<Item> => {
      counted.loads++;
      await new Promise((resolve) => setImmediate(resolve));
      return { name, bytes };
    },
  };
  return counted;
}

test('who asks for what is being loaded waits for that load', async () => {
  const cache = new ManifestCache<Item>(100);
  const a = loader('a', 10);
  const got = await Promise.all(Array.from({ length: 50 }, () => cache.get('a', a.load)));
  assert.equal(a.loads, 1);
  assert.equal(new Set(got).size, 1);
  await cache.get('a', a.load);
  assert.equal(a.loads, 1);
});

test('it never holds more than its bytes; the least recently used goes first', async () => {
  const cache = new ManifestCache<Item>(30);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => loader(name, 10));
  assert.ok(a && b && c && d);
  for (const [key, { load }] of Object.entries({ a, b, c })) await cache.get(key, load);
  await cache.get('a', a.load);
  await cache.get('d', d.load);
  assert.equal(cache.bytes, 30);
  await cache.get('a', a.load);
  assert.equal(a.loads, 1);
  await cache.get('b', b.load);
  assert.equal(b.loads, 2);
  const large = loader('large', 31);
  await cache.get('large', large.load);
  await cache.get('large', large.load);
  assert.equal(large.loads, 2);
  assert.equal(cache.bytes, 30);
});

const fail = async (): Promise<Item> => {
  throw new StorageUnavailableError('EIO');
};

test('a failed load is not kept, and fails all who waited for it', async () => {
  const cache = new ManifestCache<Item>();
  const waiting = await Promise.allSettled([cache.get('a', fail), cache.get('a', fail)]);
  assert.deepEqual(
    waiting.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal((await cache.get('a', loader('a', 1).load)).name, 'a');
});

const aborted = async (): Promise<Item> => {
  await new Promise((resolve) => setImmediate(resolve));
  throw new StorageAbortRetryableError('aborted');
};

test('the abort of one caller is not the abort of those who wait with it', async () => {
  const cache = new ManifestCache<Item>();
  const first = cache.get('a', aborted);
  const second = loader('a', 1);
  const waiting = cache.get('a', second.load);
  await assert.rejects(first, StorageAbortRetryableError);
  assert.equal((await waiting).name, 'a');
  assert.equal(second.loads, 1);
  await assert.rejects(
    cache.get('a', second.load, { signal: AbortSignal.abort() }),
    StorageAbortRetryableError,
  );
});

const SNAPSHOTS = 200;
const MANIFESTS = 20;

/** A table whose every snapshot has all manifests; the second half of the snapshots has another schema. */
function sharedTable(): { lake: MemoryLake; metadata: ReturnType<typeof tableMetadata> } {
  const lake = new MemoryLake();
  const paths = Array.from({ length: MANIFESTS }, (_, i) => `mem://m${i}`);
  for (const path of paths) lake.files.set(path, manifest({ entries: [{}, {}, {}] }));
  lake.files.set('mem://damaged', Buffer.from('Obj\x01'));
  lake.files.set(LIST, manifestList([...paths, 'mem://damaged', 'mem://missing'].map((path) => ({ path }))));
  const fields = [{ id: 1, name: 'id', required: false, type: 'long' }];
  const schemas = [0, 1].map((id) => ({ type: 'struct', 'schema-id': id, fields }));
  const snapshots = Array.from({ length: SNAPSHOTS }, (_, i) => ({
    'snapshot-id': i,
    'timestamp-ms': 1,
    'manifest-list': LIST,
    'schema-id': i < SNAPSHOTS / 2 ? 0 : 1,
  }));
  return { lake, metadata: tableMetadata({ more: { schemas, snapshots, 'current-snapshot-id': 0 } }) };
}

test('snapshots that share their manifests read each once a schema, side by side or one after the other', async () => {
  const { lake, metadata } = sharedTable();
  const cache = new ManifestCache<ManifestOutcome>();
  const all = await Promise.all(
    [...metadata.snapshots.keys()].map((snapshotId) =>
      harvested({ reader: lake, metadata, snapshotId, cache }),
    ),
  );
  for (const { statistics, problems } of all) {
    assert.deepEqual(totals(statistics), [600n, 60n, 60_000n, 0n, 0n, 0n, 0n, 0n, 22n]);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['DAMAGED', 'MISSING'],
    );
  }
  const read = (location: string): number => lake.reads.filter((one) => one === location).length;
  assert.equal(read(LIST), SNAPSHOTS);
  for (const location of ['mem://m0', 'mem://m19', 'mem://damaged', 'mem://missing'])
    assert.equal(read(location), 2, location);
});

test('a cache that holds nothing changes no result', async () => {
  const { lake, metadata } = sharedTable();
  const with0 = await harvested({
    reader: lake,
    metadata,
    snapshotId: 0n,
    cache: new ManifestCache<ManifestOutcome>(0),
  });
  const withAll = await harvested({
    reader: lake,
    metadata,
    snapshotId: 0n,
    cache: new ManifestCache<ManifestOutcome>(),
  });
  assert.deepEqual(with0, withAll);
});
