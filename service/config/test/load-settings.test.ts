import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { processInput, splitArguments } from '@floecat/config';
import { DEFAULT_LAYOUT } from '@floecat/storage-spi';

import { define, folder, load, NOWHERE, onlyProblem, refusal } from './support.ts';

const LAYERS = 'floecat.account=file\nfloecat.catalog=file\nfloecat.log.level=warn\n';

const COLLECTOR = {
  enabled: true,
  tickEveryMs: 3_600_000,
  pageSize: 1_000,
  batchLimit: 1_000,
  sliceMs: 5_000,
  maxTickMs: 600_000,
  accountsPageSize: 100,
};

suite('precedence', () => {
  test('defaults are complete, and those of the layout are the contract’s', () => {
    const settings = load();
    assert.deepEqual(settings, {
      identity: { account: 'default', catalog: 'default', seedEnabled: true, seedLocation: undefined },
      http: { host: '127.0.0.1', port: 8181 },
      aws: { pathStyleAccess: false, maxSockets: 64, connectTimeoutMs: 2_000, retryBudget: 500 },
      upstream: {
        locations: [],
        registerConcurrency: 8,
        s3: {
          locations: [],
          pathStyleAccess: false,
          wire: settings.upstream.s3.wire,
          maxSockets: 64,
          connectTimeoutMs: 2_000,
        },
      },
      log: { level: 'info' },
      metrics: { enabled: true },
      cache: { blobBytes: 67_108_864, pointerStalenessMs: 0 },
      retry: { maxAttempts: 6, deadlineMs: 60_000, baseDelayMs: 50, maxDelayMs: 5_000 },
      idempotency: { ttlMs: 900_000, leaseMs: 30_000 },
      gc: {
        idempotency: { ...COLLECTOR, minAgeMs: 3_600_000 },
        pointer: COLLECTOR,
        cas: COLLECTOR,
        tombstoneTtlMs: 2_592_000_000,
        maxDeleteRatio: 0.5,
      },
      kv: { backend: 'local', dataDir: join(NOWHERE, '.floecat'), flush: true },
      blob: { backend: 'local', dataDir: join(NOWHERE, '.floecat') },
      secrets: { backend: 'local', dataDir: join(NOWHERE, '.floecat') },
      layout: DEFAULT_LAYOUT,
      dataDir: join(NOWHERE, '.floecat'),
      file: undefined,
    });
    assert.ok(Object.isFrozen(settings) && Object.isFrozen(settings.http));
  });

  test('defaults < application.properties < environment < -D', (t) => {
    const cwd = folder(t, { 'application.properties': LAYERS });
    const env = { FLOECAT_CATALOG: 'environment', FLOECAT_LOG_LEVEL: 'error' };
    const args = ['serve', '-D', 'floecat.log.level=debug'];
    const { identity, log, http, file } = load({ cwd, env, args });
    assert.equal(http.port, 8181);
    assert.equal(identity.account, 'file');
    assert.equal(identity.catalog, 'environment');
    assert.equal(log.level, 'debug');
    assert.equal(file, join(cwd, 'application.properties'));
  });

  test('of one -D given twice, the last counts', () => {
    assert.equal(load({ args: ['-Dfloecat.account=a', '-D', 'floecat.account=b'] }).identity.account, 'b');
  });

  test('a wrong value that is overridden is not in effect, so not a problem', (t) => {
    const cwd = folder(t, { 'application.properties': 'floecat.http.port=NaN' });
    assert.equal(load({ cwd, env: { FLOECAT_HTTP_PORT: '9000' } }).http.port, 9000);
    assert.equal(onlyProblem({ cwd }).value, 'NaN');
  });

  test('an empty value is a value: it overrides, and is refused where it cannot be used', () => {
    assert.deepEqual(onlyProblem({ env: { FLOECAT_HTTP_PORT: '' } }).origin, {
      kind: 'environment',
      variable: 'FLOECAT_HTTP_PORT',
    });
    assert.equal(onlyProblem({ args: ['-Dfloecat.account='] }).value, '');
  });

  test('the process is an input like any other', () => {
    assert.equal(processInput().cwd, process.cwd());
    assert.equal(processInput().env, process.env);
    assert.deepEqual(processInput().args, process.argv.slice(2));
  });
});

