import assert from 'node:assert/strict';
import { cp, mkdir, open, readdir, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';

import { openLocalStorage } from '@floecat/storage-local';
import type { Pointer } from '@floecat/storage-spi';
import { StorageCorruptionError } from '@floecat/storage-spi';

import { folderOfUri } from '../src/file-names.ts';
import { checkLmdbFile } from '../src/lmdb-file.ts';
import { openPointerTable } from '../src/pointer-table.ts';
import { encodeRow } from '../src/row-codec.ts';
import { runChild } from './run-child.ts';
import { scratchFolder } from './scratch.ts';

const tableOf = (dataDir: string): string => join(dataDir, 'pointers', 'data.mdb');

function keysOf(page: readonly Pointer[]): string[] {
  return page.map(({ key }) => key);
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

function doesNotOpen(error: unknown): boolean {
  return (
    error instanceof StorageCorruptionError &&
    error.key === 'accounts/a/t/i' &&
    !error.message.includes('payload')
  );
}

function corrupt(key: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StorageCorruptionError, String(error));
    assert.equal(error.key, key);
    assert.match(error.message, new RegExp(JSON.stringify(key).slice(1, -1)));
    return true;
  };
}

/** A store with `/p/1` to `/p/5` whose middle row is damaged on the disk. */
async function storeWithDamage(t: TestContext): Promise<string> {
  const dataDir = await scratchFolder(t);
  {
    await using storage = await openLocalStorage({ dataDir });
    for (const i of [1, 2, 3, 4, 5])
      await storage.pointers.compareAndSet(`/p/${i}`, 0, { kind: 'blob', blobUri: `/blob/number-${i}` });
  }
  const bytes = await readFile(tableOf(dataDir));
  let flipped = 0;
  for (
    let at = bytes.indexOf('/blob/number-3');
    at >= 0;
    at = bytes.indexOf('/blob/number-3', at + 1), flipped++
  )
    bytes.writeUInt8(bytes.readUInt8(at + 3) ^ 0x10, at + 3);
  assert.ok(flipped > 0);
  await writeFile(tableOf(dataDir), bytes);
  return dataDir;
}

test('a byte that flipped in a row is corruption that names the key, and the other rows stay readable', async (t) => {
  await using storage = await openLocalStorage({ dataDir: await storeWithDamage(t) });
  const { pointers } = storage;
  await assert.rejects(pointers.get('/p/3'), corrupt('/p/3'));
  for (const i of [1, 2, 4, 5]) assert.equal((await pointers.get(`/p/${i}`))?.version, 1);
  await assert.rejects(pointers.getBatch(['/p/1', '/p/3', '/p/5']), corrupt('/p/3'));
  assert.equal((await pointers.getBatch(['/p/1', '/p/5'])).length, 2);
  await assert.rejects(pointers.countByPrefix('/p/'), corrupt('/p/3'));
});

test('a listing never passes over a damaged row: it ends before it, throws at it, and goes on behind it when told to', async (t) => {
  await using storage = await openLocalStorage({ dataDir: await storeWithDamage(t) });
  const { pointers } = storage;
  const first = await pointers.listPointersByPrefix('/p/');
  assert.deepEqual(keysOf(first.pointers), ['/p/1', '/p/2']);
  assert.ok(first.nextPageToken);
  await assert.rejects(
    pointers.listPointersByPrefix('/p/', { pageToken: first.nextPageToken }),
    corrupt('/p/3'),
  );
  const behind = await pointers.pageTokenAfterKey('/p/', '/p/3');
  const second = await pointers.listPointersByPrefix('/p/', { pageToken: behind });
  assert.deepEqual(keysOf(second.pointers), ['/p/4', '/p/5']);
});

