import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';

import { loadSettings, openStorage } from '@floecat/config';

import { EXIT } from '../src/exit-codes.ts';
import { bench, SECRET } from './in-process.ts';
import { storageVariables, temporaryFolder } from './support.ts';

interface Backup {
  readonly id: string;
  readonly pointers: number;
  readonly lines: number;
  readonly state?: string;
  readonly verified?: boolean;
  readonly since?: { readonly id: string };
}

void suite('floecat backup', () => {
  test('a life: create, since the last, ls, verify, gc beside it, and rm; and no secret is in any file', async () => {
    using folder = temporaryFolder();
    const { run, json } = bench(folder.path);
    const stored = await run('secrets', 'put', 'upstream/key');
    assert.equal(stored.code, EXIT.ok, stored.stderr);
    await json('catalogs', 'create', 'lake');

    const first = await json<{ backup: Backup }>('backup', 'create', '--to', 'backups');
    assert.ok(first.backup.pointers > 0);
    await json('catalogs', 'create', 'second');
    const next = await run('backup', 'create', '--to', join(folder.path, 'backups'), '--since', 'last');
    assert.equal(next.code, EXIT.ok, next.stderr);
    assert.match(next.stdout, new RegExp(`builds on  ${first.backup.id}\n`));

    const registered = await json<{ backups: Backup[] }>('backup', 'ls', '--verify');
    assert.deepEqual(
      registered.backups.map(({ state, verified }) => [state, verified]),
      [
        ['complete', true],
        ['complete', true],
      ],
    );
    const [, second = { id: '' }] = registered.backups;
    // Nothing of the store is needed to see what lies at a place.
    const elsewhere = [
      '-D',
      'floecat.kv=dynamodb',
      '-D',
      'floecat.blob=s3',
      '-D',
      'floecat.blob.s3.bucket=none',
    ];
    const at = await json<{ backups: Backup[] }>('backup', 'ls', '--at', 'backups', ...elsewhere);
    assert.deepEqual(
      at.backups.map(({ id, since }) => [id, since?.id]),
      [
        [first.backup.id, undefined],
        [second.id, first.backup.id],
      ],
    );

    const files = await readdir(join(folder.path, 'backups'), { recursive: true });
    const texts = await Promise.all(
      files
        .filter((name) => name.endsWith('.zst'))
        .map(async (name) =>
          zstdDecompressSync(await readFile(join(folder.path, 'backups', name))).toString(),
        ),
    );
    assert.ok(texts.length >= 4 && texts.some((text) => text.includes('/accounts/default/catalogs/')));
    for (const text of texts) assert.ok(!text.includes(SECRET) && !text.includes('upstream'));

    const collected = await run('gc', 'run');
    assert.equal(collected.code, EXIT.ok, collected.stdout + collected.stderr);

    const refused = await run('backup', 'rm', first.backup.id);
    assert.equal(refused.code, EXIT.conflict);
    assert.match(refused.stderr, /builds on backup .* --with-dependents/);
    const removed = await json<{ removed: string[] }>('backup', 'rm', first.backup.id, '--with-dependents');
    assert.deepEqual(removed.removed, [second.id, first.backup.id]);
    assert.equal((await run('backup', 'ls')).stdout, 'no backups\n');
    assert.match((await run('backup', 'ls', '--at', 'backups')).stdout, /^no complete backup at \//);
    assert.deepEqual(await readdir(join(folder.path, 'backups')), []);
  });

  test('one that was interrupted is shown, and finished with --resume', async () => {
    using folder = temporaryFolder();
    const { run, json } = bench(folder.path);
    await json('catalogs', 'create', 'lake');
    const { backup } = await json<{ backup: Backup }>('backup', 'create', '--to', 'backups');
    await setBack(folder.path, backup.id);
    await rm(join(folder.path, 'backups', backup.id, 'manifest.jsonl.zst'));

    const listed = await run('backup', 'ls');
    assert.match(listed.stdout, /writing, silent for \d+ s/);
    const waiting = await run('gc', 'run', '--only', 'cas');
    assert.equal(waiting.code, EXIT.ok, 'nothing is due, so nothing waits for it');
    const another = await run('backup', 'create', '--to', 'backups');
    assert.match(another.stderr, new RegExp(`backup ${backup.id} is not complete.*--resume`));
    const resumed = await json<{ backup: Backup }>('backup', 'create', '--to', 'backups', '--resume');
    assert.equal(resumed.backup.id, backup.id);
    assert.equal(resumed.backup.pointers, backup.pointers);
    const nothing = await run('backup', 'create', '--to', 'backups', '--resume');
    assert.equal(nothing.code, EXIT.notFound);
    assert.match(nothing.stderr, /no backup at .* is writing/);
  });

  test('damage is named, and ends with a code of its own', async () => {
    using folder = temporaryFolder();
    const { run, json } = bench(folder.path);
    await json('catalogs', 'create', 'lake');
    const { backup } = await json<{ backup: Backup }>('backup', 'create', '--to', 'backups');
    const segments = join(folder.path, 'backups', backup.id, 'segments');
    const [segment = ''] = await readdir(segments);
    await writeFile(join(segments, segment), 'rubbish');
    for (const more of [[], ['--at', 'backups']]) {
      const checked = await run('backup', 'ls', '--verify', ...more);
      assert.equal(checked.code, EXIT.incomplete);
      assert.ok(checked.stdout.includes(`${segment} is damaged`), checked.stdout);
    }
    const failed = await run('gc', 'run', '--only', 'cas');
    assert.equal(failed.code, EXIT.failed);
    assert.ok(failed.stdout.includes(`${segment} is damaged`), failed.stdout);
  });

  test('what cannot be done is refused, and says what can', async () => {
    using folder = temporaryFolder();
    const { run } = bench(folder.path);
    for (const [args, code, message] of [
      [['create'], EXIT.usage, /--to <where>/],
      [['create', '--to', 'store/backups'], EXIT.usage, /lies in the folder of the store/],
      [['create', '--to', 's3://'], EXIT.usage, /write s3:\/\/bucket\/prefix/],
      [['create', '--to', 'b', '--since', 'last'], EXIT.notFound, /no backup at .* is complete/],
      [['create', '--to', 'b', '--since', 'x'], EXIT.notFound, /no backup x is registered/],
      [['create', '--to', 'b', '--since', 'x', '--resume', 'y'], EXIT.conflict, /either/],
      [['rm', 'x'], EXIT.notFound, /no backup x is registered.*backup ls/],
      [['rm', '../x'], EXIT.usage, /no file of a backup is called so/],
    ] as const) {
      const { code: ended, stderr } = await run('backup', ...args);
      assert.equal(ended, code, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, message);
    }
    const help = await run('backup', '--help');
    assert.match(help.stdout, /floecat backup create --to s3:\/\/my-backups\/floecat --since last/);
  });
});

/** Makes the row of a complete backup what it was before its last step, as a process leaves it that dies then. */
async function setBack(cwd: string, id: string): Promise<void> {
  const env = { FLOECAT_DATA_DIR: join(cwd, 'store') };
  const settings = loadSettings({ args: [], env: { ...env, ...storageVariables([], { env, cwd }) }, cwd });
  await using storage = await openStorage(settings);
  const row = await storage.system.get(`/backups/${id}`);
  assert.ok(row?.kind === 'value');
  const { manifestSha256: _, ...value } = JSON.parse(row.value) as Record<string, unknown>;
  const progress = { segments: [], walked: false };
  const back = JSON.stringify({ ...value, state: 'writing', pointers: 0, bytes: 0, progress });
  assert.ok((await storage.system.compareAndSet(row.key, row, { kind: 'value', value: back })).applied);
}
