import { createTableInput } from './dynamo/table-drift.ts';
import { ATTRIBUTES } from './dynamo/dynamo-constants.ts';
import type { TableSettings } from './dynamo/table-settings.ts';
import { DEFAULT_TABLE } from './dynamo/table-settings.ts';
import { aliasOf } from './iam/kms-key.ts';
import type { AwsPlace, PolicyDocument, StoreDescription } from './policies.ts';
import { storagePolicies } from './policies.ts';
import { CLOSED, encryptionRule } from './s3/bucket-drift.ts';
import { ownRules } from './s3/bucket-lifecycle.ts';
import { bucketSettings } from './s3/bucket-settings.ts';
import type { HclBlock } from './terraform/hcl.ts';
import { block, HclExpression, HclText, writeHcl } from './terraform/hcl.ts';

const HEADER = `# Table, bucket and policies of a Floecat store, as floecat bootstrap makes them from the same settings. The store in
# them is made by the first floecat bootstrap, or by a start with floecat.kv.auto-create=true.

`;
const BUCKET = new HclExpression('aws_s3_bucket.blobs.id');
const MAX_POLICY_NAME = 128;
/** Seconds; no role can be told less. */
const SHORTEST_SESSION = 3_600;

/** Table, bucket and policies of a store as Terraform, for version 6 of the provider hashicorp/aws. */
export function storageTerraform(store: StoreDescription, place: AwsPlace): string {
  const table = { ...DEFAULT_TABLE, ...store.pointers.table };
  return (
    HEADER +
    writeHcl([
      block('terraform', [], {}, [
        block('required_providers', [], { aws: { source: 'hashicorp/aws', version: '~> 6.0' } }),
      ]),
      block('provider', ['aws'], { region: place.region }),
      ...tableBlocks(store.pointers.tableName, table),
      ...bucketBlocks(store),
      ...policyBlocks(store, place),
    ])
  );
}

/** Against a destroy that nobody meant. */
function kept(): HclBlock {
  return block('lifecycle', [], { prevent_destroy: true });
}

function tableBlocks(tableName: string, settings: TableSettings): HclBlock[] {
  const input = createTableInput(tableName, settings);
  const [hash, range] = input.KeySchema ?? [];
  const limits = input.OnDemandThroughput;
  const { kmsKeyId, tableClass, tags } = settings;
  const isKeyArn = kmsKeyId?.startsWith('arn:') === true && aliasOf(kmsKeyId) === undefined;
  const resource = block(
    'resource',
    ['aws_dynamodb_table', 'pointers'],
    {
      name: input.TableName,
      billing_mode: input.BillingMode,
      read_capacity: input.ProvisionedThroughput?.ReadCapacityUnits,
      write_capacity: input.ProvisionedThroughput?.WriteCapacityUnits,
      hash_key: hash?.AttributeName,
      range_key: range?.AttributeName,
      table_class: tableClass,
      deletion_protection_enabled: input.DeletionProtectionEnabled,
      tags: tagsOf(tags),
    },
    [
      ...(input.AttributeDefinitions ?? []).map(({ AttributeName: name, AttributeType: type }) =>
        block('attribute', [], { name, type }),
      ),
      ...(limits
        ? [
            block('on_demand_throughput', [], {
              max_read_request_units: limits.MaxReadRequestUnits,
              max_write_request_units: limits.MaxWriteRequestUnits,
            }),
          ]
        : []),
      ...(settings.ttlEnabled
        ? [block('ttl', [], { attribute_name: ATTRIBUTES.expiresAt, enabled: true })]
        : []),
      ...(settings.pointInTimeRecovery
        ? [
            block('point_in_time_recovery', [], {
              enabled: true,
              recovery_period_in_days: settings.recoveryDays,
            }),
          ]
        : []),
      ...(kmsKeyId === undefined
        ? []
        : [
            block('server_side_encryption', [], {
              enabled: true,
              kms_key_arn: isKeyArn ? kmsKeyId : new HclExpression('data.aws_kms_key.pointers.arn'),
            }),
          ]),
      kept(),
    ],
  );
  if (kmsKeyId === undefined || isKeyArn) return [resource];
  // Terraform wants the ARN of the key, whatever it is named by.
  return [block('data', ['aws_kms_key', 'pointers'], { key_id: kmsKeyId }), resource];
}

