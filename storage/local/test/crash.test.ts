import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import type { WriteStep } from '@floecat/storage-local';
import { openLocalStorage } from '@floecat/storage-local';
import type { Pointer, Storage } from '@floecat/storage-spi';
import { seededRandom } from '@floecat/storage-testkit';

import { endOf, runChild, startChild } from './run-child.ts';
import { scratchFolder } from './scratch.ts';

const soak = process.env['FLOECAT_SOAK'] === '1';
const ROUNDS = soak ? 200 : 20;
const SEED = Number(process.env['FLOECAT_SEED'] ?? '20260101');

function names(pointers: readonly Pointer[]): string[] {
  return pointers.map(({ key }) => key.slice(4));
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString();
}

async function allPointers(storage: Storage, prefix: string): Promise<Pointer[]> {
  const found: Pointer[] = [];
  let pageToken: string | undefined;
  do {
    const page = await storage.pointers.listPointersByPrefix(
      prefix,
      pageToken === undefined ? {} : { pageToken },
    );
    found.push(...page.pointers);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return found;
}

test(`killed at ${ROUNDS} random moments (seed ${SEED}): what was acknowledged is there, what was not is there wholly or not at all`, async (t) => {
  const dataDir = await scratchFolder(t);
  const random = seededRandom(SEED);
  let total = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const child = startChild('crash-writer', [dataDir, String(round)]);
    const wait = 5 + random.next() * 250;
    child.stdout?.once('data', () => setTimeout(() => child.kill('SIGKILL'), wait));
    const { signal, stdout, stderr } = await endOf(child);
    assert.equal(signal, 'SIGKILL', stderr);
    // The last line may have been cut off.
    const acknowledged = stdout
      .slice(0, stdout.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean);
    total += acknowledged.length;

    await using storage = await openLocalStorage({ dataDir });
    const ones = await allPointers(storage, `/one/r${round}/`);
    const twos = await allPointers(storage, `/two/r${round}/`);
    assert.deepEqual(names(ones), names(twos), `round ${round}: a transaction was torn`);
    const present = new Set(names(ones));
    for (const i of acknowledged) assert.ok(present.has(`/r${round}/${i}`), `round ${round}: ${i} is lost`);
    for (const pointer of ones) {
      assert.ok(pointer.kind === 'blob');
      const { bytes } = await storage.blobs.get(pointer.blobUri);
      assert.equal(Buffer.from(bytes).toString(), `bytes of ${pointer.key.slice(4)} `.repeat(50));
    }
    // Also blobs that no pointer was moved to are whole.
    for (const { uri } of (await storage.blobs.list(`/accounts/a/r${round}/`)).blobs)
      await storage.blobs.get(uri);
  }
  t.diagnostic(`${total} acknowledged writes in ${ROUNDS} rounds`);
  assert.ok(total > ROUNDS * 5, `only ${total} writes were acknowledged, so this showed little`);
});

const STEPS: readonly WriteStep[] = [
  'temp-create',
  'temp-write',
  'file-sync',
  'rename',
  'folder-sync',
  'commit',
  'committed',
  'unlink',
];

for (const step of STEPS)
  test(`ended at the step ${step}: what was acknowledged is there, and the store opens and goes on`, async (t) => {
    let ended = 0;
    for (const nth of step === 'folder-sync' ? [1, 3, 5, 7, 9, 12] : [1, 2, 4]) {
      const dataDir = await scratchFolder(t);
      const { signal, stdout } = await runChild('crash-at-step', [dataDir, step, String(nth)]);
      if (signal === 'SIGKILL') ended++;
      await checkAfterCrash(dataDir, new Set(stdout.split('\n')));
    }
    assert.ok(ended > 0, 'the step was never met');
  });

async function checkAfterCrash(dataDir: string, acknowledged: ReadonlySet<string>): Promise<void> {
  await using storage = await openLocalStorage({ dataDir });
  const { blobs, pointers, secrets } = storage;
  for (const i of [1, 2]) {
    const uri = `/accounts/a/t/${i}.bin`;
    const [blob] = await blobs.getBatch([uri]);
    assert.ok(blob ? text(blob.bytes) === `blob ${i}` : !acknowledged.has(`put ${i}`), `put ${i}`);
    const pointer = await pointers.get(`/p/${i}`);
    assert.ok(pointer ? blob : !acknowledged.has(`cas ${i}`), `cas ${i}`);
    const secret = await secrets.get({ account: 'a', type: 't', id: `${i}` });
    assert.ok(secret ? text(secret) === `secret ${i}` : !acknowledged.has(`secret ${i}`), `secret ${i}`);
  }
  const [gone] = await blobs.getBatch(['/accounts/a/gone.bin']);
  assert.ok(
    gone ? !acknowledged.has('delete gone') : !acknowledged.has('put gone') || acknowledged.size > 7,
    'gone',
  );
  for (const { uri } of (await blobs.list('/')).blobs) await blobs.get(uri);
  // What a crash leaves behind lies only where it is looked for.
  assert.deepEqual((await readdir(join(dataDir, 'pointers'))).toSorted(), ['data.mdb', 'lock.mdb']);
  for (const name of await readdir(join(dataDir, 'secrets')))
    assert.ok(['accounts', 'key', 'tmp'].includes(name));
  await blobs.put('/accounts/a/t/1.bin', Buffer.from('again'));
  assert.equal(text((await blobs.get('/accounts/a/t/1.bin')).bytes), 'again');
}