suite('the properties file', () => {
  test('-D floecat.config names it, over FLOECAT_CONFIG, over the default', (t) => {
    const cwd = folder(t, {
      'application.properties': 'floecat.account=default-file',
      'env.properties': 'floecat.account=env-file',
      'arg.properties': 'floecat.account=arg-file',
    });
    const env = { FLOECAT_CONFIG: 'env.properties' };
    assert.equal(load({ cwd }).identity.account, 'default-file');
    assert.equal(load({ cwd, env }).identity.account, 'env-file');
    const { identity, file } = load({ cwd, env, args: ['-Dfloecat.config=arg.properties'] });
    assert.equal(identity.account, 'arg-file');
    assert.equal(file, join(cwd, 'arg.properties'));
  });

  test('one that is named must exist, and the problem says who named it', (t) => {
    const cwd = folder(t);
    const problem = onlyProblem({ cwd, env: { FLOECAT_CONFIG: 'absent.properties' } });
    assert.equal(problem.name, 'floecat.config');
    assert.equal(problem.value, join(cwd, 'absent.properties'));
    assert.deepEqual(problem.origin, { kind: 'environment', variable: 'FLOECAT_CONFIG' });
    assert.match(problem.message, /does not exist/);
  });

  test('one that cannot be read is a problem, also the default one', (t) => {
    const cwd = folder(t);
    mkdirSync(join(cwd, 'application.properties'));
    const error = refusal({ cwd });
    assert.match(error.message, /cannot be read: EISDIR/);
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'EISDIR');
  });

  test('without the permission to read it, nothing starts', (t) => {
    if (process.getuid?.() === 0) return t.skip('root can read every file');
    const cwd = folder(t, { 'application.properties': '' });
    chmodSync(join(cwd, 'application.properties'), 0o000);
    assert.match(refusal({ cwd }).message, /cannot be read: EACCES/);
  });

  test('it cannot name another file', (t) => {
    const cwd = folder(t, { 'application.properties': 'floecat.config=other.properties' });
    assert.match(onlyProblem({ cwd }).message, /cannot be set in a file; use FLOECAT_CONFIG or -D/);
  });

  test('keys of others are left alone, even twice; ours are not', (t) => {
    const foreign =
      'quarkus.http.port=1\nquarkus.http.port=2\n%dev.quarkus.x=1\nfloecats.x=C:\\data\nmy.floecat.kv=x\n';
    assert.doesNotThrow(() => load({ cwd: folder(t, { 'application.properties': foreign }) }));
    for (const key of ['floecat', 'floecat.', 'Floecat.kv', 'floecat_kv', 'FLOECAT.KV', '%dev.floecat.kv'])
      assert.equal(onlyProblem({ cwd: folder(t, { 'application.properties': `${key}=memory` }) }).name, key);
  });

  test('a key set twice is a problem, with both lines', (t) => {
    const cwd = folder(t, { 'application.properties': 'floecat.account=a\n\nfloecat.account=a\n' });
    const problem = onlyProblem({ cwd });
    assert.deepEqual(problem.origin, { kind: 'file', file: join(cwd, 'application.properties'), line: 3 });
    assert.match(problem.message, /line 1/);
  });

  test('a malformed line is a problem with file and line', (t) => {
    const cwd = folder(t, { 'application.properties': '# hello\nfloecat.kv local\n' });
    const { message, problems } = refusal({ cwd });
    assert.equal(problems.length, 1);
    assert.match(message, /application\.properties:2: there is no = or :/);
  });

  test('a Windows path with single backslashes is refused, not read without them', (t) => {
    const bad = folder(t, { 'application.properties': 'floecat.data-dir=C:\\data' });
    assert.match(onlyProblem({ cwd: bad }).message, /write \\\\ for a backslash/);
    const good = folder(t, { 'application.properties': 'floecat.account=C:\\\\data' });
    assert.equal(load({ cwd: good }).identity.account, 'C:\\data');
  });

  test('what is not UTF-8 is refused where it is ours', (t) => {
    const latin1 = Buffer.from('other.name=caf\u00e9\nfloecat.account=caf\u00e9\n', 'latin1');
    const problem = onlyProblem({ cwd: folder(t, { 'application.properties': latin1 }) });
    assert.match(problem.message, /UTF-8/);
    assert.equal((problem.origin as { line: number }).line, 2);
    const utf8 = folder(t, { 'application.properties': 'floecat.account=caf\u00e9\n' });
    assert.equal(load({ cwd: utf8 }).identity.account, 'caf\u00e9');
  });
});