test('nothing is written over a damaged row, unless its deletion is asked for without a comparison', async (t) => {
  await using storage = await openLocalStorage({ dataDir: await storeWithDamage(t) });
  const { pointers } = storage;
  const next = { kind: 'value', value: 'x' } as const;
  await assert.rejects(pointers.compareAndSet('/p/3', 0, next), corrupt('/p/3'));
  await assert.rejects(pointers.compareAndSet('/p/3', 1, next), corrupt('/p/3'));
  await assert.rejects(pointers.compareAndDelete('/p/3', 1, { includeExpired: true }), corrupt('/p/3'));
  await assert.rejects(
    pointers.compareAndSetBatch([
      { op: 'upsert', key: '/p/1', expected: 1, next },
      { op: 'check-absent', key: '/p/3' },
    ]),
    corrupt('/p/3'),
  );
  assert.equal((await pointers.get('/p/1'))?.version, 1, 'the batch wrote nothing');
  const entry = {
    ...next,
    key: '/p/3',
    version: 9,
    writeId: crypto.randomUUID(),
    incarnation: crypto.randomUUID(),
    updatedAt: 1,
  };
  await assert.rejects(pointers.importPointers([entry], 'if-absent'), corrupt('/p/3'));
  await assert.rejects(pointers.deleteByPrefix('/p/'), corrupt('/p/3'));
  const both = await Promise.allSettled([
    pointers.compareAndSet('/p/3', 0, next),
    pointers.compareAndSet('/p/new', 0, next),
  ]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'fulfilled'],
    'a neighbour in the transaction is not harmed',
  );
  assert.deepEqual(await pointers.deleteByPrefix('/p/3', { unconditional: true }), {
    deleted: 1,
    skipped: 0,
  });
  assert.equal((await pointers.compareAndSet('/p/3', 0, next)).applied, true);
});

test('a row of a newer format or an unknown kind is refused, read or written', async (t) => {
  const dataDir = await scratchFolder(t);
  await (await openLocalStorage({ dataDir })).close();
  const id = crypto.randomUUID();
  const table = openPointerTable(join(dataDir, 'pointers'));
  const row = { version: 1, kind: 'value', value: 'x', writeId: id, incarnation: id, updatedAt: 1 } as const;
  const newer = encodeRow({ ...row, key: '/newer' });
  newer[4] = 2;
  const strange = encodeRow({ ...row, key: '/strange', kind: 'stream' as 'value' });
  strange[5] = 3;
  table.rows.transactionSync(() => {
    void table.rows.put('/newer', newer);
    void table.rows.put('/strange', strange);
  });
  await table.close();
  await using storage = await openLocalStorage({ dataDir });
  for (const key of ['/newer', '/strange']) {
    await assert.rejects(storage.pointers.get(key), corrupt(key));
    await assert.rejects(storage.pointers.compareAndSet(key, 0, { kind: 'value', value: 'y' }), corrupt(key));
  }
  await assert.rejects(storage.pointers.get('/newer'), /format 2.*upgrade/);
});

test('a truncated pointer table never kills the process: it is corruption that says what to do, or what is left is whole', async (t) => {
  const root = await scratchFolder(t);
  const dataDir = join(root, 'whole');
  const ROWS = 1_500;
  {
    await using storage = await openLocalStorage({ dataDir, flush: false });
    const entries = Array.from({ length: ROWS }, (_, i) => {
      const id = crypto.randomUUID();
      const value = 'v'.repeat(i % 100 === 0 ? 20_000 : 100);
      return {
        key: `/k/${i}`,
        kind: 'value',
        value,
        version: 1,
        writeId: id,
        incarnation: id,
        updatedAt: 1,
      } as const;
    });
    await storage.pointers.importPointers(entries, 'if-absent');
  }
  const { size } = await stat(tableOf(dataDir));
  const lengths = [
    0,
    1,
    100,
    4_095,
    4_096,
    8_191,
    8_192,
    12_288,
    size >> 2,
    size >> 1,
    size - 100_000,
    size - 4_096,
    size - 1,
  ];
  const folders: string[] = [];
  for (const length of lengths) {
    const folder = join(root, `cut-at-${length}`);
    await cp(dataDir, folder, { recursive: true });
    await truncate(tableOf(folder), length);
    folders.push(folder);
  }
  const { code, signal, stdout, stderr } = await runChild('read-all', folders);
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, stderr);
  const outcomes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { dataDir: string; code?: string; message?: string; count?: number });
  assert.equal(outcomes.length, lengths.length);
  for (const outcome of outcomes) {
    if (outcome.count !== undefined) assert.equal(outcome.count, ROWS, outcome.dataDir);
    else {
      assert.equal(outcome.code, 'STORAGE_CORRUPTION', outcome.dataDir);
      assert.ok(outcome.message?.includes(tableOf(outcome.dataDir)), outcome.message);
      assert.match(outcome.message ?? '', /floecat restore/);
    }
  }
  assert.ok(outcomes.filter(({ code: found }) => found === 'STORAGE_CORRUPTION').length >= 10);
});

