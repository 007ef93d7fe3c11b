import assert from 'node:assert/strict';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';

import { openLocalStorage } from '@floecat/storage-local';

import { runChild } from './run-child.ts';

const isRoot = process.getuid?.() === 0;
// Root is stopped by no permission, so the child runs as nobody; others take the permission from themselves.
const asNobody = isRoot ? { uid: 65_534, gid: 65_534 } : {};
/** What nobody must lack is taken from `others`, what the owner must lack from all. */
const CLOSED = isRoot ? 0o700 : 0o000;
const UNWRITABLE = isRoot ? 0o755 : 0o555;

/** A store that the child may read and write in every part. */
async function openStore(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'floecat-local-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  await chmod(root, 0o777);
  const dataDir = join(root, 'store');
  assert.match((await report(dataDir)).storeId ?? '', /^[0-9a-f-]{36}$/);
  return dataDir;
}

async function report(dataDir: string): Promise<{ code?: string; message?: string; storeId?: string }> {
  const { code, signal, stdout, stderr } = await runChild('open-and-report', [dataDir], {
    cwd: '/',
    ...asNobody,
  });
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  return JSON.parse(stdout) as { code?: string; message?: string; storeId?: string };
}

const PARTS: readonly (readonly [path: string, mode: number, file: boolean])[] = [
  ['.', CLOSED, false],
  ['pointers', CLOSED, false],
  ['pointers/data.mdb', CLOSED, true],
  ['pointers/data.mdb', isRoot ? 0o644 : 0o444, true],
  ['pointers/lock.mdb', isRoot ? 0o644 : 0o444, true],
  ['blobs', CLOSED, false],
  ['blobs/.floecat', CLOSED, false],
  ['blobs/.floecat/store.json', isRoot ? 0o600 : 0o000, true],
  ['secrets', CLOSED, false],
  ['secrets/key', isRoot ? 0o600 : 0o000, true],
];

for (const [part, mode, isFile] of PARTS)
  test(`a store whose ${part} this user may not ${mode & (isRoot ? 0o004 : 0o400) ? 'write' : 'read'} is access denied, and says who needs what where`, async (t) => {
    const dataDir = await openStore(t);
    const path = join(dataDir, part);
    if (isRoot) await chown(path, 0, 0);
    await chmod(path, mode);
    const { code, message = '' } = await report(dataDir);
    assert.equal(code, 'STORAGE_ACCESS_DENIED', message);
    assert.ok(
      message.includes(isFile && part.startsWith('pointers') ? join(dataDir, 'pointers') : path),
      message,
    );
    assert.match(message, /^open: .*this process \(uid \d+\) needs read and write access there$/);
    await chmod(path, isFile ? 0o600 : 0o700);
  });

test(
  'a store that became unwritable after it was opened refuses blobs and secrets, reads on, and writes again once it is writable',
  { skip: isRoot ? 'root is stopped by no permission; run it as another user' : false },
  async (t) => {
    const dataDir = await openStore(t);
    await using storage = await openLocalStorage({ dataDir });
    await storage.blobs.put('/a/b', Buffer.from('old'));
    const temps = [join(dataDir, 'blobs', '.floecat', 'tmp'), join(dataDir, 'secrets', 'tmp')];
    for (const folder of temps) await chmod(folder, UNWRITABLE);
    const denied = { code: 'STORAGE_ACCESS_DENIED', message: /needs read and write access/ };
    await assert.rejects(storage.blobs.put('/a/b', Buffer.from('new')), denied);
    await assert.rejects(storage.secrets.put({ account: 'a', type: 't', id: 'i' }, Buffer.from('s')), denied);
    assert.equal(Buffer.from((await storage.blobs.get('/a/b')).bytes).toString(), 'old');
    for (const folder of temps) await chmod(folder, 0o700);
    await storage.blobs.put('/a/b', Buffer.from('new'));
  },
);
