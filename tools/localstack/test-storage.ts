import { createHash, randomBytes, randomInt } from 'node:crypto';

import type { Clock, RandomSource, Storage } from '@floecat/storage-spi';
import { systemClock } from '@floecat/storage-spi';

import type { LocalstackSettings } from './settings.ts';
import { readSettings } from './settings.ts';

/**
 * Whether the suites keep the catalog on the LocalStack endpoint, as `make test-localstack` has them do, and there in the
 * bucket, and in tables that begin with the name, that follows; apart from what is developed with.
 */
const ON_LOCALSTACK = onLocalstack(process.env['FLOECAT_TEST_STORAGE']);

/** Of a table that is removed soon. */
const SHORT_LIVED = { pointInTimeRecovery: false, deletionProtection: false } as const;

function onLocalstack(text: string | undefined): LocalstackSettings | undefined {
  if (text === undefined || text === '') return undefined;
  const [, name = 'floecat-test'] = /^localstack(?::([a-z0-9-]+))?$/.exec(text) ?? [undefined, ''];
  if (name === '') throw new Error(`FLOECAT_TEST_STORAGE is ${text}; it can be localstack, or unset`);
  return { ...readSettings(process.env), bucket: name, table: name };
}

/** `seed`, or another each time where a server would remember the write ids that came of it. */
export function testSeed(seed: number): number {
  return ON_LOCALSTACK ? randomInt(2 ** 31) : seed;
}

/** An empty store of a test's own: in memory, or on LocalStack. Time is that of `clock` on both. */
export async function openTestStorage(
  options: { readonly clock?: Clock; readonly random?: RandomSource } = {},
): Promise<Storage> {
  if (ON_LOCALSTACK) return openOnLocalstack(ON_LOCALSTACK, options);
  const { openMemoryStorage } = await import('@floecat/storage-memory');
  return openMemoryStorage(options);
}

async function openOnLocalstack(
  settings: LocalstackSettings,
  { clock = systemClock, random }: { readonly clock?: Clock; readonly random?: RandomSource },
): Promise<Storage> {
  const { endpoint, region, accessKey, secretKey } = settings;
  const [{ AwsClients, openAwsStorage }, { DynamoDB }, { ClockHandler }] = await Promise.all([
    import('@floecat/storage-aws'),
    import('@aws-sdk/client-dynamodb'),
    import('../../storage/aws/test/support/clock-handler.ts'),
  ]);
  const clients = new AwsClients(
    {
      region,
      endpoints: { s3: endpoint, dynamodb: endpoint, secretsManager: endpoint, sts: endpoint },
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      pathStyleAccess: true,
    },
    {
      // A store takes its time from the table, which is to have the time of the test.
      dynamodb: (given) => new DynamoDB({ ...given, requestHandler: new ClockHandler(() => clock.now()) }),
    },
  );
  const scope = randomBytes(6).toString('hex');
  const storage = await openAwsStorage({
    aws: clients,
    pointers: {
      tableName: `${settings.table}-${scope}`,
      autoCreate: true,
      // The server would remove what expired by its own clock.
      table: { ...SHORT_LIVED, ttlEnabled: false },
    },
    blobs: { objects: { bucket: settings.bucket, keyPrefix: `${scope}/` }, autoCreate: true },
    // Time as the test says; waiting as it really is.
    clock: {
      now: () => clock.now(),
      monotonic: () => systemClock.monotonic(),
      sleep: (milliseconds, signal) => systemClock.sleep(milliseconds, signal),
    },
    ...(random && { random }),
  });
  const close = async (): Promise<void> => {
    await storage.close();
    await clients.close();
  };
  return { ...storage, close, [Symbol.asyncDispose]: close };
}

/**
 * The environment that keeps the store of a process on LocalStack, one store for each `name`; empty where the suites run
 * on their usual storage.
 */
export function testStorageVariables(name: string): Record<string, string> {
  if (!ON_LOCALSTACK) return {};
  const { endpoint, region, accessKey, secretKey, bucket, table } = ON_LOCALSTACK;
  const scope = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return {
    FLOECAT_KV: 'dynamodb',
    FLOECAT_KV_TABLE: `${table}-${scope}`,
    FLOECAT_KV_AUTO_CREATE: 'true',
    FLOECAT_KV_POINT_IN_TIME_RECOVERY: String(SHORT_LIVED.pointInTimeRecovery),
    FLOECAT_KV_DELETION_PROTECTION: String(SHORT_LIVED.deletionProtection),
    FLOECAT_BLOB: 's3',
    FLOECAT_BLOB_S3_BUCKET: bucket,
    FLOECAT_BLOB_S3_KEY_PREFIX: `${scope}/`,
    FLOECAT_BLOB_S3_AUTO_CREATE: 'true',
    FLOECAT_FILEIO_OVERRIDE_S3_REGION: region,
    FLOECAT_FILEIO_OVERRIDE_S3_ENDPOINT: endpoint,
    FLOECAT_FILEIO_OVERRIDE_S3_ACCESS_KEY_ID: accessKey,
    FLOECAT_FILEIO_OVERRIDE_S3_SECRET_ACCESS_KEY: secretKey,
    FLOECAT_FILEIO_OVERRIDE_S3_PATH_STYLE_ACCESS: 'true',
    FLOECAT_FILEIO_OVERRIDE_AWS_DYNAMODB_ENDPOINT_OVERRIDE: endpoint,
    FLOECAT_FILEIO_OVERRIDE_AWS_SECRETSMANAGER_ENDPOINT_OVERRIDE: endpoint,
    FLOECAT_FILEIO_OVERRIDE_AWS_STS_ENDPOINT_OVERRIDE: endpoint,
  };
}
