import { randomBytes } from 'node:crypto';

import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { AwsClients, openDynamoPointers } from '@floecat/storage-aws';
import { openMemoryStorage } from '@floecat/storage-memory';
import type { Clock, Storage } from '@floecat/storage-spi';
import { systemClock } from '@floecat/storage-spi';
import type { StorageFixture } from '@floecat/storage-testkit';
import { createFixture, FakeClock } from '@floecat/storage-testkit';

import { ClockHandler } from './clock-handler.ts';
import { localSettings } from './local-clients.ts';

export interface DynamoFixtureOptions {
  /** A table for each case alone. Else all cases share one, each below a prefix of its own. */
  readonly ownTable: boolean;
  readonly shards: number;
}

/** Makes fixtures on one DynamoDB Local, one at a time, all over the same SDK client. */
export class DynamoFixtures implements AsyncDisposable {
  readonly #clients: AwsClients;
  #clock = new FakeClock();

  constructor(endpoint: string) {
    this.#clients = new AwsClients(localSettings(endpoint), {
      dynamodb: (settings) => {
        const requestHandler = new ClockHandler(() => this.#clock.now());
        return new DynamoDB({ ...settings, requestHandler });
      },
    });
  }

  /** Pointers on DynamoDB Local; blobs and secrets, which no pointer case looks at closely, in memory. */
  open({ ownTable, shards }: DynamoFixtureOptions): Promise<StorageFixture> {
    const clock = new FakeClock();
    const name = randomBytes(6).toString('hex');
    const tableName = ownTable ? `case-${name}` : `shared-${shards}`;
    this.#clock = clock;
    // Time as the case says; waiting as it really is.
    const mixed: Clock = {
      now: () => clock.now(),
      monotonic: () => systemClock.monotonic(),
      sleep: (milliseconds, signal) => systemClock.sleep(milliseconds, signal),
    };
    const open = async (): Promise<Storage> => {
      const { pointers, system, layout } = await openDynamoPointers({
        aws: this.#clients,
        tableName,
        autoCreate: true,
        // DynamoDB Local removes what expired by its own clock, which is not the one of the case.
        table: { ttlEnabled: false, pointInTimeRecovery: false, deletionProtection: false },
        layout: { shards },
        // A busy machine must not make an answer late, and so the outcome of a write unknown.
        wire: { attemptTimeoutMs: 60_000, deadlineMs: 120_000 },
        clock: mixed,
      });
      const rest = openMemoryStorage({ clock });
      const close = async (): Promise<void> => {
        await system.close();
        await pointers.close();
        await rest.close();
      };
      return {
        pointers,
        system,
        blobs: rest.blobs,
        secrets: rest.secrets,
        layout,
        close,
        [Symbol.asyncDispose]: close,
      };
    };
    const remove = async (): Promise<void> => {
      if (ownTable) await this.#clients.dynamodb.deleteTable({ TableName: tableName });
    };
    return createFixture({
      clock,
      open,
      remove,
      // With the shared table each case is one scope of its own, five slashes deep.
      prefix: ownTable ? '/' : `/accounts/${name}/tables/by-id/`,
      capabilities: {
        secondClient: true,
        restart: true,
        ownStore: ownTable,
        movableClock: true,
        keepsExpired: true,
        versionedDeletes: false,
        orderedVersionIds: false,
        damagesBlobs: false,
      },
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#clients.close();
  }
}
