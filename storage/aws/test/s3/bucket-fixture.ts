import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { LifecycleRule } from '@aws-sdk/client-s3';
import { S3 } from '@aws-sdk/client-s3';
import type { BucketSettings, BucketStep, S3BlobSettings } from '@floecat/storage-aws';
import { AwsClients, BucketBootstrap, S3_WIRE, Wire } from '@floecat/storage-aws';
import type { Clock, StorageAccessDeniedError } from '@floecat/storage-spi';
import { StorageMisconfiguredError, systemClock, systemRandom } from '@floecat/storage-spi';

import { FaultyHandler } from './faults.ts';

const WIRE = { ...S3_WIRE, baseDelayMs: 1, throttleDelayMs: 1, maxDelayMs: 5, maxAttempts: 4 };
/** Time that passes only by waiting, at once. */
const IMPATIENT = impatient();

function impatient(): Clock {
  let now = systemClock.now();
  return {
    now: () => now,
    monotonic: () => now,
    sleep: async (milliseconds) => {
      now += milliseconds;
    },
  };
}

export interface BucketBench extends AsyncDisposable {
  /** Beside the bootstrap, with no faults. */
  readonly s3: S3;
  readonly handler: FaultyHandler;
  /** A name that no other test has. */
  readonly bucket: string;
  bootstrap(settings?: Partial<BucketSettings>, objects?: Partial<S3BlobSettings>): BucketBootstrap;
}

export interface BucketBenchOptions {
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Twelve digits are the account, to the emulator. Default `test`. */
  readonly accessKeyId?: string;
  readonly bucket?: string;
}

/** Bootstraps of one bucket at an endpoint, over a handler that makes faults. */
export function bucketBench(endpoint: string, options: BucketBenchOptions = {}): BucketBench {
  const { region = 'us-east-1', accessKeyId = 'test', bucket = `lake-${randomUUID()}` } = options;
  const handler = new FaultyHandler();
  const settings = {
    region,
    endpoints: { s3: endpoint },
    accessKeyId,
    secretAccessKey: 'test',
    pathStyleAccess: true,
  };
  const clients = new AwsClients(settings, {
    s3: (given) => new S3({ ...given, requestHandler: handler }),
  });
  const beside = new AwsClients(settings);
  const wire = new Wire({ clock: systemClock, random: systemRandom, settings: WIRE });
  return {
    s3: beside.s3,
    handler,
    bucket,
    bootstrap: (given = {}, objects = {}) =>
      new BucketBootstrap({
        s3: clients.s3,
        wire,
        clock: IMPATIENT,
        objects: { bucket, ...objects },
        settings: given,
      }),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([clients.close(), beside.close()]);
    },
  };
}

/** Steps as tests compare them. */
export function actionsOf(steps: readonly BucketStep[]): readonly string[] {
  return steps.map(({ action, safe }) => (safe ? action : `${action} by hand`));
}

/** What makes a bucket. */
export const EVERYTHING = [
  'create-bucket',
  'enable-versioning',
  'block-public-access',
  'expire-versions',
  'abort-uploads',
];

/** The rules of a store without a key prefix. */
export const OWN_RULES: readonly LifecycleRule[] = [
  {
    ID: 'floecat-noncurrent-versions',
    Status: 'Enabled',
    Filter: { Prefix: '' },
    NoncurrentVersionExpiration: { NoncurrentDays: 30 },
  },
  {
    ID: 'floecat-unfinished-uploads',
    Status: 'Enabled',
    Filter: { Prefix: '' },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
  },
];

export async function rulesOf({ s3, bucket }: BucketBench): Promise<readonly LifecycleRule[]> {
  return (await s3.getBucketLifecycleConfiguration({ Bucket: bucket })).Rules ?? [];
}

export async function putRules(
  { s3, bucket }: BucketBench,
  ...rules: readonly LifecycleRule[]
): Promise<void> {
  await s3.putBucketLifecycleConfiguration({
    Bucket: bucket,
    LifecycleConfiguration: { Rules: [...rules] },
  });
}

/** A bucket that fits, with an object in it. */
export async function usedBucket(bench: BucketBench): Promise<void> {
  await bench.bootstrap().ensure();
  await bench.s3.putObject({ Bucket: bench.bucket, Key: 'somebodys', Body: 'x' });
}

/** For `assert.rejects`: an error of this type with such a message. */
export function refusedAs(
  pattern: RegExp,
  type: typeof StorageMisconfiguredError | typeof StorageAccessDeniedError = StorageMisconfiguredError,
) {
  return (error: Error): boolean => {
    assert.ok(error instanceof type, `${error.name}: ${error.message}`);
    assert.match(error.message, pattern);
    return true;
  };
}
