import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { loadSettings, openStorage } from '@floecat/config';
import type { DecisionsFile, OwnerOutcome, RecoveryReport } from '@floecat/recovery';
import type { Repositories } from '@floecat/repository';
import { openRepositories, repositoryContext } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';

import { EXIT } from '../src/exit-codes.ts';
import { bench } from './in-process.ts';
import { storageVariables, temporaryFolder } from './support.ts';

type Report = RecoveryReport & { readonly backup: string | null; readonly undecided: string | null };

/** These tests delete the folder of the embedded table. */
const elsewhere =
  Object.keys(storageVariables([], { cwd: '/', env: {} })).length > 0 && 'they are about the embedded store';

void suite('floecat restore and rebuild', { skip: elsewhere }, () => {
  test('a lost table: refused until it is restored, from the newest backup and what is newer', async () => {
    using folder = temporaryFolder();
    const { run, json } = bench(folder.path);
    await json('catalogs', 'create', 'lake');
    const { backup } = await json<{ backup: { id: string } }>('backup', 'create', '--to', 'backups');
    await json('catalogs', 'create', 'second');
    await loseTable(folder.path);

    const refused = await run('catalogs', 'ls');
    assert.match(refused.stderr, /run floecat restore \(from a backup\) or floecat rebuild/);
    const nowhere = await run('restore', '--from', 'nowhere');
    assert.equal(nowhere.code, EXIT.notFound);
    assert.match(nowhere.stderr, /no backup at .*nowhere.*floecat rebuild/);
    assert.equal(
      (await run('restore', '--from', 'backups', '--dry-run')).code,
      EXIT.failed,
      'it joins nothing',
    );

    const report = await json<Report>('restore', '--from', 'backups', '--report', 'report.jsonl');
    assert.equal(report.backup, backup.id);
    assert.deepEqual([report.owners.restored, report.owners.replayed, report.problems], [2, 1, []]);
    assert.deepEqual(await catalogs(run), ['lake', 'second']);
    const lines = (await readFile(join(folder.path, 'report.jsonl'), 'utf8')).trimEnd().split('\n');
    const outcomes = lines.map((line) => JSON.parse(line) as OwnerOutcome);
    assert.deepEqual(outcomes.map(({ label, outcome }) => `${label} ${outcome}`).toSorted(), [
      'default restored',
      'lake restored',
      'second replayed',
    ]);
    // The new table knows the backup, and goes on from there.
    assert.match((await run('backup', 'ls')).stdout, new RegExp(backup.id));

    const again = await run('restore', '--from', 'backups', '--dry-run');
    assert.equal(again.code, EXIT.ok);
    assert.match(
      again.stdout,
      /nothing was changed.*\n(?:.*\n)*present +3\n(?:.*\n)*all that was acknowledged is there/,
    );
  });

  test('a lost table without a backup; it is rebuilt once', async () => {
    using folder = temporaryFolder();
    const { run, json } = bench(folder.path);
    await json('catalogs', 'create', 'lake');
    await json('catalogs', 'create', 'gone');
    await json('catalogs', 'rm', 'gone');
    await loseTable(folder.path);
    const report = await run('rebuild');
    assert.equal(report.code, EXIT.ok, report.stderr);
    assert.match(report.stdout, /replayed +3\n/);
    assert.deepEqual(await catalogs(run), ['lake']);
    const refused = await run('rebuild');
    assert.equal(refused.code, EXIT.conflict);
    assert.match(refused.stderr, /the table has pointers.*floecat restore --from none/);
    assert.equal((await json<Report>('restore', '--from', 'none')).owners.present, 3);
  });

  test('rivals are listed, decided by a person, and fed back', async () => {
    using folder = temporaryFolder();
    const { run } = bench(folder.path);
    await withStore(folder.path, makeRivals);
    await loseTable(folder.path);
    const first = await run('rebuild', '--ambiguous-to', 'undecided.json');
    assert.equal(first.code, EXIT.unproven, first.stderr);
    assert.match(
      first.stdout,
      /1 owners are for you to decide: edit .*undecided.json, then run floecat rebuild --decisions/,
    );
    const path = join(folder.path, 'undecided.json');
    const file = JSON.parse(await readFile(path, 'utf8')) as DecisionsFile;
    const [rivals] = file.owners;
    assert.ok(rivals);
    assert.equal(rivals.label, 'lake');
    assert.equal(rivals.candidates.length, 2);

    for (const [text, code, message] of [
      ['{', EXIT.conflict, /no JSON/],
      [JSON.stringify({ ...file, format: 2 }), EXIT.conflict, /not one that this version writes/],
      [JSON.stringify({ ...file, storeId: 'x' }), EXIT.conflict, /for store x/],
      [
        JSON.stringify({ ...file, owners: [{ ...rivals, choose: 'y' }] }),
        EXIT.conflict,
        /none of its candidates/,
      ],
    ] as const) {
      await writeFile(path, text);
      const refused = await run('rebuild', '--decisions', path);
      assert.equal(refused.code, code, refused.stdout);
      assert.match(refused.stderr, message);
    }
    const [, second] = rivals.candidates;
    await writeFile(path, JSON.stringify({ ...file, owners: [{ ...rivals, choose: second?.writeId }] }));
    const decided = await run('rebuild', '--decisions', path);
    assert.equal(decided.code, EXIT.ok, decided.stderr + decided.stdout);
    await withStore(folder.path, async ({ catalogs: repository }) => {
      const lake = await repository.require('lake');
      assert.equal(lake.pointer.writeId, second?.writeId);
      assert.equal(lake.pointer.version, 2);
    });
    // The table is lost again: what was decided against does not come up again.
    await loseTable(folder.path);
    assert.equal((await run('rebuild')).code, EXIT.ok);
  });

  test('one table, by its name, at an earlier time, over what is newer', async () => {
    using folder = temporaryFolder();
    const { run, json } = bench(folder.path);
    await json('catalogs', 'create', 'floecat');
    await withStore(folder.path, async ({ namespaces }) => {
      await namespaces.create('floecat', ['sales']);
    });
    const bad = await run('restore', '--from', 'none', '--as-of', 'yesterday');
    assert.equal(bad.code, EXIT.usage);
    assert.match(bad.stderr, /write 2026-11-27T16:30:00Z/);
    const missing = await run('restore', '--from', 'none', '--table', 'sales.orders');
    assert.equal(missing.code, EXIT.notFound);
    assert.match(missing.stderr, /neither the backup nor the table of pointers has a table of this name/);
    const help = await run('restore', '--help');
    assert.match(help.stdout, /floecat restore --from s3:\/\/my-backups\/floecat/);
  });
});

