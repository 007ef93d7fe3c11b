import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { S3 } from '@aws-sdk/client-s3';

import { installEngine } from '../../../../tools/localstack/engine.ts';
import { PythonMissingError } from '../../../../tools/localstack/python-environment.ts';
import { freePort } from '../../../../tools/localstack/tied-server.ts';

const run = promisify(execFile);
const SCRIPT = join(import.meta.dirname, '..', '..', '..', '..', 'tools', 'localstack', 'localstack.ts');

const folder = await mkdtemp(join(tmpdir(), 'floecat-localstack-'));
after(() => rm(folder, { recursive: true, force: true }));

const skip = await installEngine().then(
  (python) => ({ python }),
  (error: unknown) => {
    if (error instanceof PythonMissingError) return { skip: `no emulator: ${error.message}` };
    throw error;
  },
);
const options = 'skip' in skip ? skip : {};

interface Ended {
  readonly code: number;
  readonly said: string;
}

async function localstack(
  port: number,
  command: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const all = {
    ...process.env,
    // Not there, so that the Python engine is used wherever these tests run.
    PATH: `${await fakeDocker('exit 1')}:${process.env['PATH']}`,
    LOCALSTACK_ENDPOINT: `http://127.0.0.1:${port}`,
    LOCALSTACK_BUCKET: 'lake-one',
    LOCALSTACK_TABLE: 'pointers_one',
    LOCALSTACK_STATE_DIR: join(folder, 'state'),
    ...env,
  };
  try {
    const { stdout, stderr } = await run(process.execPath, [SCRIPT, command], { env: all });
    return { code: 0, said: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, said: stdout + stderr };
  }
}

/** A folder whose `docker` does this. */
async function fakeDocker(body: string): Promise<string> {
  const home = await mkdtemp(join(folder, 'docker-'));
  await writeFile(join(home, 'docker'), `#!/bin/sh\n${body}\n`);
  await chmod(join(home, 'docker'), 0o755);
  return home;
}

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

