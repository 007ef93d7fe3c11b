import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { runChild } from './run-child.ts';
import { scratchFolder } from './scratch.ts';
import { missingFlushes, parseTrace } from './trace.ts';

const CALLS =
  'openat,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,write,writev,pwrite64,pwritev,link,linkat';
const skip =
  process.platform === 'linux' && spawnSync('strace', ['-V']).status === 0
    ? false
    : 'needs strace, which traces system calls on Linux';

async function missingIn(folder: string, flush: boolean): Promise<string[]> {
  const dataDir = join(folder, `store-${flush}`);
  const output = join(folder, `trace-${flush}`);
  const before = ['strace', '-f', '-y', '-s', '64', '-e', `trace=${CALLS}`, '-o', output];
  const child = await runChild('put-and-cas', [dataDir, String(flush)], { before });
  assert.equal(child.code, 0, child.stderr);
  return missingFlushes(parseTrace(await readFile(output, 'utf8')), {
    blobs: join(dataDir, 'blobs'),
    blobFolder: 'accounts/a/tables/t/root.pb',
    table: join(dataDir, 'pointers', 'data.mdb'),
  });
}

test(
  'nothing is acknowledged before it is flushed, and a blob is durable before the pointer to it is written',
  { skip },
  async (t) => {
    assert.deepEqual(await missingIn(await realpath(await scratchFolder(t)), true), []);
  },
);

test(
  'the same check finds every flush missing where the store was told not to flush',
  { skip },
  async (t) => {
    const missing = await missingIn(await realpath(await scratchFolder(t)), false);
    assert.equal(missing.length, 9, missing.join('\n'));
  },
);
