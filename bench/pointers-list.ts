import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Storage } from '@floecat/storage-spi';

import { compare } from './measure.ts';
import { load, openOurs } from './pointers-fixture.ts';
import { report } from './report.ts';
import { inScratchFolder } from './scratch.ts';

const PAGE = 1_000;
const PAGES_A_ROUND = 30;
const ROUNDS = 15;

/**
 * One page of 1,000 pointers out of 1,000,000 beside one of the same size out of 10,000, of random folders. The
 * baseline is the small table, so a listing that cost 1.3 times as much there would give a ratio of 1 / 1.3.
 */
export async function benchList(): Promise<boolean> {
  return inScratchFolder(async (folder) => {
    const small = await fill(join(folder, 'small'), 10);
    const large = await fill(join(folder, 'large'), 1_000);
    try {
      const result = await compare(
        () => list(small, 10),
        () => list(large, 1_000),
        ROUNDS,
      );
      return report({
        what: 'listing 1,000 of 1,000,000 pointers',
        baseline: 'of 10,000',
        result,
        target: 1 / 1.3,
      });
    } finally {
      await small.close();
      await large.close();
    }
  });
}

async function fill(folder: string, folders: number): Promise<Storage> {
  const storage = await openOurs(folder, false);
  for (let i = 0; i < folders; i++) {
    const keys = Array.from({ length: PAGE }, (_, j) => prefix(i) + `table-${String(j).padStart(6, '0')}`);
    await load(storage, keys);
  }
  return storage;
}

async function list(storage: Storage, folders: number): Promise<number> {
  for (let page = 0; page < PAGES_A_ROUND; page++) {
    const { pointers } = await storage.pointers.listPointersByPrefix(
      prefix(Math.floor(Math.random() * folders)),
    );
    if (pointers.length !== PAGE) throw new Error(`a page of ${pointers.length}`);
  }
  return PAGES_A_ROUND;
}

function prefix(folder: number): string {
  return `/accounts/6f1c1c9e/namespaces/${String(folder).padStart(8, '0')}/tables/by-name/`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = (await benchList()) ? 0 : 1;
