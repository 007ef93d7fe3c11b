import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openLocalStorage } from '@floecat/storage-local';
import type { Storage } from '@floecat/storage-spi';
import type { StorageFixture } from '@floecat/storage-testkit';
import { createFixture, FakeClock, seededRandom } from '@floecat/storage-testkit';

import { LOCAL_CAPABILITIES } from '../../../../storage/local/test/local-fixture.ts';

/** A store whose table can be lost. */
export interface LosableFixture extends StorageFixture {
  /** Destroys the table for good, and opens the store with an empty one that is joined to the blobs. */
  readonly loseTable: () => Promise<Storage>;
}

/** On the embedded store, whose table is a folder. */
export async function openLosableLocal(): Promise<LosableFixture> {
  const dataDir = await mkdtemp(join(tmpdir(), 'floecat-lost-'));
  const clock = new FakeClock();
  let clients = 0;
  let adopt = false;
  const fixture = await createFixture({
    clock,
    open: () => openLocalStorage({ dataDir, clock, random: seededRandom(++clients), adopt, flush: false }),
    capabilities: { ...LOCAL_CAPABILITIES, damagesBlobs: false },
    remove: () => rm(dataDir, { recursive: true, force: true }),
  });
  return Object.assign(fixture, {
    loseTable: async () => {
      await fixture.storage.close();
      await rm(join(dataDir, 'pointers'), { recursive: true });
      adopt = true;
      return fixture.restart();
    },
  });
}
