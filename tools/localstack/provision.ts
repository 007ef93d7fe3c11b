import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CreateBucketCommand,
  HeadBucketCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';

import type { LocalstackSettings } from './settings.ts';

const NONCURRENT_DAYS = 30;
const UNFINISHED_UPLOAD_DAYS = 7;

/** Makes what is missing of the bucket (versioned, with its lifecycle rules) and the table (with its TTL). */
export async function provision(settings: LocalstackSettings): Promise<void> {
  const { endpoint, region, accessKey, secretKey } = settings;
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const dynamo = new DynamoDBClient({ endpoint, region, credentials });
  try {
    await provisionBucket(s3, settings);
    await provisionTable(dynamo, settings.table);
  } finally {
    s3.destroy();
    dynamo.destroy();
  }
}

async function provisionBucket(s3: S3Client, { bucket, region }: LocalstackSettings): Promise<void> {
  const exists = await unless('NotFound', () => s3.send(new HeadBucketCommand({ Bucket: bucket })));
  if (!exists) {
    const where =
      region === 'us-east-1'
        ? {}
        : { CreateBucketConfiguration: { LocationConstraint: region as 'eu-west-1' } };
    await unless('BucketAlreadyOwnedByYou', () =>
      s3.send(new CreateBucketCommand({ Bucket: bucket, ...where })),
    );
  }
  await s3.send(
    new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  const everything = { Status: 'Enabled', Filter: { Prefix: '' } } as const;
  await s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket: bucket,
      LifecycleConfiguration: {
        Rules: [
          {
            ...everything,
            ID: 'noncurrent-versions',
            NoncurrentVersionExpiration: { NoncurrentDays: NONCURRENT_DAYS },
          },
          {
            ...everything,
            ID: 'unfinished-uploads',
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: UNFINISHED_UPLOAD_DAYS },
          },
        ],
      },
    }),
  );
}

async function provisionTable(dynamo: DynamoDBClient, table: string): Promise<void> {
  await unless('ResourceInUseException', () =>
    dynamo.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'shard', AttributeType: 'S' },
          { AttributeName: 'key', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'shard', KeyType: 'HASH' },
          { AttributeName: 'key', KeyType: 'RANGE' },
        ],
      }),
    ),
  );
  const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: table }));
  const keys = Table?.KeySchema?.map(({ AttributeName }) => AttributeName).join(', ');
  if (keys !== 'shard, key')
    throw new Error(
      `the table ${table} has the keys ${keys}, not shard, key: name another in LOCALSTACK_TABLE`,
    );
  const { TimeToLiveDescription: ttl } = await dynamo.send(
    new DescribeTimeToLiveCommand({ TableName: table }),
  );
  if (ttl?.TimeToLiveStatus === 'ENABLED' || ttl?.TimeToLiveStatus === 'ENABLING') return;
  const TimeToLiveSpecification = { AttributeName: 'expires_at', Enabled: true };
  await dynamo.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification }));
}

/** Whether `call` went through; false where it failed with the error named, which is expected. */
async function unless(name: string, call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if ((error as Error).name === name) return false;
    throw error;
  }
}