suite('problems', () => {
  test('all of them, of every layer, are in one error', (t) => {
    const cwd = folder(t, {
      'application.properties': 'floecat.http.port=NaN\nfloecat.tabel=x\nnonsense\nfloecat.log.level=loud\n',
    });
    const env = { FLOECAT_REGISTER_CONCURRENCY: '65', FLOECAT_ACOUNT: 'x' };
    const args = ['-D', 'floecat.gc.cas.retention=7', '-Dflocat.kv=memory', '-D', 'floecat.kv'];
    const { problems, message } = refusal({ cwd, env, args });
    const file = join(cwd, 'application.properties');
    assert.deepEqual(
      problems.map(({ name, value, origin }) => `${name} ${value} ${origin?.kind}`).toSorted(),
      [
        'undefined undefined file',
        'FLOECAT_ACOUNT undefined environment',
        'flocat.kv undefined argument',
        'floecat.gc.cas.retention 7 argument',
        'floecat.http.port NaN file',
        'floecat.kv undefined argument',
        'floecat.log.level loud file',
        'floecat.register.concurrency 65 environment',
        'floecat.tabel undefined file',
      ].toSorted(),
    );
    for (const line of [
      '9 problems with the settings',
      `floecat.http.port = "NaN" (${file}:1): expected a whole number from 0 to 65535`,
      `floecat.tabel (${file}:2): no such property; the nearest is`,
      `${file}:3: there is no = or :`,
      'environment variable FLOECAT_ACOUNT: no such property; the nearest is FLOECAT_ACCOUNT',
      'floecat.register.concurrency = "65" (environment variable FLOECAT_REGISTER_CONCURRENCY): expected a whole number from 1 to 64',
      'flocat.kv (argument -D): no such property; the nearest is floecat.kv',
      'floecat.gc.cas.retention = "7" (argument -D): expected a whole number with its unit',
      'floecat.kv (argument -D): no value; write -D name=value',
    ])
      assert.ok(message.includes(line), `${line}\nis not in\n${message}`);
  });

  test('a long value is shown in part, and control characters do not reach the terminal', () => {
    const { message } = refusal({ args: [`-Dfloecat.kv=\u001b[31m${'x'.repeat(1_000)}`] });
    assert.ok(!message.includes('\u001b'));
    assert.ok(message.length < 300, message);
    assert.ok(!refusal({ args: ['-Dfloecat.\u001b[31m=x'] }).message.includes('\u001b'));
  });

  test('pointers and blobs in different backends are refused', () => {
    for (const [kv, blob] of [
      ['memory', 'local'],
      ['local', 'memory'],
    ] as const) {
      const problem = onlyProblem({ args: define({ 'floecat.kv': kv, 'floecat.blob': blob }) });
      assert.equal(problem.name, 'floecat.blob');
      assert.equal(problem.value, blob);
      assert.match(problem.message, /belong together, so set floecat\.blob=/);
    }
    // The default of the other one counts too.
    assert.match(
      onlyProblem({ args: ['-Dfloecat.kv=memory'] }).message,
      /floecat\.kv is memory \(argument -D\)/,
    );
    assert.match(
      onlyProblem({ args: ['-Dfloecat.blob=memory'] }).message,
      /floecat\.kv is local \(default\)/,
    );
  });

  test('secrets follow the pointers, and local ones need a local store', () => {
    const memory = { 'floecat.kv': 'memory', 'floecat.blob': 'memory' };
    assert.equal(load({ args: define(memory) }).secrets.backend, 'memory');
    assert.equal(load().secrets.backend, 'local');
    assert.equal(load({ args: ['-Dfloecat.secrets=memory'] }).secrets.backend, 'memory');
    const problem = onlyProblem({ args: define({ ...memory, 'floecat.secrets': 'local' }) });
    assert.equal(problem.name, 'floecat.secrets');
  });

  test('graces and retention reach the layout', () => {
    const { layout } = load({
      args: define({
        'floecat.gc.pointer.min-age-ms': '5000',
        'floecat.gc.cas.min-age-ms': '6000',
        'floecat.gc.cas.retention': '2h',
      }),
    });
    assert.deepEqual(layout, {
      shards: 1,
      pointerGraceMs: 5_000,
      casGraceMs: 6_000,
      casRetentionMs: 7_200_000,
    });
  });
});

suite('arguments', () => {
  test('-D name=value and -Dname=value are taken out, the rest is left in order', () => {
    const split = splitArguments([
      'serve',
      '-D',
      'a.b=1',
      '--json',
      '-Dc=2=3',
      'x',
      '-De=',
      '--',
      '-D',
      'f=4',
    ]);
    assert.deepEqual(split, {
      definitions: [
        { name: 'a.b', text: '1' },
        { name: 'c', text: '2=3' },
        { name: 'e', text: '' },
      ],
      incomplete: [],
      rest: ['serve', '--json', 'x', '--', '-D', 'f=4'],
    });
  });

  test('a -D without a value is told, without what may be a secret', () => {
    const { incomplete, rest } = splitArguments([
      '-Dfloecat.kv',
      '-D',
      '=x',
      '-Dfloecat.token:hunter2',
      '-D',
    ]);
    assert.deepEqual(incomplete, ['floecat.kv', '', 'floecat.token', '']);
    assert.deepEqual(rest, []);
    assert.equal(refusal({ args: ['-D'] }).problems.length, 1);
  });
});

suite('retries and idempotency keys', () => {
  test('are set by property', () => {
    const { retry, idempotency } = load({
      args: define({
        'floecat.retry.max-attempts': '3',
        'floecat.retry.deadline': '10s',
        'floecat.retry.base-delay': '5ms',
        'floecat.retry.max-delay': '1s',
        'floecat.idempotency.ttl-seconds': '86400',
        'floecat.idempotency.lease': '1m',
      }),
    });
    assert.deepEqual(retry, { maxAttempts: 3, deadlineMs: 10_000, baseDelayMs: 5, maxDelayMs: 1_000 });
    assert.deepEqual(idempotency, { ttlMs: 86_400_000, leaseMs: 60_000 });
  });

  test('what does not go together stops the start', () => {
    for (const [name, value, other] of [
      ['floecat.retry.base-delay', '6s', 'floecat.retry.max-delay'],
      ['floecat.idempotency.lease', '451s', 'floecat.idempotency.ttl-seconds'],
    ] as const) {
      const problem = onlyProblem({ args: define({ [name]: value }) });
      assert.deepEqual([problem.name, problem.value], [name, value]);
      assert.ok(problem.message.includes(other));
    }
  });
});
