import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, suite, test } from 'node:test';

import type {
  CreateTableCommandInput,
  UpdateContinuousBackupsCommandInput,
  UpdateTimeToLiveCommandInput,
} from '@aws-sdk/client-dynamodb';
import type {
  CreateBucketCommandInput,
  PutBucketEncryptionCommandInput,
  PutBucketLifecycleConfigurationCommandInput,
  PutBucketTaggingCommandInput,
  PutBucketVersioningCommandInput,
  PutPublicAccessBlockCommandInput,
} from '@aws-sdk/client-s3';
import type { AwsStorageConfig, StoreDescription } from '@floecat/storage-aws';
import {
  AwsBootstrap,
  AwsClients,
  defaultBuilders,
  storagePolicies,
  storageTerraform,
} from '@floecat/storage-aws';

import { CallRecorder } from '../iam/call-recorder.ts';
import { startEndpoint } from '../s3/endpoint.ts';
import type { Body } from './parse-terraform.ts';
import { parseTerraform } from './parse-terraform.ts';

const server = await startEndpoint();
const endpoint = 'skip' in server ? '' : server.endpoint;
after(async () => {
  if (!('skip' in server)) await server[Symbol.asyncDispose]();
});

const REGION = 'eu-west-1';
const PLACE = { region: REGION, accountId: '123456789012' };
const KEY_ARN = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

/** Requests of the bootstrap that make table and bucket, by operation. Each is made once. */
class Made {
  readonly #recorder: CallRecorder;

  constructor(recorder: CallRecorder) {
    this.#recorder = recorder;
  }

  input<T>(operation: string): T | undefined {
    const calls = this.#recorder.calls.filter((call) => call.operation === operation);
    return calls.at(-1)?.input as T | undefined;
  }
}

/** Bootstraps a store in nothing, and answers what it sent. */
async function bootstrapped(store: StoreDescription): Promise<Made> {
  const recorder = new CallRecorder();
  await using aws = new AwsClients(
    {
      region: REGION,
      endpoints: { dynamodb: endpoint, s3: endpoint, secretsManager: endpoint, sts: endpoint },
      accessKeyId: 'test',
      secretAccessKey: 'test',
      pathStyleAccess: true,
    },
    {
      dynamodb: (settings) => recorder.attach(defaultBuilders.dynamodb(settings)),
      s3: (settings) => recorder.attach(defaultBuilders.s3(settings)),
    },
  );
  const config: AwsStorageConfig = {
    ...store,
    aws,
    blobs: { ...store.blobs, autoCreate: true, bucket: { ...store.blobs.bucket, region: REGION } },
  };
  const bootstrap = new AwsBootstrap(config);
  assert.deepEqual(await bootstrap.apply(await bootstrap.plan()), []);
  assert.deepEqual(await bootstrap.plan(), []);
  return new Made(recorder);
}

