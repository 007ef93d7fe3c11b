import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { RUN_TARGETS, readTarget, RefusedError } from '../../run/run-target.ts';
import { serverEnvironment } from '../../run/server-environment.ts';
import type { Variables } from './support/run-process.ts';
import { environment, ROOT } from './support/run-process.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const REAL = { REAL_AWS_BUCKET: 'lake', REAL_AWS_TABLE: 'pointers', REAL_AWS_REGION: 'eu-west-1' };
const LOCALSTACK_KEY = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

const CATALOG = 'FLOECAT_FILEIO_OVERRIDE';
const UPSTREAM = 'FLOECAT_UPSTREAM_S3';

suite('what the run targets need', () => {
  for (const [target, needed] of [
    ['run-localstack-aws', ['REAL_AWS_BUCKET', 'REAL_AWS_REGION', 'REAL_AWS_TABLE']],
    ['run-aws-localstack', ['REAL_AWS_BUCKET', 'REAL_AWS_REGION']],
    ['run-aws-aws', ['REAL_AWS_BUCKET', 'REAL_AWS_REGION', 'REAL_AWS_TABLE']],
  ] as const)
    test(`make ${target} says all that it lacks, before anything starts`, async () => {
      const { status, stderr, asked } = await make(target, {});
      assert.equal(status, 2);
      assert.match(
        stderr,
        new RegExp(`^${target} needs ${needed.join(' and ')}, such as make ${target} `, 'm'),
      );
      assert.equal(asked, 0);
      for (const missing of needed)
        refused(target, { ...REAL, [missing]: ' ' }, new RegExp(`^${target} needs ${missing}, such as`));
    });

  test('every target of the makefile is known, and no other name is', () => {
    for (const name of RUN_TARGETS) assert.equal(readTarget(name, REAL).name, name);
    assert.throws(
      () => readTarget('run-aws', REAL),
      /no target run-aws; there are run-localstack-localstack,/,
    );
  });

  test('run-aws-localstack needs no table, and run-localstack-localstack nothing', () => {
    readTarget('run-localstack-localstack', {});
    readTarget('run-aws-localstack', { ...REAL, REAL_AWS_TABLE: undefined });
  });
});

