import { randomBytes, randomInt } from 'node:crypto';

import { DynamoDB } from '@aws-sdk/client-dynamodb';
import type { AwsStorageConfig } from '@floecat/storage-aws';
import { AwsBootstrap, AwsClients, openAwsStorage } from '@floecat/storage-aws';
import type { Clock, Storage } from '@floecat/storage-spi';
import { systemClock } from '@floecat/storage-spi';
import type { StorageFixture } from '@floecat/storage-testkit';
import { createFixture, FakeClock, seededRandom } from '@floecat/storage-testkit';

import { startEndpoint } from '../../../../storage/aws/test/s3/endpoint.ts';
import { ClockHandler } from '../../../../storage/aws/test/support/clock-handler.ts';
import {
  startDynamoDbLocal,
  whyNoDynamoDbLocal,
} from '../../../../storage/aws/test/support/dynamodb-local.ts';

export interface AwsBackend extends AsyncDisposable {
  /** A table and a bucket prefix of its own, at the time of `clock` if given. */
  open(options?: { readonly clock?: Clock }): Promise<AwsFixture>;
}

export interface AwsFixture extends StorageFixture {
  /** Puts other bytes over a blob and says they were it: its newest version is damaged, those below are whole. */
  readonly putDamaged: (uri: string) => Promise<void>;
  /** Deletes the table, and opens the store with an empty one that is joined to the bucket. */
  readonly loseTable: () => Promise<Storage>;
}

/** DynamoDB Local with an S3 endpoint beside it, or why one of them cannot run here. */
export async function startAwsBackend(): Promise<AwsBackend | { readonly skip: string }> {
  const missing = whyNoDynamoDbLocal();
  if (missing !== undefined) return { skip: missing };
  const s3 = await startEndpoint();
  if ('skip' in s3) return s3;
  const dynamo = await startDynamoDbLocal();
  const bucket = `repository-${randomBytes(6).toString('hex')}`;
  // Of the case that runs.
  let time: Clock = systemClock;
  const clients = new AwsClients(
    {
      region: 'us-east-1',
      endpoints: { dynamodb: dynamo.endpoint, s3: s3.endpoint },
      accessKeyId: 'local',
      secretAccessKey: 'local',
      pathStyleAccess: true,
    },
    {
      // A store takes its time from the table, which is to have the time of the case.
      dynamodb: (settings) =>
        new DynamoDB({ ...settings, requestHandler: new ClockHandler(() => time.now()) }),
    },
  );
  return {
    open: async ({ clock: given } = {}) => {
      const clock = new FakeClock();
      time = given ?? clock;
      // Time as the case says; waiting as it really is.
      const mixed: Clock = {
        now: () => time.now(),
        monotonic: () => systemClock.monotonic(),
        sleep: (milliseconds, signal) => systemClock.sleep(milliseconds, signal),
      };
      const name = randomBytes(6).toString('hex');
      const tableName = `repository-${name}`;
      const keyPrefix = `${name}/`;
      const config = (): AwsStorageConfig => ({
        aws: clients,
        pointers: {
          tableName,
          autoCreate: true,
          table: { ttlEnabled: false, pointInTimeRecovery: false, deletionProtection: false },
        },
        blobs: { objects: { bucket, keyPrefix }, autoCreate: true },
        layout: { shards: 4 },
        clock: mixed,
        // The server remembers the write ids of other cases.
        random: seededRandom(randomInt(2 ** 31)),
      });
      let isLost = false;
      const fixture = await createFixture({
        clock,
        open: async () => {
          if (isLost) await new AwsBootstrap(config()).adopt({ onlyLost: true });
          return openAwsStorage(config());
        },
        remove: async () => void (await clients.dynamodb.deleteTable({ TableName: tableName })),
        capabilities: {
          secondClient: true,
          restart: true,
          ownStore: true,
          movableClock: true,
          keepsExpired: true,
          versionedDeletes: true,
          orderedVersionIds: false,
          damagesBlobs: false,
        },
      });
      return Object.assign(fixture, {
        loseTable: async () => {
          await clients.dynamodb.deleteTable({ TableName: tableName });
          isLost = true;
          return fixture.restart();
        },
        putDamaged: async (uri: string) => {
          const at = { Bucket: bucket, Key: keyPrefix + uri.slice(1) };
          const { Metadata } = await clients.s3.headObject(at);
          await clients.s3.putObject({ ...at, Body: Buffer.from('damaged'), ...(Metadata && { Metadata }) });
        },
      });
    },
    [Symbol.asyncDispose]: async () => {
      await clients.close();
      await dynamo.stop();
      await s3[Symbol.asyncDispose]();
    },
  };
}
