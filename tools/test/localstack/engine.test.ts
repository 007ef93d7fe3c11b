import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { S3 } from '@aws-sdk/client-s3';

import { whoAnswers } from '../../localstack/engine.ts';
import { freePort } from '../../localstack/tied-server.ts';
import { BUCKET, engine, folder, localstack, makeLocalstack, TABLE } from './localstack-command.ts';

const options = 'skip' in engine ? engine : {};
const region = 'us-east-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

async function checkBucket(s3: S3): Promise<void> {
  assert.equal((await s3.getBucketVersioning({ Bucket: BUCKET })).Status, 'Enabled');
  const { Rules = [] } = await s3.getBucketLifecycleConfiguration({ Bucket: BUCKET });
  assert.ok(Rules.some((rule) => rule.NoncurrentVersionExpiration?.NoncurrentDays));
  assert.ok(Rules.some((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation));
  assert.ok(!Rules.some((rule) => rule.Expiration), 'no rule expires current objects');
}

async function checkTable(dynamo: DynamoDB): Promise<void> {
  const { Table: table } = await dynamo.describeTable({ TableName: TABLE });
  assert.deepEqual(
    table?.KeySchema?.map(({ AttributeName, KeyType }) => [AttributeName, KeyType]),
    [
      ['shard', 'HASH'],
      ['key', 'RANGE'],
    ],
  );
  const { TimeToLiveDescription: ttl } = await dynamo.describeTimeToLive({ TableName: TABLE });
  assert.deepEqual([ttl?.AttributeName, ttl?.TimeToLiveStatus], ['expires_at', 'ENABLED']);
}

void test(
  'make localstack-up makes bucket and table; again, it changes nothing; restart empties',
  options,
  async () => {
    const [port, otherPort] = [await freePort(), await freePort()];
    const endpoint = `http://127.0.0.1:${port}`;
    const first = await makeLocalstack(port, 'up');
    assert.equal(first.code, 0, first.said);
    assert.match(first.said, new RegExp(`${endpoint} is up \\(Python engine, process \\d+\\)`));
    const s3 = new S3({ endpoint, region, credentials, forcePathStyle: true });
    const dynamo = new DynamoDB({ endpoint, region, credentials });
    try {
      await checkBucket(s3);
      await checkTable(dynamo);
      await s3.putObject({ Bucket: BUCKET, Key: 'kept', Body: 'kept' });
      const again = await makeLocalstack(port, 'up');
      assert.match(again.said, /is up already/);
      assert.equal(processOf(again.said), processOf(first.said));
      await s3.headObject({ Bucket: BUCKET, Key: 'kept' });
      assert.equal((await makeLocalstack(port, 'status')).code, 0);

      assert.match((await localstack(otherPort, 'up')).said, /is up/);
      const restarted = await localstack(port, 'restart');
      assert.match(restarted.said, /is down[^]*is up/);
      assert.notEqual(processOf(restarted.said), processOf(first.said));
      await assert.rejects(s3.headObject({ Bucket: BUCKET, Key: 'kept' }), { name: 'NotFound' });
      await checkBucket(s3);
      await checkTable(dynamo);
    } finally {
      s3.destroy();
      dynamo.destroy();
      assert.match((await makeLocalstack(port, 'down')).said, /is down/);
    }
    assert.equal(await whoAnswers(endpoint), undefined);
    assert.match(String(await whoAnswers(`http://127.0.0.1:${otherPort}`)), /an AWS emulator/);
    assert.match((await localstack(otherPort, 'down')).said, /is down/);
    assert.match((await localstack(port, 'down')).said, /nothing is up/);
    assert.equal((await localstack(port, 'status')).code, 1);
  },
);

function processOf(said: string): string | undefined {
  return /process (\d+)/.exec(said)?.[1];
}

void test('another process that was given the id of the engine is not stopped', async () => {
  const port = await freePort();
  const bystander = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
  await mkdir(join(folder, 'state'), { recursive: true });
  const started = { kind: 'engine', pid: bystander.pid, startedAt: '1' };
  await writeFile(join(folder, 'state', `up-${port}.json`), JSON.stringify(started));
  assert.match((await localstack(port, 'down')).said, /nothing is up/);
  assert.equal(bystander.exitCode, null);
  assert.equal(bystander.signalCode, null);
  bystander.kill();
});