async function catalogs(run: ReturnType<typeof bench>['run']): Promise<string[]> {
  const { stdout } = await run('catalogs', 'ls');
  return stdout
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(' ')[0] ?? '')
    .toSorted();
}

/** A catalog with two writes over the same state, one of which was refused, and died before it could say so. */
async function makeRivals(
  { accounts, catalogs: repository, context }: Repositories,
  storage: Storage,
): Promise<void> {
  await accounts.ensure(context.account);
  const lake = await repository.create('lake');
  const deaf = { ...storage, blobs: unmarked(storage) };
  const other = openRepositories(repositoryContext(deaf, context.account, { cache: { blobBytes: 0 } }));
  await repository.update(lake, by('one'));
  await assert.rejects(other.catalogs.update(lake, by('another')));
}

function by(writer: string): (catalog: { properties: Record<string, string> }) => void {
  return ({ properties }) => void (properties['by'] = writer);
}

function unmarked({ blobs }: Storage): Storage['blobs'] {
  return new Proxy(blobs, {
    get: (target, name) => {
      if (name === 'markLost') return async () => undefined;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

async function loseTable(cwd: string): Promise<void> {
  await rm(join(cwd, 'store', 'pointers'), { recursive: true });
}

async function withStore(
  cwd: string,
  work: (repositories: Repositories, storage: Storage) => Promise<void>,
): Promise<void> {
  const settings = loadSettings({ args: [], env: { FLOECAT_DATA_DIR: join(cwd, 'store') }, cwd });
  await using storage = await openStorage(settings);
  await work(openRepositories(repositoryContext(storage, settings.identity.account)), storage);
}
