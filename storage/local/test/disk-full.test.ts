import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statfsSync, writeSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';

import { openLocalStorage } from '@floecat/storage-local';
import type { Storage } from '@floecat/storage-spi';
import { StorageFullError } from '@floecat/storage-spi';

import { runChild } from './run-child.ts';

const skip =
  process.platform === 'linux' && process.getuid?.() === 0 && canMount()
    ? false
    : 'needs Linux and the right to mount a tmpfs';

const SECRET = { account: 'a', type: 't', id: 'i' };
const BLOB = '/accounts/a/tables/t/root.pb';
const BIG = 'v'.repeat(100_000);
/** More than fits on the disk, whatever room a test leaves. */
const MANY = 400;

function canMount(): boolean {
  const probe = spawnSync('sh', [
    '-c',
    'd=$(mktemp -d) && mount -t tmpfs tmpfs "$d" && umount "$d" && rmdir "$d"',
  ]);
  return probe.status === 0;
}

interface SmallDisk {
  readonly dataDir: string;
  /** Takes all room but `left` bytes. */
  fill(left: number): Promise<void>;
  /** Gives back what {@link fill} took. */
  makeRoom(): Promise<void>;
  readonly root: string;
}

/** A disk of 32 MiB, gone after the test. */
async function smallDisk(t: TestContext, options = 'size=32m'): Promise<SmallDisk> {
  const root = await mkdtemp(join(tmpdir(), 'floecat-disk-'));
  // Reads until the test ends, or until its process does, however that happens.
  const script =
    'mount -t tmpfs -o "$2" tmpfs "$1" && echo mounted && read -r end; umount -l "$1"; rmdir "$1"';
  const mount = spawn('sh', ['-c', script, 'sh', root, options], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(async () => {
    mount.stdin.end();
    await once(mount, 'close');
    await assert.rejects(stat(root), { code: 'ENOENT' });
  });
  await once(mount.stdout, 'data');
  const ballast = join(root, 'ballast');
  return {
    root,
    dataDir: join(root, 'store'),
    fill: async (left) => {
      const { bavail, bsize } = statfsSync(root);
      const file = openSync(ballast, 'a');
      const chunk = Buffer.alloc(bsize, 1);
      const pages = bavail - Math.ceil(left / bsize);
      for (let page = 0; page < pages; page++) writeSync(file, chunk);
      closeSync(file);
      assert.ok(statfsSync(root).bavail * bsize <= left);
    },
    makeRoom: () => rm(ballast),
  };
}

async function filesOf(dataDir: string): Promise<string[]> {
  return (await readdir(dataDir, { recursive: true })).toSorted();
}

/** True if it was done; false if there was no room, and the error says so. */
async function fits(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    assert.ok(error instanceof StorageFullError, String(error));
    assert.equal(error.code, 'STORAGE_FULL');
    assert.match(error.message, /nothing was written, make room/);
    assert.ok(error.cause instanceof Error, 'it carries its cause');
    return false;
  }
}

/** Writes new keys until none fits any more, then checks that exactly the acknowledged ones are there. */
async function fillWithPointers({ pointers }: Storage, prefix: string, value: string): Promise<number> {
  const written: string[] = [];
  const refused: string[] = [];
  for (let i = 0; refused.length === 0 && i < MANY; i++) {
    const key = `${prefix}/${String(i).padStart(4, '0')}`;
    ((await fits(pointers.compareAndSet(key, 0, { kind: 'value', value }))) ? written : refused).push(key);
  }
  assert.equal(refused.length, 1, `${MANY} pointers fitted on the disk`);
  const found = (await pointers.listPointersByPrefix(`${prefix}/`)).pointers;
  assert.deepEqual(
    found.map(({ key }) => key),
    written,
  );
  for (const pointer of found) assert.equal(pointer.kind === 'value' && pointer.value, value);
  assert.equal(await pointers.get(refused[0] ?? ''), undefined);
  return written.length;
}

const PAGE = 4096;
const MIB = 2 ** 20;

test(
  'pointers: without room STORAGE_FULL, exactly what was acknowledged is there, and writes go on once there is room',
  { skip },
  async (t) => {
    const disk = await smallDisk(t);
    const storage = await openLocalStorage({ dataDir: disk.dataDir });
    t.after(() => storage.close());
    const { pointers } = storage;
    const kept = (): Promise<unknown> => pointers.compareAndSet('/kept', 0, { kind: 'value', value: 'kept' });
    await kept();
    let written = 0;
    for (const left of [0, PAGE, 1.5 * MIB, 3 * MIB, 6 * MIB]) {
      await disk.fill(left);
      const group = await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const key = `/group/${left}/${i}`;
          return { key, applied: await fits(pointers.compareAndSet(key, 0, { kind: 'value', value: BIG })) };
        }),
      );
      if (left <= PAGE)
        assert.ok(!group.some(({ applied }) => applied), 'a group that would be committed together');
      for (const { key, applied } of group)
        assert.equal((await pointers.get(key)) !== undefined, applied, key);
      written += group.filter(({ applied }) => applied).length;

      written += await fillWithPointers(storage, `/big/${left}`, BIG);
      written += await fillWithPointers(storage, `/medium/${left}`, BIG.slice(0, 30_000));

      const batch = Array.from({ length: 20 }, (_, i) => `/batch/${left}/${i}`);
      const operations = batch.map(
        (key) => ({ op: 'upsert', key, expected: 0, next: { kind: 'value', value: BIG } }) as const,
      );
      assert.equal(await fits(pointers.compareAndSetBatch(operations)), false);
      assert.equal(await pointers.countByPrefix(`/batch/${left}/`), 0, 'none of a batch is there');
      if (!(await fits(pointers.compareAndDelete('/kept', 1))))
        assert.equal((await pointers.get('/kept'))?.version, 1, 'a row that could not be deleted is read');
      else await kept();

      await disk.makeRoom();
      const { applied } = await pointers.compareAndSetBatch(operations);
      assert.equal(applied, true, 'the same store writes again');
      await pointers.deleteByPrefix('', { everything: true });
      await kept();
    }
    assert.ok(written >= 20, `only ${written} writes were applied before the disk was full`);
    await storage.close();
    await using again = await openLocalStorage({ dataDir: disk.dataDir });
    assert.deepEqual(
      (await again.pointers.listPointersByPrefix('')).pointers.map(({ key }) => key),
      ['/kept'],
    );
  },
);

