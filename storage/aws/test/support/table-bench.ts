import { randomBytes } from 'node:crypto';

import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import type { DynamoPointerTableBootstrap, TableSettings, TableStep } from '@floecat/storage-aws';
import { AwsClients, dynamoParts } from '@floecat/storage-aws';

import { FaultHandler } from './fault-handler.ts';
import { localSettings } from './local-clients.ts';

/** The keys of a pointer table. */
export const KEYS = {
  AttributeDefinitions: [
    { AttributeName: 'shard', AttributeType: 'S' },
    { AttributeName: 'key', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'shard', KeyType: 'HASH' },
    { AttributeName: 'key', KeyType: 'RANGE' },
  ],
} satisfies Partial<CreateTableCommandInput>;
const WIRE = { baseDelayMs: 1, throttleDelayMs: 1, maxDelayMs: 5 };

/** Bootstraps of one table at an endpoint, over a handler that makes faults. */
export interface TableBench extends AsyncDisposable {
  /** Beside the bootstrap, with no faults. */
  readonly dynamodb: DynamoDB;
  readonly faults: FaultHandler;
  /** A name that no other test has. */
  readonly table: string;
  bootstrap(settings?: Partial<TableSettings>): DynamoPointerTableBootstrap;
}

export function tableBench(endpoint: string): TableBench {
  const faults = new FaultHandler();
  const aws = new AwsClients(localSettings(endpoint), {
    dynamodb: (settings) => new DynamoDB({ ...settings, requestHandler: faults }),
  });
  const beside = new AwsClients(localSettings(endpoint));
  const table = `pointers-${randomBytes(6).toString('hex')}`;
  return {
    dynamodb: beside.dynamodb,
    faults,
    table,
    bootstrap: (settings = {}) =>
      dynamoParts({ aws, tableName: table, table: settings, wire: WIRE }).bootstrap,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([aws.close(), beside.close()]);
    },
  };
}

/** A table as this store would make it, but for `input`. */
export async function makeTable(
  { dynamodb, table }: TableBench,
  input: Partial<CreateTableCommandInput>,
): Promise<void> {
  await dynamodb.createTable({
    ...KEYS,
    TableName: table,
    BillingMode: 'PAY_PER_REQUEST',
    DeletionProtectionEnabled: true,
    ...input,
  });
  await dynamodb.updateTimeToLive({
    TableName: table,
    TimeToLiveSpecification: { Enabled: true, AttributeName: 'expires_at' },
  });
}

/** Steps as tests compare them. */
export function actionsOf(steps: readonly TableStep[]): readonly string[] {
  return steps.map(({ action, safe }) => (safe ? action : `${action} by hand`));
}

/** Steps of a plan of a table that is as it should be, but for `input` and `settings`. */
export async function driftOf(
  bench: TableBench,
  input: Partial<CreateTableCommandInput>,
  settings: Partial<TableSettings>,
): Promise<readonly TableStep[]> {
  await makeTable(bench, input);
  return bench.bootstrap({ pointInTimeRecovery: false, ...settings }).plan();
}
