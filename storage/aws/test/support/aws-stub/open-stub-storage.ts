import { AwsClients, openAwsStorage } from '@floecat/storage-aws';
import type { AwsSettings, AwsStorage } from '@floecat/storage-aws';

const BUCKET = 'floecat-stub';

/** Settings for a client of a stub, or of any server on this machine that speaks for both services. */
export function stubSettings(endpoint: string): AwsSettings {
  return {
    region: 'us-east-1',
    endpoints: { dynamodb: endpoint, s3: endpoint, secretsManager: endpoint },
    accessKeyId: 'local',
    secretAccessKey: 'local',
    pathStyleAccess: true,
  };
}

/** A new store in a table and a bucket of its own at that endpoint, opened as in production. */
export async function openStubStorage(endpoint: string): Promise<AwsStorage> {
  await using clients = new AwsClients(stubSettings(endpoint));
  await clients.s3.createBucket({ Bucket: BUCKET });
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await clients.s3.putBucketVersioning({ Bucket: BUCKET, VersioningConfiguration });
  return openAwsStorage({
    aws: stubSettings(endpoint),
    pointers: { tableName: 'floecat_stub', autoCreate: true, table: { pointInTimeRecovery: false } },
    blobs: { objects: { bucket: BUCKET } },
  });
}
