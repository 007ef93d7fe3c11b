import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { openLocalStorage } from '@floecat/storage-local';
import type { Storage, StorageErrorCode, StoreLayout } from '@floecat/storage-spi';
import { DEFAULT_LAYOUT, STORAGE_FORMAT, StorageError } from '@floecat/storage-spi';

import { openPointerTable, readLayout, writeLayout } from '../src/pointer-table.ts';
import { runChild } from './run-child.ts';
import { scratchFolder } from './scratch.ts';

/** The start fails with this code, and a message that says all of this. */
async function assertRefused(
  dataDir: string,
  code: StorageErrorCode,
  says: readonly (string | RegExp)[],
  config: Omit<Parameters<typeof openLocalStorage>[0], 'dataDir'> = {},
): Promise<void> {
  await assert.rejects(openLocalStorage({ dataDir, ...config }), (error: unknown) => {
    assert.ok(error instanceof StorageError, String(error));
    assert.equal(error.code, code, error.message);
    for (const part of says)
      assert.match(error.message, typeof part === 'string' ? new RegExp(escape(part)) : part);
    return true;
  });
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

async function makeStore(dataDir: string, withBlob = true): Promise<StoreLayout> {
  await using storage = await openLocalStorage({ dataDir });
  if (withBlob) await storage.blobs.put('/a/b', Buffer.from('x'));
  await storage.pointers.compareAndSet('/p', 0, { kind: 'blob', blobUri: '/a/b' });
  return storage.layout;
}

async function changeRow(dataDir: string, change: (layout: StoreLayout) => StoreLayout): Promise<void> {
  const folder = join(dataDir, 'pointers');
  const table = openPointerTable(folder);
  const layout = readLayout(table, folder);
  assert.ok(layout);
  writeLayout(table, change(layout));
  await table.close();
}

function createNew({ pointers }: Storage): Promise<unknown> {
  return pointers.compareAndSet('/new', 0, { kind: 'value', value: 'x' });
}

function hoursAgo(hours: number): Date {
  return new Date(Date.now() - hours * 3_600_000);
}

const markerOf = (dataDir: string): string => join(dataDir, 'blobs', '.floecat', 'store.json');

test('a store keeps its ids over a restart, and the row is in no listing, count or delete', async (t) => {
  const dataDir = join(await scratchFolder(t), 'not', 'there', 'yet.d');
  const made = await makeStore(dataDir);
  assert.deepEqual(
    { ...made, storeId: '', tableId: '' },
    { ...DEFAULT_LAYOUT, format: STORAGE_FORMAT, storeId: '', tableId: '', epoch: 1 },
  );
  {
    await using again = await openLocalStorage({ dataDir });
    assert.deepEqual(again.layout, made);
    assert.deepEqual(
      (await again.pointers.listPointersByPrefix('')).pointers.map(({ key }) => key),
      ['/p'],
    );
    assert.equal(await again.pointers.countByPrefix('', { includeExpired: true }), 1);
    assert.deepEqual(await again.pointers.deleteByPrefix('', { everything: true, unconditional: true }), {
      deleted: 1,
      skipped: 0,
    });
    assert.deepEqual(await again.blobs.deletePrefix('/', { everything: true }), { deleted: 1, failed: [] });
  }
  await using third = await openLocalStorage({ dataDir });
  assert.deepEqual(third.layout, made, 'deleting everything leaves the identity');
});

test('settings that differ from the row are refused, each named with both values; those not given are taken from it', async (t) => {
  const dataDir = await scratchFolder(t);
  await (await openLocalStorage({ dataDir, layout: { casGraceMs: 5_000 } })).close();
  await using same = await openLocalStorage({ dataDir });
  assert.equal(same.layout.casGraceMs, 5_000);
  await assertRefused(dataDir, 'STORAGE_MISCONFIGURED', ['casGraceMs', '5000', '6000', 'shards', '1', '64'], {
    layout: { casGraceMs: 6_000, shards: 64, casRetentionMs: DEFAULT_LAYOUT.casRetentionMs },
  });
});

test('a newer format is refused, in the row as in the marker', async (t) => {
  const dataDir = await scratchFolder(t);
  await makeStore(dataDir);
  await changeRow(dataDir, (layout) => ({ ...layout, format: 2 }));
  await assertRefused(dataDir, 'STORAGE_MISCONFIGURED', ['format 2', 'newer version']);
  await changeRow(dataDir, (layout) => ({ ...layout, format: 1 }));
  const marker = JSON.parse(await readFile(markerOf(dataDir), 'utf8')) as object;
  await writeFile(markerOf(dataDir), JSON.stringify({ ...marker, format: 3 }));
  await assertRefused(dataDir, 'STORAGE_MISCONFIGURED', ['format 3', 'newer version', 'store.json']);
});

for (const [name, other] of [
  ['storeId', '11111111-1111-4111-8111-111111111111'],
  ['tableId', '22222222-2222-4222-8222-222222222222'],
  ['epoch', 7],
] as const)
  test(`pointers and blobs that disagree on ${name} are refused with both`, async (t) => {
    const dataDir = await scratchFolder(t);
    const made = await makeStore(dataDir);
    await changeRow(dataDir, (layout) => ({ ...layout, [name]: other }));
    await assertRefused(dataDir, 'STORAGE_MISCONFIGURED', [
      name,
      String(other),
      String(made[name]),
      'floecat restore',
    ]);
  });

test('blobs of a store without a pointer table are refused, naming floecat restore; adopting them raises the epoch', async (t) => {
  const dataDir = await scratchFolder(t);
  const made = await makeStore(dataDir);
  await rm(join(dataDir, 'pointers'), { recursive: true });
  await assertRefused(dataDir, 'STORAGE_MISCONFIGURED', ['floecat restore', made.storeId]);
  await assertRefused(dataDir, 'STORAGE_MISCONFIGURED', ['floecat restore'], {});
  {
    await using adopted = await openLocalStorage({ dataDir, adopt: true });
    assert.equal(adopted.layout.storeId, made.storeId);
    assert.notEqual(adopted.layout.tableId, made.tableId);
    assert.equal(adopted.layout.epoch, 2);
    assert.equal((await adopted.pointers.listPointersByPrefix('')).pointers.length, 0);
    assert.equal((await adopted.blobs.get('/a/b')).bytes.length, 1);
  }
  await using again = await openLocalStorage({ dataDir, adopt: true });
  assert.equal(again.layout.epoch, 2, 'a store that has its table is only opened');
});

test('pointers without a marker, and blobs without one, are refused', async (t) => {
  const dataDir = await scratchFolder(t);
  await makeStore(dataDir);
  await rename(join(dataDir, 'blobs'), join(dataDir, 'elsewhere'));
  await assertRefused(dataDir, 'STORAGE_MISCONFIGURED', ['store.json', 'mounted']);
  await rm(join(dataDir, 'pointers'), { recursive: true });
  await rm(join(dataDir, 'blobs'), { recursive: true });
  await rename(join(dataDir, 'elsewhere'), join(dataDir, 'blobs'));
  await unlink(markerOf(dataDir));
  await assertRefused(dataDir, 'STORAGE_MISCONFIGURED', ['store.json']);
});

test('a first start that was cut off goes on: after the marker, and inside the making of the table', async (t) => {
  const dataDir = await scratchFolder(t);
  const made = await makeStore(dataDir, false);
  await rm(join(dataDir, 'pointers'), { recursive: true });
  await mkdir(join(dataDir, 'pointers', '.new-abcdef'), { recursive: true });
  await writeFile(join(dataDir, 'pointers', '.new-abcdef', 'data.mdb'), 'half');
  await using storage = await openLocalStorage({ dataDir });
  assert.equal(storage.layout.storeId, made.storeId);
  assert.equal(storage.layout.tableId, made.tableId);
  assert.equal(storage.layout.epoch, 1);
  assert.deepEqual((await readdir(join(dataDir, 'pointers'))).toSorted(), ['data.mdb', 'lock.mdb']);
});

test('four processes and four opens that start a store at once agree on its identity', async (t) => {
  const dataDir = await scratchFolder(t);
  const children = await Promise.all([1, 2, 3, 4].map(() => runChild('open-and-report', [dataDir])));
  const layouts = children.map(({ stdout }) => JSON.parse(stdout) as StoreLayout);
  assert.match(layouts[0]?.storeId ?? '', /^[0-9a-f-]{36}$/);
  for (const layout of layouts) assert.deepEqual(layout, layouts[0]);

  const second = await scratchFolder(t);
  const opened = await Promise.all([1, 2, 3, 4].map(() => openLocalStorage({ dataDir: second })));
  for (const { layout } of opened) assert.deepEqual(layout, opened[0]?.layout);
  await Promise.all(opened.map((storage) => storage.close()));
});

test('a marker or a layout row that is damaged is corruption', async (t) => {
  const dataDir = await scratchFolder(t);
  await makeStore(dataDir);
  const marker = await readFile(markerOf(dataDir), 'utf8');
  await writeFile(markerOf(dataDir), marker.slice(0, 20));
  await assertRefused(dataDir, 'STORAGE_CORRUPTION', ['store.json', 'backup']);
  await writeFile(markerOf(dataDir), marker.replace('storeId', 'storeIt'));
  await assertRefused(dataDir, 'STORAGE_CORRUPTION', ['store.json', 'storeId']);
  await writeFile(markerOf(dataDir), marker);
  await (await openLocalStorage({ dataDir })).close();
});

test('a file where a folder should be is refused with its path', async (t) => {
  const dataDir = await scratchFolder(t);
  await writeFile(join(dataDir, 'file'), '');
  await assertRefused(join(dataDir, 'file'), 'STORAGE_MISCONFIGURED', [join(dataDir, 'file')]);
  await assertRefused(join(dataDir, 'file', 'below'), 'STORAGE_MISCONFIGURED', [join(dataDir, 'file')]);
  for (const part of ['pointers', 'blobs', 'secrets']) {
    const dir = join(dataDir, `with-${part}`);
    await mkdir(dir);
    await writeFile(join(dir, part), '');
    await assertRefused(dir, 'STORAGE_MISCONFIGURED', [join(dir, part)]);
  }
});

test('without its folder of blobs, a running store says so and calls no blob missing', async (t) => {
  const dataDir = await scratchFolder(t);
  await makeStore(dataDir);
  await using storage = await openLocalStorage({ dataDir });
  await storage.secrets.put({ account: 'a', type: 't', id: 'i' }, Buffer.from('s'));
  await rename(join(dataDir, 'blobs'), join(dataDir, 'away'));
  await rename(join(dataDir, 'secrets'), join(dataDir, 'away-too'));
  const calls = {
    get: () => storage.blobs.get('/a/b'),
    getBatch: () => storage.blobs.getBatch(['/a/b']),
    head: () => storage.blobs.head('/a/b'),
    put: () => storage.blobs.put('/a/b', Buffer.from('y')),
    list: () => storage.blobs.list('/'),
    listVersions: () => storage.blobs.listVersions('/'),
    deletePrefix: () => storage.blobs.deletePrefix('/a/'),
    'get secret': () => storage.secrets.get({ account: 'a', type: 't', id: 'i' }),
    'put secret': () => storage.secrets.put({ account: 'a', type: 't', id: 'i' }, Buffer.from('s')),
    'list secrets': () => storage.secrets.list('a'),
  };
  for (const [name, call] of Object.entries(calls))
    await assert.rejects(call(), { code: 'STORAGE_MISCONFIGURED' }, name);
  await assert.rejects(readdir(join(dataDir, 'blobs')), { code: 'ENOENT' }, 'and does not make it again');
});

test('a pointer table that was moved away or replaced under a running store is never written to', async (t) => {
  const dataDir = await scratchFolder(t);
  await makeStore(dataDir);
  const [pointers, away] = [join(dataDir, 'pointers'), join(dataDir, 'away')];
  const refusal = { code: 'STORAGE_MISCONFIGURED', message: /nothing was written/ };
  await using early = await openLocalStorage({ dataDir });
  await early.pointers.compareAndSet('/q', 0, { kind: 'value', value: 'q' });
  await using late = await openLocalStorage({ dataDir });

  await rename(pointers, away);
  for (const store of [early, late]) await assert.rejects(createNew(store), refusal);
  await assert.rejects(readdir(pointers), { code: 'ENOENT' }, 'no other is made in its place');
  await cp(away, pointers, { recursive: true });
  for (const store of [early, late]) await assert.rejects(createNew(store), refusal);
  await rm(pointers, { recursive: true });
  await rename(away, pointers);
  await createNew(early);
  assert.equal((await late.pointers.get('/new'))?.version, 1);
});

test('temporary files are removed at the start once an hour has passed, by the clock of the disk', async (t) => {
  const dataDir = await scratchFolder(t);
  await makeStore(dataDir);
  const temps = join(dataDir, 'blobs', '.floecat', 'tmp');
  for (const [name, hours] of [
    ['young', 0.9],
    ['old', 1.1],
    ['future', -5],
  ] as const) {
    await writeFile(join(temps, name), 'x');
    await utimes(join(temps, name), hoursAgo(hours), hoursAgo(hours));
  }
  await (await openLocalStorage({ dataDir })).close();
  assert.deepEqual((await readdir(temps)).toSorted(), ['future', 'young']);
});
