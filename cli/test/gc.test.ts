import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';

import { collectOnce, DEFAULT_GC_SETTINGS } from '@floecat/gc';
import { openRepositories, ownerById, repositoryContext } from '@floecat/repository';
import { openLocalStorage } from '@floecat/storage-local';
import { FakeClock } from '@floecat/storage-testkit';

import { EXIT } from '../src/exit-codes.ts';
import { floecat, temporaryFolder } from './support.ts';

const HOUR_MS = 3_600_000;

/** A store of some years ago, with two blobs that a pass condemned then, so that they are due today. */
async function oldStore(dataDir: string): Promise<{ root: string; other: string; alive: string }> {
  const clock = new FakeClock();
  await using storage = await openLocalStorage({ dataDir, clock });
  const { accounts, catalogs } = openRepositories(repositoryContext(storage, 'default', { clock }));
  await accounts.ensure('default');
  await catalogs.ensure('default');
  const owner = ownerById('default', 'tables', 'gone');
  const put = async (text: string): Promise<string> => {
    const bytes = Buffer.from(text);
    const uri = `${owner.blobPrefix}${createHash('sha256').update(bytes).digest('hex')}.pb`;
    await storage.blobs.put(uri, bytes);
    return uri;
  };
  const [root, other] = [await put('one'), await put('two')];
  clock.advance(HOUR_MS);
  await collectOnce(storage, { ...DEFAULT_GC_SETTINGS, maxDeleteRatio: 1 }, { clock });
  const { pointers } = await storage.pointers.listPointersByPrefix('/accounts/default/catalogs/by-id/');
  return { root, other, alive: pointers[0]?.key ?? '' };
}

suite('floecat gc', () => {
  test('tells, forgives, refuses, deletes and reports', async () => {
    using folder = temporaryFolder();
    const { root, other, alive } = await oldStore(folder.path);
    const at = ['-D', `floecat.data-dir=${folder.path}`];
    const gc = (...args: string[]): ReturnType<typeof floecat> => floecat(['gc', ...args, ...at]);

    const why = await gc('explain', root);
    assert.equal(why.code, EXIT.ok);
    assert.match(why.stdout, /: condemned\nIts owner .* does not exist\.\nCondemned by the pass \S+,/);
    assert.match((await gc('explain', alive)).stdout, /: alive\nThe canonical pointer of a live owner\./);
    assert.equal((await gc('explain', '/accounts/default/nothing')).code, EXIT.notFound);

    const dry = await gc('run', '--dry-run', '--json', '-D', 'floecat.gc.max-delete-ratio=1');
    assert.equal(dry.code, EXIT.ok, dry.stderr);
    const { candidates } = JSON.parse(dry.stdout) as { candidates: { why: string; key: string }[] };
    assert.deepEqual(new Set(candidates.map(({ key }) => key.split(' ')[0])), new Set([root, other]));

    const refused = await gc('run', '--only', 'cas', '-D', 'floecat.gc.max-delete-ratio=0.1');
    assert.equal(refused.code, EXIT.failed);
    assert.match(refused.stdout, /cas: refused[\s\S]*2 of 4 blob versions are due.*GC_REFUSED/);
    assert.match((await gc('status')).stdout, /default\s+idle[\s\S]*are due, more than/);

    const pardoned = await gc('pardon', root);
    assert.equal(pardoned.stdout, 'default: 1 versions are pardoned; 1 blobs are young again\n');
    const run = await gc('run', '--account', 'default');
    assert.equal(run.code, EXIT.ok, run.stdout + run.stderr);
    assert.match(run.stdout, /^cas: done, 1 accounts: .*deleted 1,/m);
    assert.equal((await gc('explain', other)).code, EXIT.notFound);
    assert.match((await gc('explain', root)).stdout, /: young\n/);
    assert.equal((await gc('pardon', other)).code, EXIT.notFound);

    const status = await gc('status', '--json');
    const { collectors } = JSON.parse(status.stdout) as { collectors: { runs: { outcome: string }[] }[] };
    assert.deepEqual(
      collectors.map(({ runs }) => runs[0]?.outcome),
      ['done', 'done', 'done'],
    );
  });

  test('a wrong collector, or a setting that is no number, is refused before anything is opened', async () => {
    using folder = temporaryFolder();
    const at = ['-D', `floecat.data-dir=${folder.path}`];
    const wrong = await floecat(['gc', 'run', '--only', 'blobs', ...at]);
    assert.equal(wrong.code, EXIT.usage);
    assert.match(wrong.stderr, /there are idempotency, pointer, cas/);
    for (const setting of [
      'floecat.gc.cas.retention=NaN',
      'floecat.gc.cas.min-age-ms=-1',
      'floecat.gc.cas.min-age-ms=7d',
      'floecat.gc.max-delete-ratio=NaN',
      'floecat.gc.tombstone.ttl-seconds=7d',
      'floecat.gc.pointer.slice-millis=-5',
    ]) {
      const { code, stderr } = await floecat(['gc', 'status', ...at, '-D', setting]);
      assert.equal(code, EXIT.usage, setting);
      assert.match(stderr, new RegExp(setting.split('=')[0] ?? ''));
    }
  });
});
