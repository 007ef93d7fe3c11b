import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { AwsClients } from '@floecat/storage-aws';

import { startDynamoDbLocal, whyNoDynamoDbLocal } from '../../storage/aws/test/support/dynamodb-local.ts';
import { startAwsEndpoint } from './aws-endpoint.ts';

/** A store of a drill's own, and the accidents that it can have. */
export interface DrillStore {
  /** How the command finds it. */
  readonly env: Readonly<Record<string, string>>;
  /** Where its backups go. */
  readonly backups: string;
  /** Destroys the table of pointers for good. */
  readonly loseTable: () => Promise<void>;
  /** What point-in-time recovery does: a second table with all the rows that there are now. Answers its name. */
  readonly copyTable?: () => Promise<string>;
}

export function localStore(folder: string): DrillStore {
  return {
    env: { FLOECAT_DATA_DIR: join(folder, 'store'), FLOECAT_SEED_ENABLED: 'false' },
    backups: join(folder, 'backups'),
    loseTable: () => rm(join(folder, 'store', 'pointers'), { recursive: true }),
  };
}

export interface DrillServers extends AsyncDisposable {
  store(folder: string): Promise<DrillStore>;
}

/** DynamoDB Local and an S3 endpoint, or why they cannot run here. */
export async function startDrillServers(): Promise<DrillServers | { readonly skip: string }> {
  const missing = whyNoDynamoDbLocal();
  if (missing !== undefined) return { skip: missing };
  const s3 = await startAwsEndpoint();
  if ('skip' in s3) return s3;
  const dynamo = await startDynamoDbLocal();
  const clients = new AwsClients({
    region: 'us-east-1',
    endpoints: { dynamodb: dynamo.endpoint, s3: s3.endpoint },
    accessKeyId: 'test',
    secretAccessKey: 'test-secret-planted',
    pathStyleAccess: true,
  });
  return {
    store: async (folder) => {
      const env = {
        ...s3.store(),
        FLOECAT_FILEIO_OVERRIDE_AWS_DYNAMODB_ENDPOINT_OVERRIDE: dynamo.endpoint,
        FLOECAT_KV_AUTO_CREATE: 'true',
        FLOECAT_BLOB_S3_AUTO_CREATE: 'true',
        FLOECAT_KV_DELETION_PROTECTION: 'false',
        FLOECAT_KV_POINT_IN_TIME_RECOVERY: 'false',
        FLOECAT_DATA_DIR: folder,
        FLOECAT_SEED_ENABLED: 'false',
      };
      const TableName = (env as Record<string, string>)['FLOECAT_KV_TABLE'] as string;
      const bucket = `backups-${randomBytes(6).toString('hex')}`;
      await clients.s3.createBucket({ Bucket: bucket });
      return {
        env,
        backups: `s3://${bucket}/floecat`,
        loseTable: async () => void (await clients.dynamodb.deleteTable({ TableName })),
        copyTable: () => copyTable(clients, TableName),
      };
    },
    [Symbol.asyncDispose]: async () => {
      await clients.close();
      await dynamo.stop();
      await s3[Symbol.asyncDispose]();
    },
  };
}

/** Called where nobody writes, so that the copy is of one moment. */
async function copyTable({ dynamodb }: AwsClients, from: string): Promise<string> {
  const TableName = `${from}-restored`;
  const { Table } = await dynamodb.describeTable({ TableName: from });
  await dynamodb.createTable({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: Table?.AttributeDefinitions,
    KeySchema: Table?.KeySchema,
  });
  const { Items = [], LastEvaluatedKey } = await dynamodb.scan({ TableName: from, ConsistentRead: true });
  // A page is 1 MB, and a drill's table is smaller.
  if (LastEvaluatedKey) throw new Error(`${from} has more than a page`);
  for (const Item of Items) await dynamodb.putItem({ TableName, Item });
  return TableName;
}