suite('what would mix the two sides is refused', () => {
  for (const target of ['run-localstack-aws', 'run-aws-localstack']) {
    test(`${target}: LocalStack's key in the variables that AWS is signed with`, () => {
      refused(target, { ...REAL, ...LOCALSTACK_KEY }, /AWS_ACCESS_KEY_ID .* hold LocalStack's key/);
      const own = { LOCALSTACK_ACCESS_KEY: 'mine', LOCALSTACK_SECRET_KEY: 'own' };
      readTarget(target, { ...REAL, ...LOCALSTACK_KEY, ...own });
    });

    for (const variable of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL_DYNAMODB'])
      for (const url of ['http://localhost:4566', 'http://127.0.0.1:4566/', 'http://[::1]:4566'])
        test(`${target}: ${variable}=${url}, which is LocalStack`, () => {
          refused(
            target,
            { ...REAL, [variable]: url },
            new RegExp(`^${variable} is the LocalStack endpoint`),
          );
          readTarget(target, { ...REAL, [variable]: 'http://127.0.0.1:4567' });
        });
  }

  test('an endpoint of LocalStack that is not on this machine', () => {
    const env = { LOCALSTACK_ENDPOINT: 'https://s3.eu-west-1.amazonaws.com' };
    refused('run-localstack-localstack', env, /LOCALSTACK_ENDPOINT is https:\/\/s3\.eu-west-1/);
    refused('run-localstack-aws', { ...REAL, ...env }, /LOCALSTACK_ENDPOINT/);
    readTarget('run-aws-aws', { ...REAL, ...env });
  });

  for (const [target, env] of [
    ['run-localstack-aws', wholeKey(`${CATALOG}_S3`)],
    ['run-localstack-aws', { [`${CATALOG}_S3_ENDPOINT`]: 'http://localhost:4566' }],
    ['run-localstack-aws', { [`${CATALOG}_AWS_DYNAMODB_ENDPOINT_OVERRIDE`]: 'http://localhost:4566' }],
    ['run-aws-aws', { [`${CATALOG}_AWS_SECRETSMANAGER_ENDPOINT_OVERRIDE`]: 'http://localhost:4566' }],
    ['run-aws-aws', { [`${CATALOG}_AWS_STS_ENDPOINT_OVERRIDE`]: 'http://localhost:4566' }],
    ['run-aws-aws', { [`${CATALOG}_S3_SESSION_TOKEN`]: 'hidden' }],
    ['run-aws-localstack', wholeKey(UPSTREAM)],
    ['run-aws-localstack', { [`${UPSTREAM}_ENDPOINT`]: 'http://localhost:4566' }],
    ['run-aws-localstack', { [`${CATALOG}_S3_SESSION_TOKEN`]: 'hidden' }],
    ['run-localstack-localstack', { [`${UPSTREAM}_SESSION_TOKEN`]: 'hidden' }],
    ['run-localstack-localstack', { [`${UPSTREAM}_SECRET`]: 'upstream/key' }],
  ] as const)
    test(`${target}: ${Object.keys(env).join(', ')}`, () => {
      const variable = Object.keys(env)[0] ?? '';
      const error = refused(target, { ...REAL, ...env }, new RegExp(`environment variable ${variable}`));
      assert.doesNotMatch(error.message, /hidden/);
    });

  test('a properties file is looked at as well, and its line is named', () => {
    using folder = temporaryFolder();
    writeFileSync(
      join(folder.path, 'application.properties'),
      'floecat.kv=local\nfloecat.fileio.override.s3.endpoint=http://localhost:4566\n',
    );
    refused('run-localstack-aws', REAL, /application\.properties:2\)/, folder.path);
    // What a target sets itself wins over the file.
    const target = readTarget('run-localstack-localstack', {});
    const env = serverEnvironment(target, {}, folder.path);
    assert.equal(env['FLOECAT_KV'], 'dynamodb');
  });

  test('settings that are wrong otherwise', () => {
    using folder = temporaryFolder();
    const target = readTarget('run-localstack-localstack', {});
    assert.throws(
      () => serverEnvironment(target, { FLOECAT_HTTP_PORT: 'x' }, folder.path),
      /FLOECAT_HTTP_PORT/,
    );
  });
});

suite('what the server is given', () => {
  test('each side is reached as the target says, for all four services', () => {
    using folder = temporaryFolder();
    const user = { AWS_PROFILE: 'mine', AWS_ACCESS_KEY_ID: 'user', PATH: '/bin' };
    const of = (name: string): NodeJS.ProcessEnv =>
      serverEnvironment(readTarget(name, REAL), { ...user, ...REAL }, folder.path);
    const catalogOnLocalstack = [
      'FLOECAT_FILEIO_OVERRIDE_AWS_DYNAMODB_ENDPOINT_OVERRIDE',
      'FLOECAT_FILEIO_OVERRIDE_AWS_SECRETSMANAGER_ENDPOINT_OVERRIDE',
      'FLOECAT_FILEIO_OVERRIDE_AWS_STS_ENDPOINT_OVERRIDE',
      'FLOECAT_FILEIO_OVERRIDE_S3_ACCESS_KEY_ID',
      'FLOECAT_FILEIO_OVERRIDE_S3_ENDPOINT',
      'FLOECAT_FILEIO_OVERRIDE_S3_PATH_STYLE_ACCESS',
      'FLOECAT_FILEIO_OVERRIDE_S3_REGION',
      'FLOECAT_FILEIO_OVERRIDE_S3_SECRET_ACCESS_KEY',
    ];
    for (const name of RUN_TARGETS) {
      const env = of(name);
      const [, upstream, catalog] = name.split('-');
      assert.deepEqual(
        namesIn(env, 'FLOECAT_FILEIO'),
        catalog === 'aws' ? ['FLOECAT_FILEIO_OVERRIDE_S3_REGION'] : catalogOnLocalstack,
      );
      assert.equal(env['FLOECAT_UPSTREAM_S3_ACCESS_KEY_ID'], upstream === 'aws' ? undefined : 'test');
      assert.equal(
        env['FLOECAT_UPSTREAM_S3_ENDPOINT'],
        upstream === 'aws' ? undefined : 'http://localhost:4566',
      );
      // The user's own AWS is there where it is meant, and only there.
      assert.equal(env['AWS_PROFILE'], name === 'run-localstack-localstack' ? undefined : 'mine');
      assert.equal(env['PATH'], '/bin');
      assert.equal(env['FLOECAT_KV_AUTO_CREATE'], catalog === 'aws' ? undefined : 'true');
    }
  });
});

function wholeKey(prefix: string): Variables {
  return { [`${prefix}_ACCESS_KEY_ID`]: 'key', [`${prefix}_SECRET_ACCESS_KEY`]: 'hidden' };
}

function namesIn(env: NodeJS.ProcessEnv, beginning: string): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(beginning))
    .toSorted();
}

function refused(name: string, env: Variables, message: RegExp, cwd?: string): Error {
  using folder = temporaryFolder();
  try {
    serverEnvironment(readTarget(name, env), env, cwd ?? folder.path);
  } catch (error) {
    assert.ok(error instanceof RefusedError, String(error));
    assert.match(error.message, message);
    return error;
  }
  assert.fail(`${name} was not refused`);
}

/** Makes a target with a server at LocalStack's endpoint that counts what it is asked. */
async function make(
  target: string,
  env: Variables,
): Promise<{ status: number | null; stderr: string; asked: number }> {
  let asked = 0;
  const server = createServer((_request, answer) => {
    asked++;
    answer.writeHead(500).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as { port: number };
    // What it is built from is taken as it is.
    const asBuilt = ['node_modules/.installed', 'proto/gen/.generated'].flatMap((file) => ['-o', file]);
    const child = spawn('make', [...asBuilt, target], {
      cwd: ROOT,
      env: environment({ LOCALSTACK_ENDPOINT: `http://127.0.0.1:${port}`, ...env }),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, stderr, asked };
  } finally {
    server.close();
  }
}