test(
  'blobs and secrets: without room STORAGE_FULL, no file more than before, the old bytes still there',
  { skip },
  async (t) => {
    const disk = await smallDisk(t);
    await using storage = await openLocalStorage({ dataDir: disk.dataDir });
    const { blobs, secrets } = storage;
    await blobs.put(BLOB, Buffer.from('old bytes'));
    await secrets.put(SECRET, Buffer.from('old secret'));
    const before = await filesOf(disk.dataDir);
    for (const left of [0, 1, 3, 10]) {
      await disk.fill(left * 4096);
      const tooBig = Buffer.alloc((left + 1) * 4096, 7);
      for (const uri of [BLOB, '/accounts/new/tables/t/root.pb'])
        assert.equal(await fits(blobs.put(uri, tooBig)), false, `${left} pages, ${uri}`);
      const together = await Promise.all(
        [1, 2, 3, 4].map((i) => fits(blobs.put(`/accounts/b/${i}`, tooBig))),
      );
      assert.deepEqual(together, [false, false, false, false]);
      for (const ref of [SECRET, { ...SECRET, account: 'new' }])
        assert.equal(
          await fits(secrets.put(ref, tooBig.subarray(0, 65_536))),
          false,
          `${left} pages, a secret`,
        );
      assert.equal(await fits(secrets.update(SECRET, tooBig.subarray(0, 65_536))), false);

      assert.deepEqual(await filesOf(disk.dataDir), before, 'no temporary file and no folder stays');
      assert.equal(Buffer.from((await blobs.get(BLOB)).bytes).toString(), 'old bytes');
      await assert.rejects(blobs.get('/accounts/new/tables/t/root.pb'), { code: 'STORAGE_NOT_FOUND' });
      assert.deepEqual(
        (await blobs.list('/')).blobs.map(({ uri }) => uri),
        [BLOB],
      );
      assert.equal((await blobs.listVersions('/')).versions.length, 1);
      assert.equal(Buffer.from((await secrets.get(SECRET)) ?? []).toString(), 'old secret');
      assert.deepEqual((await secrets.list('new')).secrets, []);
      await disk.makeRoom();
    }
    await blobs.put(BLOB, Buffer.from('new bytes'));
    await secrets.put(SECRET, Buffer.from('new secret'));
    assert.equal(Buffer.from((await blobs.get(BLOB)).bytes).toString(), 'new bytes');
    assert.equal(Buffer.from((await secrets.get(SECRET)) ?? []).toString(), 'new secret');
  },
);

test(
  'a disk that has room but takes no more files and folders is full too, and half-made folders are taken back',
  { skip },
  async (t) => {
    const disk = await smallDisk(t, 'size=32m,nr_inodes=100');
    await using storage = await openLocalStorage({ dataDir: disk.dataDir });
    const { blobs, secrets } = storage;
    await blobs.put(BLOB, Buffer.from('old bytes'));
    const before = await filesOf(disk.dataDir);
    let fillers = 0;
    const filler = (i: number): string => join(disk.root, `filler-${i}`);
    for (let free = statfsSync(disk.root).ffree; free > 0; free--) await writeFile(filler(fillers++), '');
    await assert.rejects(writeFile(filler(fillers), ''), { code: 'ENOSPC' }, 'the disk is as full as meant');
    // What the put makes: the temporary file, and the folders new, tables, t and root.pb.
    const uri = '/accounts/new/tables/t/root.pb';
    for (let needed = 0; needed < 5; needed++) {
      assert.equal(await fits(blobs.put(uri, Buffer.from('x'))), false, `${needed} files are free`);
      assert.deepEqual(await filesOf(disk.dataDir), before);
      if (needed < 4) assert.equal(await fits(secrets.put(SECRET, Buffer.from('s'))), false);
      assert.deepEqual(await filesOf(disk.dataDir), before);
      await rm(filler(--fillers));
    }
    await blobs.put(uri, Buffer.from('x'));
    assert.equal((await blobs.get(uri)).header.size, 1);
  },
);

test(
  'a full disk: a store is refused its making, and opens where it is there, to be read',
  { skip },
  async (t) => {
    const disk = await smallDisk(t);
    await disk.fill(0);
    assert.equal(await fits(openLocalStorage({ dataDir: disk.dataDir })), false);
    await disk.makeRoom();
    await using storage = await openLocalStorage({ dataDir: disk.dataDir });
    await storage.blobs.put(BLOB, Buffer.from('bytes'));
    await storage.close();
    await disk.fill(0);
    const child = await runChild('open-and-report', [disk.dataDir]);
    assert.equal(child.signal, null, 'opening does not end in a signal');
    assert.deepEqual(JSON.parse(child.stdout), storage.layout);
    // LMDB makes its lock file again, and maps it.
    await rm(join(disk.dataDir, 'pointers', 'lock.mdb'));
    await disk.fill(0);
    const unlocked = await runChild('open-and-report', [disk.dataDir]);
    assert.equal(unlocked.signal, null, 'nor where there is no lock file');
    assert.match(unlocked.stdout, /STORAGE_FULL.*make room/);
  },
);
