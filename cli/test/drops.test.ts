import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { EXIT } from '../src/exit-codes.ts';
import type { Finished } from './support.ts';
import { floecat, serve, temporaryFolder } from './support.ts';

suite('dropping and renaming from the command line', () => {
  test('tables and namespaces of the demonstration lake are renamed, moved and dropped', async () => {
    using folder = temporaryFolder();
    const run = (...args: string[]): Promise<Finished> => floecat(args, { cwd: folder.path });
    const done = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(...args);
      assert.equal(code, EXIT.ok, `${args.join(' ')}: ${stderr}`);
      return stdout;
    };
    const tablesOf = async (namespace: string): Promise<string[]> =>
      (JSON.parse(await done('tables', 'ls', namespace, '--json')) as { tables: string[] }).tables;
    await using server = await serve([], { cwd: folder.path });
    assert.equal(await server.stop(), EXIT.ok);

    const tables = await tablesOf('cafe');
    assert.ok(tables.includes('cats') && tables.includes('visits'));
    const moved = JSON.parse(await done('tables', 'mv', 'cafe.cats', 'cafe.clinic.patients', '--json')) as {
      to: object;
      meta: { version: number };
    };
    assert.deepEqual(moved.to, { namespace: ['cafe', 'clinic'], name: 'patients' });
    assert.equal((await run('tables', 'show', 'cafe.cats')).code, EXIT.notFound);
    assert.match(await done('snapshots', 'ls', 'cafe.clinic.patients'), /SNAPSHOT/);
    const taken = await run('tables', 'mv', 'cafe.visits', 'cafe.clinic.patients');
    assert.equal(taken.code, EXIT.conflict);
    assert.match(taken.stderr, /cafe\.clinic\.patients exists already, as a table with the id/);
    assert.equal((await run('tables', 'mv', 'cafe.visits', 'nowhere.visits')).code, EXIT.notFound);

    assert.equal(await done('tables', 'rm', 'cafe.visits'), 'dropped table cafe.visits\n');
    assert.equal((await run('tables', 'rm', 'cafe.visits')).code, EXIT.notFound);

    const full = await run('namespaces', 'rm', 'cafe');
    assert.equal(full.code, EXIT.conflict);
    assert.match(full.stderr, /namespace cafe is not empty/);
    assert.equal((await run('namespaces', 'mv', 'cafe', 'bistro')).code, EXIT.conflict);
    assert.match(await done('namespaces', 'mv', 'cafe.clinic', 'clinic'), /^namespace\s+clinic$/m);
    assert.deepEqual(await tablesOf('clinic'), ['checkups', 'patients']);
    await done('namespaces', 'rm', 'clinic', '--recursive');
    assert.equal((await run('namespaces', 'show', 'clinic')).code, EXIT.notFound);

    await done('catalogs', 'mv', 'default', 'lake');
    assert.equal((await run('catalogs', 'rm', 'lake')).code, EXIT.conflict);
    assert.equal(await done('catalogs', 'rm', 'lake', '--recursive'), 'dropped catalog lake\n');
    assert.match(await done('catalogs', 'ls'), /no catalogs/);
    assert.equal(await done('accounts', 'rm', 'default'), 'dropped account default\n');
    assert.match(await done('accounts', 'ls'), /no accounts/);
    const count = JSON.parse(await done('pointers', 'ls', '--json')) as {
      pointers: { state?: string }[];
    };
    for (const { state } of count.pointers) assert.equal(state, 'TOMBSTONE');
  });
});