void test(
  'up makes bucket and table, is idempotent, and down stops only what up started',
  options,
  async () => {
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const first = await localstack(port, 'up');
    assert.equal(first.code, 0, first.said);
    assert.match(first.said, /is up \(Python engine, process \d+\)/);
    try {
      await using s3 = Object.assign(
        new S3({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true }),
        {
          [Symbol.asyncDispose]: async () => s3.destroy(),
        },
      );
      const Bucket = 'lake-one';
      assert.equal((await s3.getBucketVersioning({ Bucket })).Status, 'Enabled');
      const { Rules } = await s3.getBucketLifecycleConfiguration({ Bucket });
      assert.ok(Rules?.some((rule) => rule.NoncurrentVersionExpiration?.NoncurrentDays));
      assert.ok(Rules?.some((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation));
      assert.ok(!Rules?.some((rule) => rule.Expiration), 'no rule expires current objects');
      await s3.putObject({ Bucket, Key: 'kept', Body: 'kept' });
      const dynamo = new DynamoDB({ endpoint, region: 'us-east-1', credentials });
      const { Table } = await dynamo.describeTable({ TableName: 'pointers_one' });
      assert.deepEqual(
        Table?.KeySchema?.map(({ AttributeName, KeyType }) => [AttributeName, KeyType]),
        [
          ['shard', 'HASH'],
          ['key', 'RANGE'],
        ],
      );
      const { TimeToLiveDescription: ttl } = await dynamo.describeTimeToLive({ TableName: 'pointers_one' });
      assert.deepEqual([ttl?.AttributeName, ttl?.TimeToLiveStatus], ['expires_at', 'ENABLED']);
      dynamo.destroy();

      const again = await localstack(port, 'up');
      assert.match(again.said, /is up already/);
      await s3.headObject({ Bucket, Key: 'kept' });
      assert.equal((await localstack(port, 'status')).code, 0);
      assert.match((await localstack(port, 'restart')).said, /is down[^]*is up/);
      await assert.rejects(s3.headObject({ Bucket, Key: 'kept' }), { name: 'NotFound' });
    } finally {
      assert.match((await localstack(port, 'down')).said, /is down/);
    }
    assert.match((await localstack(port, 'down')).said, /nothing is up/);
    assert.equal((await localstack(port, 'status')).code, 1);
  },
);

void test('a foreign server on the port is named and left alone', async () => {
  const server = createServer((_request, answer) => answer.end('mine'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  for (const command of ['up', 'restart']) {
    const { code, said } = await localstack(port, command);
    assert.equal(code, 1, said);
    assert.match(said, /no AWS emulator .* left alone/s);
  }
  const down = await localstack(port, 'down');
  assert.deepEqual([down.code, /left alone/.test(down.said)], [0, true]);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'mine');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

void test('another process that was given the id of the engine is not stopped', async () => {
  const port = await freePort();
  const bystander = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
  const state = join(folder, 'state', `up-${port}.json`);
  await run('mkdir', ['-p', join(folder, 'state')]);
  await writeFile(state, JSON.stringify({ kind: 'engine', pid: bystander.pid, startedAt: '1' }));
  assert.match((await localstack(port, 'down')).said, /nothing is up/);
  assert.equal(bystander.exitCode, null);
  assert.equal(bystander.signalCode, null);
  bystander.kill();
});

void test('where docker info answers, the image runs by compose, on this machine only', options, async () => {
  const port = await freePort();
  const log = join(folder, 'docker.log');
  const pid = join(folder, 'docker.pid');
  const python = 'python' in skip ? skip.python : '';
  // Stands in for the engine of Docker: the container is an emulator on the same port.
  const home = await fakeDocker(`
echo "$@ port=$LOCALSTACK_PORT" >> ${log}
case "$*" in
  info) exit 0 ;;
  *" up --detach") BIND_HOST=127.0.0.1 GATEWAY_PORT=$LOCALSTACK_PORT SERVICES=s3,dynamodb TMPDIR=${folder} DOCKER_HOST=unix:///nonexistent ${python} -m ministack >/dev/null 2>&1 & echo $! > ${pid} ;;
  *" ps --quiet") if [ -f ${pid} ]; then echo container; fi ;;
  *" down --volumes") kill "$(cat ${pid})"; rm ${pid} ;;
esac`);
  const env = { PATH: `${home}:${process.env['PATH']}` };
  const up = await localstack(port, 'up', env);
  assert.equal(up.code, 0, up.said);
  assert.match(up.said, /LocalStack in Docker/);
  assert.match((await localstack(port, 'up', env)).said, /is up already/);
  assert.match((await localstack(port, 'down', env)).said, /is down/);
  const calls = (await readFile(log, 'utf8')).trim().split('\n');
  const composed = calls.filter((call) => call.startsWith('compose '));
  assert.ok(calls.includes(`info port=`), calls.join('\n'));
  assert.ok(
    composed.every(
      (call) => call.includes(`-p floecat-localstack-${port} `) && call.endsWith(`port=${port}`),
    ),
  );
  assert.equal(composed.filter((call) => call.includes(' up --detach')).length, 1);
  assert.equal(composed.filter((call) => call.includes(' down --volumes')).length, 1);
  const compose = await readFile(join(SCRIPT, '..', 'compose.yaml'), 'utf8');
  assert.match(compose, /image: localstack\/localstack:4\.12\n/);
  assert.match(compose, /127\.0\.0\.1:/);
});

void test('an endpoint that is not on this machine is refused before anything starts', async () => {
  for (const LOCALSTACK_ENDPOINT of ['https://s3.amazonaws.com', 'http://10.0.0.1:4566', 'nonsense']) {
    const { code, said } = await localstack(1, 'up', { LOCALSTACK_ENDPOINT });
    assert.equal(code, 1);
    assert.match(said, /LOCALSTACK_ENDPOINT/);
  }
});
