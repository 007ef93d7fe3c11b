import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openLocalStorage } from '@floecat/storage-local';
import type { StorageFixture } from '@floecat/storage-testkit';
import { createFixture, FakeClock, seededRandom } from '@floecat/storage-testkit';

import { folderOfUri } from '../src/file-names.ts';
import { shareCompiledCode } from './compile-cache.ts';

shareCompiledCode();

export const LOCAL_CAPABILITIES = {
  secondClient: true,
  restart: true,
  ownStore: true,
  movableClock: true,
  keepsExpired: true,
  versionedDeletes: true,
  orderedVersionIds: true,
  damagesBlobs: true,
};

/** A store in a folder of its own for each case; every client has its own source of random numbers. */
export async function openLocalFixture(): Promise<StorageFixture> {
  const dataDir = await mkdtemp(join(tmpdir(), 'floecat-local-'));
  const clock = new FakeClock();
  let clients = 0;
  return createFixture({
    clock,
    open: () => openLocalStorage({ dataDir, clock, random: seededRandom(++clients) }),
    capabilities: LOCAL_CAPABILITIES,
    damageBlob: (uri, versionId) => flipLastByte(join(dataDir, 'blobs', folderOfUri(uri), versionId)),
    remove: () => rm(dataDir, { recursive: true, force: true }),
  });
}

async function flipLastByte(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, size - 1);
    byte[0] = (byte[0] ?? 0) ^ 0x01;
    await file.write(byte, 0, 1, size - 1);
  } finally {
    await file.close();
  }
}
