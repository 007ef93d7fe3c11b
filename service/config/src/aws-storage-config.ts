import type { AwsKeys, AwsSettings, AwsStorageConfig } from '@floecat/storage-aws';

import type { AwsAccess, BlobsInS3, PointersInDynamo, S3Access, SecretsInAws } from './aws-settings.ts';
import type { StorageSettings } from './storage-settings.ts';

/** The settings of a store whose pointers and blobs are on AWS. */
export type AwsStorageSettings = StorageSettings & {
  readonly kv: PointersInDynamo;
  readonly blob: BlobsInS3;
};

/** What the AWS backend is opened with. The only place, beside the upstream's, where a secret is revealed. */
export function awsStorageConfig(settings: AwsStorageSettings): Omit<AwsStorageConfig, 'budget'> {
  const { kv, blob, secrets, aws, layout } = settings;
  const { backend: _, ...inAws } = secrets as { backend: 'aws' } & SecretsInAws;
  return {
    aws: awsSettings(aws),
    pointers: { tableName: kv.tableName, autoCreate: kv.autoCreate, table: kv.table, wire: kv.wire },
    blobs: {
      autoCreate: blob.autoCreate,
      objects: blob.objects,
      bucket: {
        ...blob.bucket,
        ...(aws.region !== undefined && { region: aws.region }),
        ...(blob.objects.encryption && { encryption: blob.objects.encryption }),
      },
      wire: blob.wire,
    },
    ...(secrets.backend === 'aws' && { secrets: inAws }),
    layout,
  };
}

/** What clients are made from. */
export function awsSettings(access: S3Access & Partial<AwsAccess>): AwsSettings {
  const { region, s3Endpoint, dynamodbEndpoint, secretsManagerEndpoint, stsEndpoint } = access;
  const { pathStyleAccess, maxSockets, connectTimeoutMs } = access;
  return {
    ...(region !== undefined && { region }),
    endpoints: {
      ...(s3Endpoint !== undefined && { s3: s3Endpoint }),
      ...(dynamodbEndpoint !== undefined && { dynamodb: dynamodbEndpoint }),
      ...(secretsManagerEndpoint !== undefined && { secretsManager: secretsManagerEndpoint }),
      ...(stsEndpoint !== undefined && { sts: stsEndpoint }),
    },
    ...revealed(access),
    pathStyleAccess,
    ...(maxSockets !== undefined && { maxSockets }),
    ...(connectTimeoutMs !== undefined && { connectTimeoutMs }),
  };
}

function revealed({ key }: S3Access): AwsKeys | undefined {
  if (!key) return undefined;
  const { accessKeyId, secretAccessKey, sessionToken } = key;
  return {
    accessKeyId,
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken && { sessionToken: sessionToken.reveal() }),
  };
}
