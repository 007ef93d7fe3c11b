import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import {
  InvalidArgumentError,
  StorageAbortRetryableError,
  StorageAccessDeniedError,
  StorageMisconfiguredError,
  StorageNotFoundError,
} from '@floecat/storage-spi';

import { LocalFolderReader, UpstreamLocations } from '../../src/harvest/index.ts';
import { tempFolder } from './temp-folder.ts';

const top = tempFolder();
const root = join(top, 'root');
const outside = join(top, 'outside');
mkdirSync(join(root, 'table/metadata'), { recursive: true });
mkdirSync(outside);
writeFileSync(join(root, 'table/metadata/v1.json'), 'inside');
writeFileSync(join(outside, 'v1.json'), 'OUTSIDE');

const reader = new LocalFolderReader(new UpstreamLocations([{ prefix: 's3://b', folder: root }]));
const text = async (location: string): Promise<string> => Buffer.from(await reader.read(location)).toString();
const names = async (location: string): Promise<string[]> =>
  (await Array.fromAsync(reader.list(location))).sort();
const refused = (error: InvalidArgumentError): boolean =>
  error.code === 'INVALID_ARGUMENT' && error.message.includes('floecat.upstream.locations');

test('reads a file and lists the files of a folder', async () => {
  assert.equal(await text('s3://b/table/metadata/v1.json'), 'inside');
  mkdirSync(join(root, 'listed/sub'), { recursive: true });
  for (const name of ['a', 'b %2F=']) writeFileSync(join(root, 'listed', name), '');
  assert.deepEqual(await names('s3://b/listed'), ['a', 'b %2F=']);
  assert.deepEqual(await names('s3://b/listed/'), ['a', 'b %2F=']);
  await assert.rejects(names('s3://b/nowhere'), StorageNotFoundError);
  await assert.rejects(names('s3://c'), refused);
});

test('an empty file and a large one come whole', async () => {
  writeFileSync(join(root, 'empty'), '');
  assert.equal((await reader.read('s3://b/empty')).length, 0);
  const large = Buffer.alloc(9 * 1024 * 1024 + 1, 7);
  large.writeUInt32BE(0xfeedface, large.length - 4);
  writeFileSync(join(root, 'large'), large);
  assert.ok(large.equals(await reader.read('s3://b/large')));
});

test('a missing file is STORAGE_NOT_FOUND, a missing mapped folder is not', async () => {
  for (const location of ['s3://b/none', 's3://b/table/metadata/v1.json/x', `s3://b/${'n'.repeat(300)}`])
    await assert.rejects(reader.read(location), StorageNotFoundError, location);
  symlinkSync(join(root, 'gone'), join(root, 'dangling'));
  await assert.rejects(reader.read('s3://b/dangling'), StorageNotFoundError);
  const nowhere = new LocalFolderReader(
    new UpstreamLocations([{ prefix: '.', folder: join(top, 'unmounted') }]),
  );
  await assert.rejects(nowhere.read('x'), StorageMisconfiguredError);
  await assert.rejects(Array.fromAsync(nowhere.list('x')), StorageMisconfiguredError);
});

test('a link that leads out of the folder is refused, one that stays in it is followed', async () => {
  symlinkSync(join(outside, 'v1.json'), join(root, 'file-out'));
  symlinkSync(outside, join(root, 'folder-out'));
  symlinkSync('../outside', join(root, 'relative-out'));
  symlinkSync('/', join(root, 'slash'));
  for (const location of [
    'file-out',
    'folder-out/v1.json',
    'relative-out/v1.json',
    `slash${outside}/v1.json`,
  ])
    await assert.rejects(reader.read(`s3://b/${location}`), refused, location);
  await assert.rejects(names('s3://b/folder-out'), refused);
  symlinkSync('table/metadata/v1.json', join(root, 'file-in'));
  symlinkSync('table', join(root, 'folder-in'));
  assert.equal(await text('s3://b/file-in'), 'inside');
  assert.equal(await text('s3://b/folder-in/metadata/v1.json'), 'inside');
});

test('a folder beside the mapped one whose name begins alike is outside', async () => {
  mkdirSync(`${root}-private`);
  writeFileSync(`${root}-private/v1.json`, 'OUTSIDE');
  symlinkSync(`${root}-private`, join(root, 'alike'));
  await assert.rejects(reader.read('s3://b/alike/v1.json'), refused);
});

