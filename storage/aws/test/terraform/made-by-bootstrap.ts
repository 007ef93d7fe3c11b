import assert from 'node:assert/strict';

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
import { AwsBootstrap, AwsClients, defaultBuilders } from '@floecat/storage-aws';

import { CallRecorder } from '../iam/call-recorder.ts';
import type { Body } from './parse-terraform.ts';

/** Inputs of the requests by which the bootstrap makes table and bucket. */
interface Inputs {
  readonly CreateTable: CreateTableCommandInput;
  readonly UpdateTimeToLive: UpdateTimeToLiveCommandInput;
  readonly UpdateContinuousBackups: UpdateContinuousBackupsCommandInput;
  readonly CreateBucket: CreateBucketCommandInput;
  readonly PutBucketTagging: PutBucketTaggingCommandInput;
  readonly PutBucketVersioning: PutBucketVersioningCommandInput;
  readonly PutBucketEncryption: PutBucketEncryptionCommandInput;
  readonly PutPublicAccessBlock: PutPublicAccessBlockCommandInput;
  readonly PutBucketLifecycleConfiguration: PutBucketLifecycleConfigurationCommandInput;
}

export type Made = Partial<Inputs>;

/** Bootstraps a store in nothing, and answers what it sent. */
export async function bootstrapped(store: StoreDescription, endpoint: string, region: string): Promise<Made> {
  const recorder = new CallRecorder();
  await using aws = new AwsClients(
    {
      region,
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
    blobs: { ...store.blobs, autoCreate: true, bucket: { ...store.blobs.bucket, region } },
  };
  const bootstrap = new AwsBootstrap(config);
  assert.deepEqual(await bootstrap.apply(await bootstrap.plan()), []);
  assert.deepEqual(await bootstrap.plan(), []);
  // Of several rules or tags the last request has all.
  return Object.fromEntries(recorder.calls.map(({ operation, input }) => [operation, input]));
}

/** Without what is undefined, which is as good as absent. */
function defined(fields: Body): Body {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The table as Terraform has it. */
export function tableOf(made: Made): Body {
  const input = made.CreateTable as CreateTableCommandInput;
  const ttl = made.UpdateTimeToLive?.TimeToLiveSpecification;
  const recovery = made.UpdateContinuousBackups?.PointInTimeRecoverySpecification;
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
export function bucketOf(made: Made, settings: AwsStorageConfig['blobs']): Readonly<Record<string, Body>> {
  const create = made.CreateBucket as CreateBucketCommandInput;
  const tagging = made.PutBucketTagging?.Tagging?.TagSet;
  const versioning = made.PutBucketVersioning;
  const encryption = made.PutBucketEncryption;
  // What S3 does by itself is not asked of it.
  const [rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' as const } }] =
    encryption?.ServerSideEncryptionConfiguration?.Rules ?? [];
  const block = made.PutPublicAccessBlock?.PublicAccessBlockConfiguration;
  const lifecycle = made.PutBucketLifecycleConfiguration;
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
