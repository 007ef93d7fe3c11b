import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { openRepositories, relationNameKey, repositoryContext } from '@floecat/repository';
import type { LoadedTable } from '@floecat/repository';
import { openLocalStorage } from '@floecat/storage-local';

import { NEW_TABLE } from '../../service/repository/test/support.ts';
import { folderOfUri } from '../../storage/local/src/file-names.ts';
import { EXIT } from '../src/exit-codes.ts';
import { runInProcess } from './in-process.ts';
import type { Finished } from './support.ts';
import { temporaryFolder } from './support.ts';

const PAGE = await readFile(join(import.meta.dirname, '../../docs/troubleshooting.md'), 'utf8');

interface Found {
  readonly run: string;
  readonly findings: readonly { readonly kind: string; readonly key: string; readonly uri?: string }[];
  readonly report: {
    readonly severities: { readonly error: number };
    readonly counts: { readonly owners: number };
  };
}

/** On the embedded store, wherever the suites are run: these tests lay hands on its files. */
function floecat(folder: string, ...args: string[]): Promise<Finished> {
  return runInProcess(folder, args, { FLOECAT_DATA_DIR: join(folder, 'store') });
}

/** Three tables `t0` to `t2` of `sales`, each changed once. */
async function fill(folder: string): Promise<readonly LoadedTable[]> {
  await using storage = await openLocalStorage({ dataDir: join(folder, 'store'), flush: false });
  const { accounts, catalogs, namespaces, tables } = openRepositories(repositoryContext(storage, 'default'));
  await accounts.ensure('default');
  await catalogs.create('default');
  const sales = await namespaces.create('default', ['sales']);
  const made = [];
  for (let i = 0; i < 3; i++) {
    const staged = await tables.stage(sales, `t${i}`, { ...NEW_TABLE, metadata: Buffer.from(`first ${i}`) });
    const table = await tables.publish(sales, staged);
    made.push(await tables.replaceMetadata(table, Buffer.from(`second ${i}`)));
  }
  return made;
}

/** Deletes the first table's root, damages the second's metadata over a whole version, loses the third's name. */
async function breakIt(folder: string, [first, second, third]: readonly LoadedTable[]): Promise<void> {
  assert.ok(first && second && third && first.pointer.kind === 'blob');
  const uri = second.resource.metadata[0]?.uri ?? '';
  const dataDir = join(folder, 'store');
  await using storage = await openLocalStorage({ dataDir, flush: false });
  const { blobs, pointers } = storage;
  await blobs.delete(first.pointer.blobUri);
  const { versionId } = await blobs.put(uri, (await blobs.get(uri)).bytes);
  const file = join(dataDir, 'blobs', folderOfUri(uri), versionId);
  const bytes = await readFile(file);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(file, bytes);
  const name = await pointers.get(relationNameKey('default', third.resource.namespaceId, 'tables', 't2'));
  assert.ok(name && (await pointers.compareAndDelete(name.key, name)).applied);
}