/** Without what is undefined, which is as good as absent. */
function defined(fields: Body): Body {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function tableOf(made: Made): Body {
  const input = made.input<CreateTableCommandInput>('CreateTable')!;
  const ttl = made.input<UpdateTimeToLiveCommandInput>('UpdateTimeToLive')?.TimeToLiveSpecification;
  const recovery =
    made.input<UpdateContinuousBackupsCommandInput>(
      'UpdateContinuousBackups',
    )?.PointInTimeRecoverySpecification;
  const { OnDemandThroughput: limits, SSESpecification: sse } = input;
  return defined({
    name: input.TableName,
    billing_mode: input.BillingMode,
    read_capacity: input.ProvisionedThroughput?.ReadCapacityUnits,
    write_capacity: input.ProvisionedThroughput?.WriteCapacityUnits,
    hash_key: input.KeySchema?.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName,
    range_key: input.KeySchema?.find(({ KeyType }) => KeyType === 'RANGE')?.AttributeName,
    table_class: input.TableClass ?? 'STANDARD',
    deletion_protection_enabled: input.DeletionProtectionEnabled,
    tags: input.Tags && Object.fromEntries(input.Tags.map(({ Key, Value }) => [Key, Value])),
    attribute: input.AttributeDefinitions?.map(({ AttributeName, AttributeType }) => ({
      name: AttributeName,
      type: AttributeType,
    })),
    on_demand_throughput: limits && [
      {
        max_read_request_units: limits.MaxReadRequestUnits,
        max_write_request_units: limits.MaxWriteRequestUnits,
      },
    ],
    ttl: ttl && [{ attribute_name: ttl.AttributeName, enabled: ttl.Enabled }],
    point_in_time_recovery: recovery && [
      {
        enabled: recovery.PointInTimeRecoveryEnabled,
        recovery_period_in_days: recovery.RecoveryPeriodInDays,
      },
    ],
    server_side_encryption: sse && [
      {
        enabled: sse.Enabled,
        kms_key_arn: sse.KMSMasterKeyId?.startsWith('arn:aws:kms:eu-west-1:123456789012:key/')
          ? sse.KMSMasterKeyId
          : '${data.aws_kms_key.pointers.arn}',
      },
    ],
    lifecycle: [{ prevent_destroy: true }],
  });
}

/** What Terraform makes of the bucket, by type of resource. */
function bucketOf(made: Made, settings: AwsStorageConfig['blobs']): Readonly<Record<string, Body>> {
  const create = made.input<CreateBucketCommandInput>('CreateBucket')!;
  const tagging = made.input<PutBucketTaggingCommandInput>('PutBucketTagging')?.Tagging?.TagSet;
  const versioning = made.input<PutBucketVersioningCommandInput>('PutBucketVersioning');
  const encryption = made.input<PutBucketEncryptionCommandInput>('PutBucketEncryption');
  // What S3 does by itself is not asked of it.
  const [rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' as const } }] =
    encryption?.ServerSideEncryptionConfiguration?.Rules ?? [];
  const block =
    made.input<PutPublicAccessBlockCommandInput>('PutPublicAccessBlock')?.PublicAccessBlockConfiguration;
  const lifecycle = made.input<PutBucketLifecycleConfigurationCommandInput>(
    'PutBucketLifecycleConfiguration',
  );
  const bucket = '${aws_s3_bucket.blobs.id}';
  const resources: Record<string, Body> = {
    aws_s3_bucket: defined({
      bucket: create.Bucket,
      tags: tagging && Object.fromEntries(tagging.map(({ Key, Value }) => [Key, Value])),
      lifecycle: [{ prevent_destroy: true }],
    }),
    aws_s3_bucket_versioning: {
      bucket,
      versioning_configuration: [{ status: versioning?.VersioningConfiguration?.Status }],
    },
    aws_s3_bucket_server_side_encryption_configuration: {
      bucket,
      rule: [
        defined({
          bucket_key_enabled: rule.BucketKeyEnabled,
          apply_server_side_encryption_by_default: [
            defined({
              sse_algorithm: rule.ApplyServerSideEncryptionByDefault?.SSEAlgorithm,
              kms_master_key_id: rule.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID,
            }),
          ],
        }),
      ],
    },
    aws_s3_bucket_lifecycle_configuration: {
      bucket,
      depends_on: ['${aws_s3_bucket_versioning.blobs}'],
      rule: lifecycle?.LifecycleConfiguration?.Rules?.map((each) =>
        defined({
          id: each.ID,
          status: each.Status,
          filter: [{ prefix: each.Filter?.Prefix }],
          noncurrent_version_expiration: each.NoncurrentVersionExpiration && [
            { noncurrent_days: each.NoncurrentVersionExpiration.NoncurrentDays },
          ],
          abort_incomplete_multipart_upload: each.AbortIncompleteMultipartUpload && [
            { days_after_initiation: each.AbortIncompleteMultipartUpload.DaysAfterInitiation },
          ],
        }),
      ),
    },
  };
  if (settings.bucket?.blockPublicAccess !== false)
    resources['aws_s3_bucket_public_access_block'] = {
      bucket,
      block_public_acls: block?.BlockPublicAcls,
      ignore_public_acls: block?.IgnorePublicAcls,
      block_public_policy: block?.BlockPublicPolicy,
      restrict_public_buckets: block?.RestrictPublicBuckets,
    };
  return resources;
}

function named(store: Omit<StoreDescription, 'pointers' | 'blobs'> & Parts = {}): StoreDescription {
  const name = randomBytes(6).toString('hex');
  return {
    pointers: { tableName: `pointers-${name}`, ...store.pointers },
    blobs: { ...store.blobs, objects: { bucket: `lake-${name}`, ...store.blobs?.objects } },
    ...(store.secrets && { secrets: store.secrets }),
  };
}

interface Parts {
  readonly pointers?: Partial<StoreDescription['pointers']>;
  readonly blobs?: Partial<StoreDescription['blobs']>;
}

const STORES: Readonly<Record<string, () => StoreDescription>> = {
  'with the production defaults': () => named(),
  'with everything set': () =>
    named({
      pointers: {
        table: {
          throughput: { mode: 'on-demand', maxReadUnits: 100 },
          recoveryDays: 7,
          kmsKeyId: KEY_ARN,
          tableClass: 'STANDARD_INFREQUENT_ACCESS',
          tags: { team: 'lake', 'aws region': 'a+b=c' },
        },
      },
      blobs: {
        objects: { bucket: `lake-${randomBytes(6).toString('hex')}`, keyPrefix: 'one/two/' },
        bucket: {
          encryption: { algorithm: 'aws:kms', keyId: KEY_ARN, bucketKey: true },
          noncurrentDays: 90,
          unfinishedUploadDays: 2,
          tags: { team: 'lake' },
        },
      },
      secrets: {
        role: { roleArn: 'arn:aws:iam::123456789012:role/lake/floecat-secrets', externalId: 'x1' },
        kmsKeyId: KEY_ARN,
      },
    }),
  'provisioned, and with nothing that can be left out': () =>
    named({
      pointers: {
        table: {
          throughput: { mode: 'provisioned', readUnits: 5, writeUnits: 6 },
          ttlEnabled: false,
          pointInTimeRecovery: false,
          deletionProtection: false,
          kmsKeyId: 'alias/lake',
        },
      },
      blobs: { bucket: { blockPublicAccess: false } },
      secrets: {},
    }),
};

suite('Terraform', { skip: 'skip' in server ? server.skip : false }, () => {
  for (const [what, make] of Object.entries(STORES))
    test(`makes what the bootstrap makes, field by field: ${what}`, async () => {
      const store = make();
      const text = storageTerraform(store, PLACE);
      const parsed = await parseTerraform(text);
      const made = await bootstrapped(store);
      assert.deepEqual(parsed.provider['aws'], [{ region: REGION }]);
      const { aws_dynamodb_table: table, ...rest } = parsed.resources;
      assert.deepEqual(table, { pointers: tableOf(made) });

      const buckets = Object.entries(rest).filter(([type]) => type.startsWith('aws_s3_'));
      const expected = Object.entries(bucketOf(made, store.blobs));
      assert.deepEqual(
        Object.fromEntries(buckets),
        Object.fromEntries(expected.map(([type, body]) => [type, { blobs: body }])),
      );

      const { secretsRole, ...ofProcesses } = storagePolicies(store, PLACE);
      const { aws_iam_policy: policies = {}, aws_iam_role: roles, aws_iam_role_policy: inline } = rest;
      assert.deepEqual(Object.keys(policies).toSorted(), Object.keys(ofProcesses).toSorted());
      for (const [label, document] of Object.entries(ofProcesses)) {
        assert.deepEqual(JSON.parse(String(policies[label]?.['policy'])), document);
        assert.equal(policies[label]?.['name'], `${store.pointers.tableName}-${label}`);
      }
      assert.equal(roles === undefined, secretsRole === undefined);
      if (secretsRole) {
        assert.deepEqual(JSON.parse(String(inline?.['secrets']?.['policy'])), secretsRole.policy);
        assert.deepEqual(JSON.parse(String(roles?.['secrets']?.['assume_role_policy'])), secretsRole.trust);
        assert.deepEqual(
          [
            roles?.['secrets']?.['path'],
            roles?.['secrets']?.['name'],
            roles?.['secrets']?.['max_session_duration'],
          ],
          ['/lake/', 'floecat-secrets', 3_600],
        );
      }
      const others = Object.keys(rest).filter(
        (type) => !type.startsWith('aws_s3_') && !type.startsWith('aws_iam_'),
      );
      assert.deepEqual(others, [], 'and nothing else');
    });

  test('a key that has no ARN is looked up', async () => {
    const store = named({ pointers: { table: { kmsKeyId: 'alias/lake' } } });
    const { data } = await parseTerraform(storageTerraform(store, PLACE));
    assert.deepEqual(data, { aws_kms_key: { pointers: { key_id: 'alias/lake' } } });
    const byArn = named({ pointers: { table: { kmsKeyId: KEY_ARN } } });
    assert.deepEqual((await parseTerraform(storageTerraform(byArn, PLACE))).data, {});
  });

  test('text that means something to Terraform means itself', async () => {
    const odd = { team: 'la"ke ${x} \\ %{y} \u0008\n', '${a}': '$$' };
    const store = named({
      pointers: { table: { tags: odd } },
      blobs: { objects: { bucket: 'lake', keyPrefix: 'a*b?c$/' } },
    });
    const { resources } = await parseTerraform(storageTerraform(store, PLACE));
    assert.deepEqual(resources['aws_dynamodb_table']?.['pointers']?.['tags'], odd);
    const policy = String(resources['aws_iam_policy']?.['runtime']?.['policy']);
    assert.deepEqual(JSON.parse(policy), storagePolicies(store, PLACE).runtime);
    assert.ok(policy.includes('a${*}b${?}c${$}/*'));
  });

  test('settings that AWS would refuse are refused', () => {
    assert.throws(() => storageTerraform(named({ blobs: { bucket: { noncurrentDays: 0 } } }), PLACE), {
      code: 'INVALID_ARGUMENT',
    });
  });
});
