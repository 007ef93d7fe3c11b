import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { openLocalStorage } from '@floecat/storage-local';
import type { StorageErrorCode } from '@floecat/storage-spi';
import { StorageError } from '@floecat/storage-spi';

import { runChild } from './run-child.ts';
import { scratchFolder } from './scratch.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = { uid: 65_534, gid: 65_534 };

interface Reported {
  readonly call: string;
  readonly code: string;
}

function reported(stdout: string): Reported[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Reported);
}

test('a folder that may not be written, or not be made, is access denied at the start, with its path', async (t) => {
  // The child runs as nobody where this runs as root, whom no permission stops.
  const root = await mkdtemp(join(tmpdir(), 'floecat-local-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await chmod(root, 0o755);
  const store = join(root, 'store');
  await (await openLocalStorage({ dataDir: store })).close();
  const bare = join(root, 'bare');
  await mkdir(bare, { mode: 0o755 });
  if (!isRoot) for (const folder of [root, bare, store, join(store, 'pointers')]) await chmod(folder, 0o555);
  for (const dataDir of [store, bare, join(root, 'new')]) {
    const { stdout, stderr } = await runChild('open-and-report', [dataDir], {
      cwd: '/',
      ...(isRoot && NOBODY),
    });
    assert.notEqual(stdout, '', stderr);
    const { code, message } = JSON.parse(stdout) as { code: string; message: string };
    assert.equal(code, 'STORAGE_ACCESS_DENIED', `${dataDir}: ${message}`);
    assert.ok(message.includes(dataDir), message);
    assert.match(message, /access/);
  }
  if (!isRoot) for (const folder of [root, bare, store, join(store, 'pointers')]) await chmod(folder, 0o755);
});

test(
  'without a free descriptor the start fails with a typed error, and works once there is one',
  { skip: process.platform === 'linux' ? false : 'needs prlimit, which is of Linux' },
  async (t) => {
    const dataDir = await scratchFolder(t);
    await (await openLocalStorage({ dataDir })).close();
    let refused = 0;
    // A bare process has about twenty; somewhere above, the start succeeds.
    for (let limit = 18; limit <= 48; limit += 3) {
      const { stdout } = await runChild('open-and-report', [dataDir], {
        before: ['prlimit', `--nofile=${limit}`],
      });
      if (stdout === '') continue; // Not even the runtime could start.
      const { code, storeId } = JSON.parse(stdout) as { code?: StorageErrorCode; storeId?: string };
      if (storeId !== undefined) continue;
      assert.equal(code, 'STORAGE_UNAVAILABLE');
      refused++;
    }
    assert.ok(refused > 0, 'no limit was met inside the start, so this showed nothing');
    await (await openLocalStorage({ dataDir })).close();
  },
);

const skipInject =
  process.platform === 'linux' && spawnSync('strace', ['-V']).status === 0
    ? false
    : 'needs strace, which makes system calls fail on Linux';

/** Runs the writing child with the nth call of a kind, of each thread, and all after it failing with EIO. */
async function withFailing(dataDir: string, what: string, call: string, nth: number): Promise<Reported[]> {
  const before = [
    'strace',
    '-f',
    '-o',
    '/dev/null',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:error=EIO:when=${nth}+`,
  ];
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const { code, signal, stdout, stderr } = await runChild(
    'write-and-report',
    [dataDir, what, `${call}-${nth}`],
    { before, env },
  );
  assert.equal(signal, null, stderr);
  if (code === 0) return reported(stdout);
  assert.match(stderr, /STORAGE_|Storage\w+Error/, 'the start failed with a typed error');
  return [];
}

/** After the first call that failed everything is closed; what was acknowledged is there, what was refused is not. */
async function checkPoisoned(
  dataDir: string,
  what: string,
  call: string,
  nth: number,
): Promise<string | undefined> {
  const reports = await withFailing(dataDir, what, call, nth);
  const writes = reports.filter((report) => report.call.startsWith('write'));
  const failed = writes.findIndex(({ code }) => code !== 'ok');
  assert.equal(reports.at(-1)?.code ?? 'ok', 'ok', 'it can be closed');
  await using storage = await openLocalStorage({ dataDir });
  for (const [i, { code }] of writes.entries()) {
    const name = `/${call}-${nth}/${i}`;
    const isThere =
      what === 'pointers'
        ? (await storage.pointers.get(name)) !== undefined
        : (await storage.blobs.getBatch([name]))[0] !== undefined;
    if (code === 'ok') assert.ok(isThere, `${name} was acknowledged`);
    if (code === 'STORAGE_CLOSED') assert.ok(!isThere, `${name} was refused`);
  }
  if (failed < 0) return undefined;
  for (const { call: later, code } of reports.slice(failed + 1, -1))
    assert.equal(code, 'STORAGE_CLOSED', `${later} after a failure in ${call} ${nth}`);
  return writes[failed]?.code;
}

test(
  'a flush of the pointers that fails closes the store; a retried one is not taken for success',
  { skip: skipInject },
  async (t) => {
    const dataDir = await scratchFolder(t);
    await (await openLocalStorage({ dataDir })).close();
    assert.equal(await checkPoisoned(dataDir, 'pointers', 'fdatasync', 3), 'STORAGE_CLOSED');
  },
);

test(
  'a commit that fails on its last page is of unknown outcome, and closes the store',
  { skip: skipInject },
  async (t) => {
    const dataDir = await scratchFolder(t);
    await (await openLocalStorage({ dataDir })).close();
    const codes: (string | undefined)[] = [];
    for (const nth of [3, 4, 5]) codes.push(await checkPoisoned(dataDir, 'pointers', 'pwrite64', nth));
    assert.ok(codes.includes('STORAGE_UNKNOWN_OUTCOME'), codes.join());
  },
);

test('a flush of a blob or of its folder that fails closes the store', { skip: skipInject }, async (t) => {
  const dataDir = await scratchFolder(t);
  await (await openLocalStorage({ dataDir })).close();
  const codes = new Set<string | undefined>();
  for (const nth of [5, 6, 7, 8]) codes.add(await checkPoisoned(dataDir, 'blobs', 'fsync', nth));
  assert.ok(codes.has('STORAGE_CLOSED'), [...codes].join());
  assert.ok(codes.has('STORAGE_UNKNOWN_OUTCOME'), [...codes].join());
  for (const code of codes) assert.ok(code !== 'STORAGE_UNAVAILABLE');
});

test('errors of the file system keep their cause and say what to do', async (t) => {
  const dataDir = await scratchFolder(t);
  await writeFile(join(dataDir, 'file'), '');
  await assert.rejects(openLocalStorage({ dataDir: join(dataDir, 'file') }), (error: unknown) => {
    assert.ok(error instanceof StorageError);
    assert.ok(error.cause instanceof Error);
    assert.equal(error.operation, 'open');
    return true;
  });
});