suite('floecat verify', () => {
  test('finds, plans, repairs what is chosen, and then finds nothing', async () => {
    using folder = temporaryFolder();
    const tables = await fill(folder.path);
    const healthy = await floecat(folder.path, 'verify', '--deep');
    assert.equal(healthy.code, EXIT.ok, healthy.stdout + healthy.stderr);
    assert.match(healthy.stdout, /^verification [\da-f-]{36}, reading every blob\n/);
    assert.match(healthy.stdout, /all of it holds together\n$/);

    await breakIt(folder.path, tables);
    const shallow = await floecat(folder.path, 'verify', '--json');
    assert.equal(shallow.code, EXIT.amiss);
    const { findings, report } = JSON.parse(shallow.stdout) as Found;
    assert.deepEqual(
      findings.map(({ kind }) => kind).toSorted(),
      ['name-missing', 'root-missing'],
      'damage is deep',
    );
    assert.equal(report.severities.error, 2);

    const shown = await floecat(folder.path, 'tables', 'show', 'sales.t0');
    assert.equal(shown.code, EXIT.failed);
    const told = shown.stderr
      .replaceAll(/\/accounts\/\S+\.pb/g, '<uri>')
      .replaceAll(/\/accounts\/\S+/g, '<key>');
    assert.match(told, /leads to/);
    assert.ok(PAGE.includes(told.replace('floecat: ', '').trim()), told);

    const planned = await floecat(
      folder.path,
      'verify',
      '--deep',
      '--repair',
      'plan',
      '--plan',
      'plan.jsonl',
    );
    assert.equal(planned.code, EXIT.amiss, planned.stderr);
    for (const expected of [
      /error root-missing \/accounts\/default\/tables\/by-id\//,
      /error blob-damaged .*\n {2}\/accounts\/default\/tables\/.*\n.*damaged\.\n {2}repair: Put its version /,
      /error name-missing .*\n.*\n {2}repair: Write the row of the name anew\./,
      /3 lines in .*plan\.jsonl: read them/,
    ])
      assert.match(planned.stdout, expected);
    const taken = await floecat(folder.path, 'verify', '--repair', 'plan', '--plan', 'plan.jsonl');
    assert.equal(taken.code, EXIT.usage);
    assert.match(taken.stderr, /cannot be written: it exists/);

    const apply = ['verify', '--repair', 'apply', '--plan', 'plan.jsonl'];
    const some = await floecat(folder.path, ...apply);
    assert.equal(some.code, EXIT.amiss, 'the roll-back was not chosen');
    assert.match(some.stdout, /repaired +2\n/);
    assert.match(some.stdout, /not chosen +1\n/);
    const plan = join(folder.path, 'plan.jsonl');
    await writeFile(plan, (await readFile(plan, 'utf8')).replaceAll('"apply":false', '"apply":true'));
    const all = await floecat(folder.path, ...apply, '--json');
    assert.equal(all.code, EXIT.ok, all.stdout);
    const { outcomes } = JSON.parse(all.stdout) as { outcomes: { do: string; outcome: string }[] };
    assert.deepEqual(
      new Set(outcomes.map((each) => `${each.do} ${each.outcome}`)),
      new Set(['rescue-blob already', 'add-name already', 'roll-back repaired']),
    );
    assert.equal((await floecat(folder.path, 'verify', '--deep')).code, EXIT.ok);
  });

  test('takes a part, at a rate, and says so', async () => {
    using folder = temporaryFolder();
    await fill(folder.path);
    const args = [
      'verify',
      '--sample',
      '50%',
      '--seed',
      'a',
      '--rate',
      '100000',
      '--rate',
      '100MB',
      '--json',
    ];
    const half = JSON.parse((await floecat(folder.path, ...args)).stdout) as Found;
    assert.ok(half.report.counts.owners < 6);
    const none = JSON.parse(
      (await floecat(folder.path, 'verify', '--account', 'nobody', '--json')).stdout,
    ) as Found;
    assert.equal(none.report.counts.owners, 0);
    const told = (await floecat(folder.path, 'verify', '--sample', '50%', '--seed', 'a')).stdout;
    assert.match(told, /sample: 50% of resources and names; the same again with --seed a\n/);
  });

  test('refuses what makes no sense, before it opens the store', async () => {
    using folder = temporaryFolder();
    for (const [args, message] of [
      ['--sample 0', /a share such as 1%/],
      ['--sample 101%', /a share such as 1%/],
      ['--rate fast', /requests a second, such as 200/],
      ['--rate 0', /requests a second/],
      ['--repair now', /plan or apply/],
      ['--repair plan', /--plan says which file/],
      ['--plan x', /--repair plan writes that file/],
      ['--resume x --deep', /as the run was begun/],
      ['--repair apply --plan missing', /cannot be read/],
    ] as const) {
      const { code, stderr } = await floecat(folder.path, 'verify', ...args.split(' '));
      assert.equal(code, EXIT.usage, args);
      assert.match(stderr, message);
    }
    const { code, stderr } = await floecat(folder.path, 'verify', '--resume', 'x');
    assert.equal(code, EXIT.conflict);
    assert.match(stderr, /no verification x to resume/);
  });
});
