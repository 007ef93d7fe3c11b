import { randomUUID } from 'node:crypto';

import { S3 } from '@aws-sdk/client-s3';
import type { BucketSettings, BucketStep, S3BlobSettings } from '@floecat/storage-aws';
import { AwsClients, BucketBootstrap, S3_WIRE, Wire } from '@floecat/storage-aws';
import type { Clock } from '@floecat/storage-spi';
import { systemClock, systemRandom } from '@floecat/storage-spi';

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
