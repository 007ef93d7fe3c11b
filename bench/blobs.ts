import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { compare } from './measure.ts';
import { openOurs } from './pointers-fixture.ts';
import { report } from './report.ts';
import { inScratchFolder } from './scratch.ts';

const SIZE = 8 * 1024;
const WRITERS = 16;
const WRITES_EACH = 20;
const GETS = 2_000;
const ROUNDS = 7;

/**
 * Puts of 8 KB blobs by 16 writers, and gets of them one after another. The baseline writes the same bytes to a
 * temporary file, flushes it, renames it, flushes the one folder that all are in, and reads them with one call: no
 * header, no digest, no versions, and no folder for each name.
 */
export async function benchBlobs(): Promise<boolean> {
  return inScratchFolder(async (folder) => {
    const bytes = randomBytes(SIZE);
    const plain = join(folder, 'plain');
    await mkdir(plain);
    const ours = await openOurs(join(folder, 'ours'));
    const files: string[] = [];
    const uris: string[] = [];
    try {
      const puts = await compare(
        () =>
          inParallel(async () => {
            files.push(await writeFlushed(plain, bytes));
          }),
        () =>
          inParallel(async () => {
            const uri = `/accounts/6f1c1c9e/tables/1b9d6bcd/roots/${randomUUID()}.pb`;
            await ours.blobs.put(uri, bytes);
            uris.push(uri);
          }),
        ROUNDS,
      );
      const put = report({
        what: `blob put of 8 KB, ${WRITERS} writers`,
        baseline: 'plain flushed files',
        result: puts,
      });
      const gets = await compare(
        async () => {
          for (let i = 0; i < GETS; i++)
            if ((await readFile(files[i % files.length] ?? '')).length !== SIZE) throw new Error('short');
          return GETS;
        },
        async () => {
          for (let i = 0; i < GETS; i++)
            if ((await ours.blobs.get(uris[i % uris.length] ?? '')).bytes.length !== SIZE)
              throw new Error('short');
          return GETS;
        },
        ROUNDS,
      );
      return report({ what: 'blob get of 8 KB', baseline: 'plain reads', result: gets }) && put;
    } finally {
      await ours.close();
    }
  });
}

async function inParallel(body: () => Promise<void>): Promise<number> {
  const writer = async (): Promise<void> => {
    for (let i = 0; i < WRITES_EACH; i++) await body();
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return WRITERS * WRITES_EACH;
}

async function writeFlushed(folder: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, randomUUID());
  const file = await open(`${path}.tmp`, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
  const parent = await open(folder, 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
  return path;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = (await benchBlobs()) ? 0 : 1;
