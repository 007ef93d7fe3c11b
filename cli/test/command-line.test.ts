import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { EXIT } from '../src/exit-codes.ts';
import { floecat, LAKE_MISSING, LAKE_PROPERTY, temporaryFolder } from './support.ts';

suite('the command line', { concurrency: 2 }, () => {
  test('--help names every command, with examples and exit codes; so does each command', async () => {
    const help = await floecat(['--help']);
    assert.equal(help.code, EXIT.ok);
    const commands = [
      'serve',
      'register',
      'accounts',
      'catalogs',
      'namespaces',
      'tables',
      'snapshots',
      'config',
      'pointers',
      'blobs',
    ];
    for (const command of commands) assert.match(help.stdout, new RegExp(`^  ${command}\\b`, 'm'));
    assert.match(help.stdout, /Examples:/);
    assert.match(help.stdout, /Exit codes:/);
    for (const command of commands) {
      const own = await floecat([command, '--help']);
      assert.equal(own.code, EXIT.ok, command);
      assert.match(own.stdout, new RegExp(`Usage: floecat ${command}`));
    }
  });

  test('a wrong command, option or argument ends with 2 and says so', async () => {
    const cases: [args: string[], message: RegExp][] = [
      [['tabels', 'ls'], /unknown command 'tabels'[\s\S]*tables/],
      [['tables', 'ls', 'x', '--bogus'], /unknown option '--bogus'/],
      [['register', 'x'], /missing required argument 'location'/],
      [['register', 'orders', 's3://x'], /names no namespace: write <namespace>\.<table>/],
      [['tables', 'ls', 'a..b'], /empty part/],
      [['pointers', 'ls', '--limit', '0'], /--limit "0"/],
      [['pointers', 'ls', '--page-token', 'abc'], /page token is damaged/],
      [['pointers', 'get', 'x'.repeat(1_025)], /1025 bytes.*limit is 1024/],
      [['blobs', 'get', 'x'], /starts with \//],
      [['namespaces', 'create', 'a', '--property', 'x'], /write key=value/],
    ];
    using folder = temporaryFolder();
    const memory = [
      '-D',
      'floecat.kv=memory',
      '-D',
      'floecat.blob=memory',
      '-D',
      `floecat.data-dir=${folder.path}`,
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await floecat([...args, ...memory]);
      assert.equal(code, EXIT.usage, args.join(' '));
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /^ {4}at /m, 'no stack trace for a wrong call');
    }
  });

  test('a wrong call is told as JSON too, and nothing beside it', async () => {
    const cases: [args: string[], message: RegExp][] = [
      [['tabels', 'ls'], /^unknown command 'tabels'.*tables/],
      [['tables', 'ls', 'x', '--bogus'], /^unknown option '--bogus'/],
      [['register', 'x'], /^missing required argument 'location'/],
      [['gc'], /^a command is missing; floecat --help/],
    ];
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await floecat([...args, '--json']);
      assert.deepEqual([code, stdout], [EXIT.usage, ''], args.join(' '));
      const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
      assert.equal(error.code, 'INVALID_ARGUMENT');
      assert.match(error.message, message);
    }
  });

  test('--version prints the version, for people and for scripts', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
      version: string;
    };
    assert.equal((await floecat(['--version'])).stdout, `${version}\n`);
    assert.deepEqual(JSON.parse((await floecat(['--version', '--json'])).stdout), { version });
  });

  test('properties: every problem at once, the nearest name, and where each value came from', async () => {
    using folder = temporaryFolder();
    writeFileSync(
      join(folder.path, 'application.properties'),
      'floecat.http.prot=1\nfloecat.http.port=high\n',
    );
    const wrong = await floecat(['accounts', 'ls', '-D', 'floecat.kv=mongodb'], {
      cwd: folder.path,
      env: { FLOECAT_LOG_LEVEL: 'loud' },
    });
    assert.equal(wrong.code, EXIT.usage);
    for (const part of [/floecat\.http\.prot/, /floecat\.http\.port/, /high/, /mongodb/, /FLOECAT_LOG_LEVEL/])
      assert.match(wrong.stderr, part);

    writeFileSync(
      join(folder.path, 'application.properties'),
      'floecat.http.port=9000\nfloecat.account=file\n',
    );
    const shown = await floecat(['config', '--json', '-D', 'floecat.log.level=warn'], {
      cwd: folder.path,
      env: { FLOECAT_ACCOUNT: 'environment' },
    });
    assert.equal(shown.code, EXIT.ok, shown.stderr);
    const { properties } = JSON.parse(shown.stdout) as {
      properties: { name: string; value: string; origin: { kind: string } }[];
    };
    const of = (name: string): unknown[] => {
      const found = properties.find((property) => property.name === name);
      return [found?.value, found?.origin.kind];
    };
    assert.deepEqual(of('floecat.http.port'), ['9000', 'file']);
    assert.deepEqual(of('floecat.account'), ['environment', 'environment']);
    assert.deepEqual(of('floecat.log.level'), ['warn', 'argument']);
    assert.deepEqual(of('floecat.kv'), ['local', 'default']);
  });

  test('catalogs and namespaces from one process to the next, for people and for scripts', async () => {
    using folder = temporaryFolder();
    const inFolder = { cwd: folder.path };
    const run = (...args: string[]) => floecat(args, inFolder);
    assert.equal((await run('namespaces', 'ls')).code, EXIT.notFound);
    assert.equal((await run('catalogs', 'create', 'lake', '--property', 'owner=ann')).code, EXIT.ok);
    assert.equal((await run('catalogs', 'create', 'lake')).code, EXIT.conflict);
    assert.equal((await run('namespaces', 'create', 'sales', '--catalog', 'lake')).code, EXIT.ok);
    assert.equal((await run('namespaces', 'create', 'sales.eu', '--catalog', 'lake')).code, EXIT.ok);
    assert.equal((await run('namespaces', 'create', 'a.b', '--catalog', 'lake')).code, EXIT.notFound);
    const shown = await run('namespaces', 'show', 'sales.eu', '--catalog', 'lake', '--json');
    assert.deepEqual((JSON.parse(shown.stdout) as { namespace: string[] }).namespace, ['sales', 'eu']);
    const people = await run('namespaces', 'ls', 'sales', '--catalog', 'lake');
    assert.deepEqual(people.stdout.trim().split('\n'), ['NAMESPACE', 'sales.eu']);
    const counted = await run('namespaces', 'count', 'sales', '--catalog', 'lake', '--json');
    assert.deepEqual(JSON.parse(counted.stdout), { count: 1 });
    assert.equal((await run('catalogs', 'count')).stdout, '2\n', 'and the default one');
    assert.equal((await run('accounts', 'count')).stdout, '1\n');
    const missing = await run('tables', 'show', 'sales.orders', '--catalog', 'lake', '--json');
    assert.equal(missing.code, EXIT.notFound);
    const { error } = JSON.parse(missing.stderr) as { error: { code: string; message: string } };
    assert.deepEqual(
      [error.code, error.message],
      ['RESOURCE_NOT_FOUND', 'no table sales.orders: not in catalog lake'],
    );
  });

  test('pointers and blobs can be looked at; a root is shown with its envelope', async () => {
    using folder = temporaryFolder();
    const run = (...args: string[]) => floecat(args, { cwd: folder.path });
    await run('accounts', 'create', 'acme');
    const { pointers } = JSON.parse((await run('pointers', 'ls', '/floecat/', '--json')).stdout) as {
      pointers: { key: string; blobUri: string; version: number; state: string }[];
    };
    assert.deepEqual(
      pointers.map(({ key, version, state }) => [key, version, state]),
      [['/floecat/directory/accounts/all/by-id/acme', 1, 'LIVE']],
    );
    assert.equal((await run('pointers', 'count')).stdout, '1\n');
    const uri = pointers[0]?.blobUri ?? '';
    const blob = JSON.parse((await run('blobs', 'get', uri)).stdout) as {
      envelope: { owner: string; version: string };
      resource: { id: string };
    };
    assert.deepEqual(
      [blob.envelope.owner, blob.envelope.version, blob.resource.id],
      ['/floecat/directory/accounts/all/by-id/acme', '1', 'acme'],
    );
    assert.match((await run('blobs', 'ls')).stdout, /\/accounts\/acme\/accounts\/acme\/[0-9a-f]{64}\.pb/);
    assert.match((await run('blobs', 'head', uri)).stdout, /floecat\.v1\.RootBlob/);
    assert.equal((await run('blobs', 'head', uri + 'x')).code, EXIT.notFound);
    assert.equal((await run('pointers', 'get', '/none')).code, EXIT.notFound);
  });

  test('registering reports what could not be read, and ends with 5', { skip: LAKE_MISSING }, async () => {
    using folder = temporaryFolder();
    const run = (...args: string[]) => floecat(['-D', LAKE_PROPERTY, ...args], { cwd: folder.path });
    const location = 's3://yb-iceberg-tpcds/trino_test';
    const unknown = await run('register', 'tpcds.trino_test', location);
    assert.equal(unknown.code, EXIT.notFound);
    const registered = await run('register', 'tpcds.trino_test', location, '--create-namespace');
    assert.equal(registered.code, EXIT.incomplete, registered.stderr);
    assert.match(registered.stdout, /registered tpcds\.trino_test with 3 snapshots/);
    assert.match(registered.stdout, /snapshot 909135298008832391: MISSING s3:\/\/yb-iceberg-tpcds/);
    assert.equal((await run('register', 'tpcds.trino_test', location)).code, EXIT.conflict);
    const outside = await run('register', 'tpcds.other', '/etc/passwd');
    assert.equal(outside.code, EXIT.usage);
    assert.match(outside.stderr, /floecat\.upstream\.locations/);
    assert.equal((await run('snapshots', 'count', 'tpcds.trino_test')).stdout, '3\n');
    assert.equal((await run('tables', 'count', 'tpcds')).stdout, '1\n');
    const listed = await run('snapshots', 'ls', 'tpcds.trino_test');
    assert.match(listed.stdout, /7105637631842704244/);
    const shown = await run('snapshots', 'show', 'tpcds.trino_test', '7105637631842704244', '--json');
    assert.match(shown.stdout, /"snapshot-id": 7105637631842704244,/);
    const files = await run('snapshots', 'files', 'tpcds.trino_test', '7105637631842704244');
    assert.match(files.stdout, /position-deletes/);
  });
});