test('the mapped folder may itself be reached by a link', async () => {
  symlinkSync(root, join(top, 'mapped-by-link'));
  const linked = new LocalFolderReader(
    new UpstreamLocations([{ prefix: '.', folder: join(top, 'mapped-by-link') }]),
  );
  assert.equal(Buffer.from(await linked.read('table/metadata/v1.json')).toString(), 'inside');
  await assert.rejects(linked.read('folder-out/v1.json'), refused);
});

test('link loops are refused', async () => {
  symlinkSync('loop-b', join(root, 'loop-a'));
  symlinkSync('loop-a', join(root, 'loop-b'));
  await assert.rejects(reader.read('s3://b/loop-a'), refused);
  await assert.rejects(reader.read('s3://b/loop-a/x'), refused);
});

test('what is not a regular file is refused, and does not hang', async () => {
  await assert.rejects(reader.read('s3://b/table'), refused);
  await assert.rejects(reader.read('s3://b'), refused);
  execFileSync('mkfifo', [join(root, 'fifo')]);
  await assert.rejects(reader.read('s3://b/fifo'), refused);
  const server = createServer().listen(join(root, 'socket'));
  await once(server, 'listening');
  try {
    await assert.rejects(reader.read('s3://b/socket'), refused);
  } finally {
    server.close();
  }
});

test('a file above the limit is refused with both sizes', async () => {
  writeFileSync(join(root, 'eleven'), '12345678901');
  assert.equal((await reader.read('s3://b/eleven', { maxBytes: 11 })).length, 11);
  await assert.rejects(reader.read('s3://b/eleven', { maxBytes: 10 }), /11 bytes; the limit is 10/);
});

test('an aborted read or listing says so', async () => {
  const signal = AbortSignal.abort();
  await assert.rejects(reader.read('s3://b/large', { signal }), StorageAbortRetryableError);
  await assert.rejects(Array.fromAsync(reader.list('s3://b', { signal })), StorageAbortRetryableError);
  const later = new AbortController();
  const reading = reader.read('s3://b/large', { signal: later.signal });
  later.abort();
  await assert.rejects(reading, StorageAbortRetryableError);
});

test('a file that may not be read is STORAGE_ACCESS_DENIED', async (t) => {
  const asRoot = process.getuid?.() === 0;
  writeFileSync(join(root, 'secret'), 'x');
  chmodSync(join(root, 'secret'), 0);
  for (const folder of [top, root]) chmodSync(folder, 0o755);
  if (asRoot && !process.seteuid)
    return t.skip('root reads everything, and the effective user cannot be changed');
  // Root reads everything, so this runs as nobody for a moment.
  if (asRoot) process.seteuid?.(65_534);
  try {
    await assert.rejects(reader.read('s3://b/secret'), StorageAccessDeniedError);
  } finally {
    if (asRoot) process.seteuid?.(0);
  }
});

test('a folder that becomes a link between the check and the open never shows what is outside', async () => {
  const folder = join(root, 'swapped');
  mkdirSync(folder);
  writeFileSync(join(folder, 'v1.json'), 'inside');
  // Whether to stop, and the number of swaps.
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(join(import.meta.dirname, 'swap-folder.ts'), {
    workerData: { folder, outside, shared: shared.buffer },
  });
  await once(worker, 'online');
  const seen = { inside: 0, missing: 0, refused: 0 };
  try {
    for (let i = 0; i < 3_000; i++) {
      try {
        assert.equal(await text('s3://b/swapped/v1.json'), 'inside');
        seen.inside++;
      } catch (error) {
        if (error instanceof StorageNotFoundError) seen.missing++;
        else if (error instanceof InvalidArgumentError) seen.refused++;
        else throw error;
      }
    }
  } finally {
    Atomics.store(shared, 0, 1);
  }
  await once(worker, 'exit');
  assert.ok(Atomics.load(shared, 1) > 100, `${Atomics.load(shared, 1)} swaps`);
  assert.ok(seen.inside > 0 && seen.refused > 0, JSON.stringify(seen));
});

test('a file that is replaced while it is read comes as it was opened', async () => {
  const path = join(root, 'replaced');
  writeFileSync(path, Buffer.alloc(6 * 1024 * 1024, 1));
  const reading = reader.read('s3://b/replaced');
  writeFileSync(`${path}.new`, 'short');
  renameSync(`${path}.new`, path);
  const bytes = await reading;
  assert.ok(bytes.length === 5 || (bytes.length === 6 * 1024 * 1024 && bytes.every((byte) => byte === 1)));
  rmSync(path);
});