test('a healthy table may end before its last pages, where those are free, and opens', async (t) => {
  const dataDir = await scratchFolder(t);
  const isShort = async (): Promise<boolean> => {
    const bytes = await readFile(tableOf(dataDir));
    const [one, two] = [0, 4096].map((at) => ({
      lastPage: Number(bytes.readBigUInt64LE(at + 144)),
      transaction: bytes.readBigUInt64LE(at + 152),
    }));
    assert.ok(one && two);
    return bytes.length < ((one.transaction > two.transaction ? one : two).lastPage + 1) * 4096;
  };
  let rows = 0;
  let found = false;
  for (let round = 0; round < 50 && !found; round++) {
    await using storage = await openLocalStorage({ dataDir, flush: false });
    const { pointers } = storage;
    assert.equal(await pointers.countByPrefix(''), rows);
    // Made and deleted in one transaction, so that its pages are given away and never written.
    await Promise.all([
      pointers.compareAndSet('/big', 0, { kind: 'value', value: 'b'.repeat(100_000 + round) }),
      pointers.compareAndDelete('/big', 1),
      pointers.compareAndSet(`/small/${rows++}`, 0, { kind: 'value', value: 's'.repeat(round * 300) }),
    ]);
    found = await isShort();
  }
  assert.ok(found, 'no table ended before its last page, so this showed nothing');
  checkLmdbFile(tableOf(dataDir));
  await using again = await openLocalStorage({ dataDir });
  assert.equal(await again.pointers.countByPrefix(''), rows);
  await again.pointers.compareAndSet('/big', 0, { kind: 'value', value: 'b'.repeat(300_000) });
  assert.equal((await again.pointers.get('/big'))?.version, 1);
});

test('a file that is no pointer table is corruption', async (t) => {
  const dataDir = await scratchFolder(t);
  await (await openLocalStorage({ dataDir })).close();
  await writeFile(tableOf(dataDir), Buffer.alloc(65_536, 0x5a));
  await assert.rejects(openLocalStorage({ dataDir }), { code: 'STORAGE_CORRUPTION' });
});

test('a byte that flipped anywhere in the file of a blob is corruption, and never its bytes', async (t) => {
  const dataDir = await scratchFolder(t);
  await using storage = await openLocalStorage({ dataDir });
  const uri = '/a/damaged.bin';
  const { versionId } = await storage.blobs.put(uri, Buffer.from('the payload of this blob'), {
    tags: { t: 'v' },
    message: 'm',
  });
  const path = join(dataDir, 'blobs', folderOfUri(uri), versionId);
  const whole = await readFile(path);
  const payloadAt = whole.indexOf('the payload');
  const named = (error: unknown): boolean =>
    error instanceof StorageCorruptionError && error.key === uri && error.message.includes(path);
  for (let at = 0; at < whole.length; at++) {
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(at) ^ 0x04, at);
    await writeFile(path, flipped);
    await assert.rejects(storage.blobs.get(uri), named, `byte ${at}`);
    if (at < payloadAt) await assert.rejects(storage.blobs.head(uri), named, `byte ${at}`);
    else assert.equal((await storage.blobs.head(uri)).size, whole.length - payloadAt);
  }
  for (const length of [0, 3, 11, 12, payloadAt - 1, payloadAt, whole.length - 1]) {
    await writeFile(path, whole.subarray(0, length));
    await assert.rejects(storage.blobs.get(uri), named, `${length} bytes`);
    await assert.rejects(storage.blobs.head(uri), named, `${length} bytes`);
  }
  await writeFile(path, Buffer.concat([whole, Buffer.of(0)]));
  await assert.rejects(storage.blobs.get(uri), named, 'one byte more');
  await writeFile(path, whole);
  assert.equal((await storage.blobs.get(uri)).bytes.length, whole.length - payloadAt);
});

