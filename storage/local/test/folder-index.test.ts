import assert from 'node:assert/strict';
import { mkdir, rmdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { openLocalStorage } from '@floecat/storage-local';

import { FolderIndex, textOf } from '../src/folder-index.ts';
import { scratchFolder } from './scratch.ts';

async function makeFolders(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) await mkdir(join(folder, name));
}

/** As if nothing had changed in it for a while. */
async function settle(folder: string, secondsAgo = 60): Promise<void> {
  const then = Date.now() / 1_000 - secondsAgo;
  await utimes(folder, then, then);
}

const NAMES = Array.from({ length: 600 }, (_, i) => `n${String(i).padStart(3, '0')}`);

void suite('folders of a walk', () => {
  test('a large one that nothing changes in is read once, and anew after each change', async (t) => {
    const folder = await scratchFolder(t);
    await makeFolders(folder, NAMES);
    const index = new FolderIndex();
    assert.notEqual(
      await index.read(folder),
      await index.read(folder),
      'it may change again under one stamp',
    );
    await settle(folder);
    const held = await index.read(folder);
    assert.equal(await index.read(folder), held);
    assert.equal(held.stops.length, 2 * NAMES.length);
    assert.deepEqual(held.stops.slice(0, 3).map(textOf), ['n000', 'n000/', 'n001']);

    await mkdir(join(folder, 'n000-a'));
    const added = await index.read(folder);
    assert.deepEqual(added.stops.slice(0, 4).map(textOf), ['n000', 'n000-a', 'n000-a/', 'n000/']);
    await settle(folder, 50);
    await index.read(folder);
    await rmdir(join(folder, 'n001'));
    assert.ok(!(await index.read(folder)).stops.some((stop) => textOf(stop) === 'n001'));
  });

  test('a small one, and one with a name that goes on in another folder, is read each time', async (t) => {
    const folder = await scratchFolder(t);
    await makeFolders(folder, NAMES.slice(0, 10));
    await settle(folder);
    const index = new FolderIndex();
    assert.notEqual(await index.read(folder), await index.read(folder));

    const dataDir = await scratchFolder(t);
    await using storage = await openLocalStorage({ dataDir, flush: false });
    for (const name of [...NAMES, 'x'.repeat(300)]) await storage.blobs.put(`/a/${name}`, Buffer.from(name));
    const blobs = join(dataDir, 'blobs', 'a');
    await settle(blobs);
    assert.notEqual(await index.read(blobs), await index.read(blobs));
    assert.equal((await index.read(blobs)).children.length, NAMES.length + 1);
  });

  test('the pages of a listing show what another process put and deleted in between', async (t) => {
    const dataDir = await scratchFolder(t);
    await using storage = await openLocalStorage({ dataDir, flush: false });
    await using other = await openLocalStorage({ dataDir, flush: false });
    for (const name of NAMES) await storage.blobs.put(`/a/${name}/b`, Buffer.from(name));
    const folder = join(dataDir, 'blobs', 'a');
    const seen: string[] = [];
    let pageToken: string | undefined;
    for (let page = 0; page === 0 || pageToken !== undefined; page++) {
      await settle(folder, 1_000 - page);
      const answer = await storage.blobs.listVersions('/a/', { limit: 100, ...(pageToken && { pageToken }) });
      seen.push(...answer.versions.map(({ uri }) => uri));
      pageToken = answer.nextPageToken;
      if (page !== 2) continue;
      // Behind the cursor, right at it, and far ahead of it.
      await other.blobs.put('/a/n000-late/b', Buffer.from('late'));
      await other.blobs.put('/a/n2990/b', Buffer.from('late'));
      await other.blobs.put('/a/n500-late/b', Buffer.from('late'));
      await other.blobs.delete('/a/n400/b');
    }
    const expected = [...NAMES.filter((name) => name !== 'n400'), 'n2990', 'n500-late'];
    assert.deepEqual(seen, expected.map((name) => `/a/${name}/b`).toSorted());
  });
});
