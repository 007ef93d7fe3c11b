import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';

import { openLocalStorage } from '@floecat/storage-local';
import type { BlobStore } from '@floecat/storage-spi';

import { scratchFolder } from './scratch.ts';

/** Two clients of one store; without flushes, so that more happens at once. */
async function twoClients(t: TestContext): Promise<{ first: BlobStore; second: BlobStore; folder: string }> {
  const dataDir = await scratchFolder(t);
  const clients = [
    await openLocalStorage({ dataDir, flush: false }),
    await openLocalStorage({ dataDir, flush: false }),
  ] as const;
  t.after(() => Promise.all(clients.map((client) => client.close())));
  return { first: clients[0].blobs, second: clients[1].blobs, folder: join(dataDir, 'blobs') };
}

async function untilAborted(signal: AbortSignal, body: () => Promise<unknown>): Promise<number> {
  let times = 0;
  for (; !signal.aborted; times++) await body();
  return times;
}

test('a blob that has a version at every moment is found at every moment, whichever version vanishes', async (t) => {
  const { first, second } = await twoClients(t);
  const uri = '/a/always';
  let kept = await first.put(uri, Buffer.from('0'));
  const done = new AbortController();
  const readers = [first, second, first, second].map((blobs) =>
    untilAborted(done.signal, async () => {
      await blobs.get(uri);
      await blobs.head(uri);
      assert.equal((await blobs.list('/a/')).blobs.length, 1);
    }),
  );
  try {
    for (let i = 1; i <= 300; i++) {
      const next = await second.put(uri, Buffer.from(String(i)));
      await first.deleteVersion(uri, kept.versionId);
      kept = next;
    }
  } finally {
    done.abort();
  }
  for (const reads of await Promise.all(readers)) assert.ok(reads > 0);
  assert.equal(Buffer.from((await first.get(uri)).bytes).toString(), '300');
});

test('a put makes its folders again for as long as others remove them, and leaves nothing behind', async (t) => {
  const { first, second, folder } = await twoClients(t);
  const done = new AbortController();
  const removers = [first, second, first, second].map((blobs) =>
    untilAborted(done.signal, () => blobs.deletePrefix('/race/')),
  );
  const uris = Array.from({ length: 8 }, (_, i) => `/race/a/b/c/d/e/${i}/x`);
  try {
    await Promise.all(
      uris.map(async (uri, i) => {
        for (let round = 0; round < 60; round++) await (i % 2 ? first : second).put(uri, Buffer.from(uri));
      }),
    );
  } finally {
    done.abort();
  }
  for (const times of await Promise.all(removers)) assert.ok(times > 0);
  await Promise.all(uris.map((uri) => first.put(uri, Buffer.from(uri))));
  assert.deepEqual(
    (await second.list('/')).blobs.map(({ uri }) => uri),
    uris,
  );
  await first.deletePrefix('/race/');
  assert.deepEqual(await readdir(folder), ['.floecat'], 'emptied folders are gone');
  assert.deepEqual(await readdir(join(folder, '.floecat', 'tmp')), []);
});

test('a put whose folder is taken away just before the rename, again and again, still succeeds', async (t) => {
  const dataDir = await scratchFolder(t);
  let left = 10;
  await using storage = await openLocalStorage({
    dataDir,
    onStep: (step, path) => {
      if (step === 'rename' && path.startsWith('a/') && left-- > 0)
        rmSync(join(dataDir, 'blobs', 'a'), { recursive: true, force: true });
    },
  });
  await storage.blobs.put('/a/b/c', Buffer.from('x'));
  assert.ok(left <= 0);
  assert.equal((await storage.blobs.get('/a/b/c')).header.size, 1);
});

test('versions put at once by two clients all stay, and a later put is the latest', async (t) => {
  const { first, second } = await twoClients(t);
  const uri = '/a/rivals';
  const headers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => (i % 2 ? first : second).put(uri, Buffer.from(`rival ${i}`))),
  );
  const { versions } = await first.listVersions('/a/');
  assert.deepEqual(
    versions.map(({ versionId }) => versionId).toSorted(),
    headers.map(({ versionId }) => versionId).toSorted(),
  );
  for (const [i, { versionId }] of headers.entries())
    assert.equal(Buffer.from((await second.get(uri, { versionId })).bytes).toString(), `rival ${i}`);
  const last = await second.put(uri, Buffer.from('last'));
  assert.equal((await first.head(uri)).versionId, last.versionId);
});