function bucketBlocks({ blobs }: StoreDescription): HclBlock[] {
  const settings = bucketSettings(blobs.objects, blobs.bucket ?? {});
  const { bucket, keyPrefix = '' } = blobs.objects;
  const rule = encryptionRule(settings.encryption);
  const byDefault = rule.ApplyServerSideEncryptionByDefault;
  const { versions, uploads } = ownRules(keyPrefix, settings);
  const filter = block('filter', [], { prefix: keyPrefix });
  return [
    block('resource', ['aws_s3_bucket', 'blobs'], { bucket, tags: tagsOf(settings.tags) }, [kept()]),
    block('resource', ['aws_s3_bucket_versioning', 'blobs'], { bucket: BUCKET }, [
      block('versioning_configuration', [], { status: 'Enabled' }),
    ]),
    block('resource', ['aws_s3_bucket_server_side_encryption_configuration', 'blobs'], { bucket: BUCKET }, [
      block('rule', [], { bucket_key_enabled: rule.BucketKeyEnabled }, [
        block('apply_server_side_encryption_by_default', [], {
          sse_algorithm: byDefault?.SSEAlgorithm,
          kms_master_key_id: byDefault?.KMSMasterKeyID,
        }),
      ]),
    ]),
    ...(settings.blockPublicAccess
      ? [
          block('resource', ['aws_s3_bucket_public_access_block', 'blobs'], {
            bucket: BUCKET,
            block_public_acls: CLOSED.BlockPublicAcls,
            ignore_public_acls: CLOSED.IgnorePublicAcls,
            block_public_policy: CLOSED.BlockPublicPolicy,
            restrict_public_buckets: CLOSED.RestrictPublicBuckets,
          }),
        ]
      : []),
    block(
      'resource',
      ['aws_s3_bucket_lifecycle_configuration', 'blobs'],
      { bucket: BUCKET, depends_on: [new HclExpression('aws_s3_bucket_versioning.blobs')] },
      [
        block('rule', [], { id: versions.ID, status: versions.Status }, [
          filter,
          block('noncurrent_version_expiration', [], {
            noncurrent_days: versions.NoncurrentVersionExpiration?.NoncurrentDays,
          }),
        ]),
        block('rule', [], { id: uploads.ID, status: uploads.Status }, [
          filter,
          block('abort_incomplete_multipart_upload', [], {
            days_after_initiation: uploads.AbortIncompleteMultipartUpload?.DaysAfterInitiation,
          }),
        ]),
      ],
    ),
  ];
}

function policyBlocks(store: StoreDescription, place: AwsPlace): HclBlock[] {
  const { secretsRole, ...ofProcesses } = storagePolicies(store, place);
  const policies = Object.entries(ofProcesses).map(([label, document]) =>
    block('resource', ['aws_iam_policy', label], {
      name: `${store.pointers.tableName.slice(0, MAX_POLICY_NAME - label.length - 1)}-${label}`,
      policy: jsonOf(document),
    }),
  );
  const { roleArn, durationSeconds = SHORTEST_SESSION } = store.secrets?.role ?? {};
  if (!secretsRole || roleArn === undefined) return policies;
  const path = roleArn.slice(roleArn.indexOf(':role/') + ':role'.length);
  const name = path.slice(path.lastIndexOf('/') + 1);
  return [
    ...policies,
    block('resource', ['aws_iam_role', 'secrets'], {
      name,
      path: path.slice(0, -name.length),
      max_session_duration: Math.max(SHORTEST_SESSION, durationSeconds),
      assume_role_policy: jsonOf(secretsRole.trust),
    }),
    block('resource', ['aws_iam_role_policy', 'secrets'], {
      name,
      role: new HclExpression('aws_iam_role.secrets.id'),
      policy: jsonOf(secretsRole.policy),
    }),
  ];
}

function jsonOf(document: PolicyDocument): HclText {
  return new HclText(JSON.stringify(document, undefined, 2));
}

function tagsOf(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  return Object.keys(tags).length > 0 ? tags : undefined;
}
