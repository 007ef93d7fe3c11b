import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { inspect } from 'node:util';

import type { Settings } from '@floecat/config';
import { explainSettings, formatExplanation, openBootstrap, policiesOf } from '@floecat/config';

import { awsStorageConfig } from '../src/aws-storage-config.ts';
import type { AwsStorageSettings } from '../src/aws-storage-config.ts';
import { define, input, load, onlyProblem, refusal } from './support.ts';

const PLANTED = 'planted-secret-key';
const AWS = {
  'floecat.kv': 'dynamodb',
  'floecat.blob': 's3',
  'floecat.blob.s3.bucket': 'lake',
};
const KEY = {
  args: define({ ...AWS, 'floecat.fileio.override.s3.access-key-id': 'AKIA' }),
  env: { FLOECAT_FILEIO_OVERRIDE_S3_SECRET_ACCESS_KEY: PLANTED },
};

function configOf(settings: Settings): ReturnType<typeof awsStorageConfig> {
  return awsStorageConfig(settings as unknown as AwsStorageSettings);
}

function wrong(properties: Record<string, string>): string {
  return refusal({ args: define(properties) }).message;
}

suite('the AWS backend by properties', () => {
  test('three properties are enough; the rest are production defaults, and credentials the SDK finds', () => {
    const settings = load({ args: define(AWS) });
    assert.equal(settings.secrets.backend, 'aws');
    const { aws, pointers, blobs, secrets, layout } = configOf(settings);
    assert.deepEqual(aws, { endpoints: {}, pathStyleAccess: false, maxSockets: 64, connectTimeoutMs: 2_000 });
    assert.equal(pointers.tableName, 'floecat_pointers');
    assert.equal(pointers.autoCreate, false);
    assert.deepEqual(pointers.table, {
      throughput: { mode: 'on-demand' },
      ttlEnabled: true,
      pointInTimeRecovery: true,
      recoveryDays: 35,
      deletionProtection: true,
      tableClass: 'STANDARD',
      tags: {},
      allowReplicas: false,
    });
    assert.deepEqual(blobs.objects, { bucket: 'lake', keyPrefix: '', tags: {} });
    assert.deepEqual(blobs.bucket, {
      blockPublicAccess: true,
      noncurrentDays: 30,
      unfinishedUploadDays: 7,
      tags: {},
    });
    assert.equal(secrets?.recoveryDays, 30);
    assert.equal(layout?.shards, 64);
  });

  test('the defaults of requests are those of the backend', async () => {
    const { DYNAMODB_WIRE, RETRY_BUDGET, S3_WIRE, SECRETS_WIRE } = await import('@floecat/storage-aws');
    const settings = load({ args: define(AWS) });
    const { pointers, blobs, secrets } = configOf(settings);
    assert.deepEqual(pointers.wire, DYNAMODB_WIRE);
    assert.deepEqual(blobs.wire, S3_WIRE);
    assert.deepEqual(secrets?.wire, SECRETS_WIRE);
    assert.equal(settings.aws.retryBudget, RETRY_BUDGET.capacity);
  });

  test('every property reaches the backend', () => {
    const settings = load({
      args: define({
        ...AWS,
        'floecat.fileio.override.s3.region': 'eu-west-1',
        'floecat.fileio.override.s3.endpoint': 'http://s3',
        'floecat.fileio.override.s3.access-key-id': 'AKIA',
        'floecat.fileio.override.s3.path-style-access': 'true',
        'floecat.fileio.override.aws.dynamodb.endpoint-override': 'http://ddb',
        'floecat.fileio.override.aws.secretsmanager.endpoint-override': 'http://sm',
        'floecat.fileio.override.aws.sts.endpoint-override': 'http://sts',
        'floecat.aws.dynamodb.deadline': '1s',
        'floecat.kv.table': 'pointers',
        'floecat.kv.auto-create': 'true',
        'floecat.kv.shards': '8',
        'floecat.kv.billing-mode': 'provisioned',
        'floecat.kv.read-units': '10',
        'floecat.kv.write-units': '5',
        'floecat.kv.kms-key-id': 'alias/k',
        'floecat.kv.tags': 'team=lake',
        'floecat.blob.s3.key-prefix': 'x/',
        'floecat.blob.s3.auto-create': 'true',
        'floecat.blob.s3.sse': 'aws:kms',
        'floecat.blob.s3.kms-key-id': 'alias/b',
        'floecat.blob.s3.bucket-key': 'true',
        'floecat.blob.s3.storage-class': 'STANDARD_IA',
        'floecat.blob.s3.tags': 'a=b',
        'floecat.blob.s3.bucket-tags': 'c=d',
        'floecat.secrets.aws.role-arn': 'arn:aws:iam::123456789012:role/x',
        'floecat.secrets.aws.external-id': 'ext',
        'floecat.secrets.aws.session-duration': '15m',
      }),
      env: {
        FLOECAT_FILEIO_OVERRIDE_S3_SECRET_ACCESS_KEY: PLANTED,
        FLOECAT_FILEIO_OVERRIDE_S3_SESSION_TOKEN: 'token',
      },
    });
    const config = configOf(settings);
    assert.deepEqual(config.aws, {
      region: 'eu-west-1',
      endpoints: { s3: 'http://s3', dynamodb: 'http://ddb', secretsManager: 'http://sm', sts: 'http://sts' },
      accessKeyId: 'AKIA',
      secretAccessKey: PLANTED,
      sessionToken: 'token',
      pathStyleAccess: true,
      maxSockets: 64,
      connectTimeoutMs: 2_000,
    });
    assert.equal(config.pointers.wire?.deadlineMs, 1_000);
    assert.deepEqual(config.pointers.table?.throughput, {
      mode: 'provisioned',
      readUnits: 10,
      writeUnits: 5,
    });
    assert.equal(config.pointers.table?.kmsKeyId, 'alias/k');
    assert.deepEqual(config.blobs.objects, {
      bucket: 'lake',
      keyPrefix: 'x/',
      storageClass: 'STANDARD_IA',
      encryption: { algorithm: 'aws:kms', keyId: 'alias/b', bucketKey: true },
      tags: { a: 'b' },
    });
    assert.equal(config.blobs.bucket?.region, 'eu-west-1');
    assert.deepEqual(config.blobs.bucket?.encryption, config.blobs.objects.encryption);
    assert.deepEqual(config.secrets?.role, {
      roleArn: 'arn:aws:iam::123456789012:role/x',
      externalId: 'ext',
      durationSeconds: 900,
    });
    assert.equal(config.layout?.shards, 8);
  });

  test('no secret shows in settings, explanations and problems', () => {
    const settings = load(KEY);
    const shown = [
      inspect(settings, { depth: Infinity, showHidden: true }),
      JSON.stringify(settings),
      formatExplanation(explainSettings(input(KEY))),
    ].join('\n');
    assert.ok(!shown.includes(PLANTED));
    assert.ok(shown.includes('AKIA'));
  });

  test('part of a key is an error, not another identity', () => {
    for (const prefix of ['floecat.fileio.override.s3', 'floecat.upstream.s3']) {
      const variable = `${prefix.toUpperCase().replace(/[.-]/g, '_')}_SECRET_ACCESS_KEY`;
      const half = onlyProblem({ args: define({ [`${prefix}.access-key-id`]: 'AKIA' }) });
      assert.equal(half.name, `${prefix}.secret-access-key`);
      assert.match(half.message, /a key is given whole, or not at all/);
      const other = onlyProblem({ env: { [variable]: PLANTED } });
      assert.equal(other.name, `${prefix}.access-key-id`);
      const token = variable.replace('SECRET_ACCESS_KEY', 'SESSION_TOKEN');
      assert.equal(onlyProblem({ env: { [token]: PLANTED } }).name, `${prefix}.access-key-id`);
    }
  });

  test('pointers, blobs and secrets of different places are refused', () => {
    assert.match(wrong({ 'floecat.kv': 'dynamodb' }), /floecat\.blob .*set floecat\.blob=s3/);
    assert.match(wrong({ 'floecat.blob': 's3' }), /floecat\.blob .*set floecat\.blob=local/);
    assert.match(
      wrong({ ...AWS, 'floecat.secrets': 'local' }),
      /other machines would not find local secrets/,
    );
    assert.match(wrong({ 'floecat.secrets': 'aws' }), /secrets in AWS go with a store there/);
    const { 'floecat.blob.s3.bucket': _, ...bucketless } = AWS;
    assert.match(wrong(bucketless), /floecat\.blob\.s3\.bucket.*which needs a bucket/);
    assert.match(wrong({ ...AWS, 'floecat.kv.billing-mode': 'provisioned' }), /read-units and .*write-units/);
    assert.equal(load({ args: define({ ...AWS, 'floecat.secrets': 'memory' }) }).secrets.backend, 'memory');
  });

  test('an upstream key and the id of a secret that holds one exclude each other', () => {
    const { name, message } = onlyProblem({
      args: define({
        'floecat.upstream.s3.access-key-id': 'AKIA',
        'floecat.upstream.s3.secret': 's3/up',
      }),
      env: { FLOECAT_UPSTREAM_S3_SECRET_ACCESS_KEY: PLANTED },
    });
    assert.equal(name, 'floecat.upstream.s3.secret');
    assert.match(message, /give one of the two/);
  });

  test('upstream tables in S3 have settings of their own', () => {
    const { s3 } = load({
      args: define({
        ...AWS,
        'floecat.fileio.override.s3.region': 'eu-west-1',
        'floecat.upstream.s3.locations': 's3a://lake, s3://old/x',
        'floecat.upstream.s3.endpoint': 'http://other',
        'floecat.upstream.s3.secret': 's3/up',
      }),
    }).upstream;
    assert.deepEqual(s3.locations, ['s3://lake/', 's3://old/x/']);
    assert.equal(s3.s3Endpoint, 'http://other');
    assert.equal(s3.region, undefined);
    assert.equal(s3.key, undefined);
    assert.deepEqual(s3.secret, { type: 's3', id: 'up' });
  });

  test('bootstrap and policies need a store on AWS, and the id of an account twelve digits', async () => {
    await assert.rejects(
      openBootstrap(load()),
      /floecat\.kv is local, which needs none.*set floecat\.kv=dynamodb/,
    );
    await assert.rejects(policiesOf(load({ args: define(AWS) }), '12'), /twelve digits/);
  });
});