test('a blob whose file was moved to another URI or version is corruption', async (t) => {
  const dataDir = await scratchFolder(t);
  await using storage = await openLocalStorage({ dataDir });
  const { versionId } = await storage.blobs.put('/a/one', Buffer.from('1'));
  const from = join(dataDir, 'blobs', 'a', 'one', versionId);
  await mkdir(join(dataDir, 'blobs', 'a', 'two'));
  await cp(from, join(dataDir, 'blobs', 'a', 'two', versionId));
  await assert.rejects(storage.blobs.get('/a/two'), { code: 'STORAGE_CORRUPTION' });
  await rename(from, join(dataDir, 'blobs', 'a', 'one', versionId.replace(/^./, '2')));
  await assert.rejects(storage.blobs.get('/a/one'), { code: 'STORAGE_CORRUPTION' });
});

test('a sealed secret that was changed, cut or moved to another name or account does not open', async (t) => {
  const dataDir = await scratchFolder(t);
  await using storage = await openLocalStorage({ dataDir });
  const { secrets } = storage;
  const ref = { account: 'a', type: 't', id: 'i' };
  await secrets.put(ref, Buffer.from('secret payload'));
  const path = join(dataDir, 'secrets', 'accounts', 'a', 't', 'i');
  const whole = await readFile(path);
  assert.equal(whole.indexOf('secret'), -1, 'it is sealed');
  for (let at = 0; at < whole.length; at++) {
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(at) ^ 0x80, at);
    await writeFile(path, flipped);
    await assert.rejects(secrets.get(ref), doesNotOpen, `byte ${at}`);
  }
  for (const length of [0, 1, 28, whole.length - 1]) {
    await writeFile(path, whole.subarray(0, length));
    await assert.rejects(secrets.get(ref), doesNotOpen, `${length} bytes`);
  }
  await writeFile(path, whole);
  assert.deepEqual(Buffer.from((await secrets.get(ref)) ?? []).toString(), 'secret payload');

  for (const other of [
    { ...ref, account: 'b' },
    { ...ref, type: 'u' },
    { ...ref, id: 'j' },
  ]) {
    await secrets.put(other, Buffer.from('x'));
    await cp(path, join(dataDir, 'secrets', 'accounts', other.account, other.type, other.id));
    await assert.rejects(secrets.get(other), { code: 'STORAGE_CORRUPTION' });
  }
});

test('the key of the secrets is made once, private, and never replaced while there are secrets', async (t) => {
  const dataDir = await scratchFolder(t);
  const folder = join(dataDir, 'secrets');
  const ref = { account: 'a', type: 't', id: 'i' };
  {
    await using storage = await openLocalStorage({ dataDir });
    await storage.secrets.put(ref, Buffer.from('s'));
  }
  assert.equal(await modeOf(join(folder, 'key')), 0o600);
  assert.equal(await modeOf(folder), 0o700);
  assert.equal(await modeOf(join(folder, 'accounts', 'a', 't')), 0o700);
  assert.equal(await modeOf(join(folder, 'accounts', 'a', 't', 'i')), 0o600);

  await using key = await open(join(folder, 'key'), 'r+');
  await key.chmod(0o640);
  await assert.rejects(openLocalStorage({ dataDir }), {
    code: 'STORAGE_MISCONFIGURED',
    message: /chmod 600/,
  });
  await key.chmod(0o600);

  await rename(join(folder, 'key'), join(dataDir, 'kept-key'));
  await assert.rejects(openLocalStorage({ dataDir }), {
    code: 'STORAGE_MISCONFIGURED',
    message: /key .* is gone/,
  });
  assert.ok(!(await readdir(folder)).includes('key'), 'no new key was made');
  await writeFile(join(folder, 'key'), 'short', { mode: 0o600 });
  await assert.rejects(openLocalStorage({ dataDir }), { code: 'STORAGE_CORRUPTION' });

  await rename(join(dataDir, 'kept-key'), join(folder, 'key'));
  await using again = await openLocalStorage({ dataDir });
  assert.equal(Buffer.from((await again.secrets.get(ref)) ?? []).toString(), 's');
});
