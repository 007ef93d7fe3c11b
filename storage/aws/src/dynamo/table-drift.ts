import type { CreateTableCommandInput, TableDescription } from '@aws-sdk/client-dynamodb';

import { sameKey } from '../iam/kms-key.ts';
import { tagDrift } from '../tag-drift.ts';
import { ATTRIBUTES } from './dynamo-constants.ts';
import type { Recovery, Switch } from './table-admin.ts';
import type { TableSettings } from './table-settings.ts';

/** One thing about the table that is not as configured. */
export interface TableStep {
  readonly action:
    | 'create-table'
    | 'enable-ttl'
    | 'disable-ttl'
    | 'enable-recovery'
    | 'recovery-days'
    | 'protect'
    | 'throughput'
    | 'table-class'
    | 'encrypt'
    | 'add-tags'
    | 'change-tags';
  /** For people: what is, and what would be. */
  readonly description: string;
  /** Whether `apply` does it. The others cost money, time or history, and are an operator's decision. */
  readonly safe: boolean;
}

/** How a table is. What nobody asked for was not looked at. */
export interface TableState {
  readonly table: TableDescription;
  readonly ttl: Switch;
  readonly recovery: Recovery;
  /** `undefined` where there are none to be had, or none are configured. */
  readonly tags: Readonly<Record<string, string>> | undefined;
}

/** As DynamoDB makes it: without what CreateTable cannot set. */
export function createTableInput(tableName: string, settings: TableSettings): CreateTableCommandInput {
  const { throughput, deletionProtection, kmsKeyId, tableClass, tags } = settings;
  const { shard, key } = ATTRIBUTES;
  return {
    TableName: tableName,
    AttributeDefinitions: [
      { AttributeName: shard, AttributeType: 'S' },
      { AttributeName: key, AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: shard, KeyType: 'HASH' },
      { AttributeName: key, KeyType: 'RANGE' },
    ],
    ...throughputInput(throughput),
    DeletionProtectionEnabled: deletionProtection,
    ...(kmsKeyId !== undefined && {
      SSESpecification: { Enabled: true, SSEType: 'KMS', KMSMasterKeyId: kmsKeyId },
    }),
    ...(tableClass !== 'STANDARD' && { TableClass: tableClass }),
    ...(Object.keys(tags).length > 0 && {
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    }),
  };
}

function throughputInput(throughput: TableSettings['throughput']): Partial<CreateTableCommandInput> {
  if (throughput.mode === 'provisioned') {
    const { readUnits, writeUnits } = throughput;
    return {
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: readUnits, WriteCapacityUnits: writeUnits },
    };
  }
  const { maxReadUnits, maxWriteUnits } = throughput;
  if (maxReadUnits === undefined && maxWriteUnits === undefined) return { BillingMode: 'PAY_PER_REQUEST' };
  return {
    BillingMode: 'PAY_PER_REQUEST',
    // -1 lifts a limit.
    OnDemandThroughput: {
      MaxReadRequestUnits: maxReadUnits ?? -1,
      MaxWriteRequestUnits: maxWriteUnits ?? -1,
    },
  };
}

/** What making a table takes. */
export function creationSteps(tableName: string, settings: TableSettings): TableStep[] {
  const { throughput, ttlEnabled, pointInTimeRecovery } = settings;
  const description = `table ${tableName} does not exist, would be made, ${shownThroughput(throughput)}`;
  return [
    step('create-table', description),
    ...(ttlEnabled ? [step('enable-ttl', ENABLE_TTL)] : []),
    ...(pointInTimeRecovery ? [step('enable-recovery', enableRecovery(settings))] : []),
  ];
}

/** How a table differs from the settings, in the order in which it would be changed. */
export function tableDrift(state: TableState, settings: TableSettings): TableStep[] {
  return [
    ...ttlDrift(state, settings),
    ...recoveryDrift(state, settings),
    ...protectionDrift(state, settings),
    ...throughputDrift(state, settings),
    ...classDrift(state, settings),
    ...keyDrift(state, settings),
    ...(state.tags ? tagDrift(state.tags, settings.tags) : []),
  ];
}

const ENABLE_TTL = `time to live is off, would be switched on, by ${ATTRIBUTES.expiresAt}`;

function ttlDrift({ ttl }: TableState, { ttlEnabled }: TableSettings): TableStep[] {
  if (ttlEnabled && ttl === 'off') return [step('enable-ttl', ENABLE_TTL)];
  if (ttlEnabled || ttl === 'off' || ttl === 'unavailable') return [];
  const description =
    'time to live is on, configured is off; it only removes what is absent anyway, so switch it off by hand if you want it off';
  return [step('disable-ttl', description, false)];
}

function enableRecovery({ recoveryDays }: TableSettings): string {
  return `point-in-time recovery is off, would be switched on, for ${recoveryDays} days`;
}

function recoveryDrift({ recovery }: TableState, settings: TableSettings): TableStep[] {
  const { pointInTimeRecovery, recoveryDays } = settings;
  if (!pointInTimeRecovery) return [];
  if (recovery.state === 'off') return [step('enable-recovery', enableRecovery(settings))];
  const days = recovery.state === 'on' ? recovery.days : undefined;
  if (days === undefined || days === recoveryDays) return [];
  const description = `point-in-time recovery reaches back ${days} days, would reach back ${recoveryDays}`;
  const lost = days > recoveryDays ? ', and what is older could not be restored any more' : '';
  return [step('recovery-days', description + lost, days < recoveryDays)];
}

function protectionDrift({ table }: TableState, { deletionProtection }: TableSettings): TableStep[] {
  if (!deletionProtection || table.DeletionProtectionEnabled === true) return [];
  return [step('protect', 'the table can be deleted, would be protected from it')];
}

function throughputDrift({ table }: TableState, { throughput }: TableSettings): TableStep[] {
  const is = shownThroughput(throughputOf(table));
  const wanted = shownThroughput(throughput);
  return is === wanted ? [] : [step('throughput', `throughput is ${is}, configured is ${wanted}`, false)];
}

function throughputOf(table: TableDescription): TableSettings['throughput'] {
  if (table.BillingModeSummary?.BillingMode === 'PAY_PER_REQUEST') {
    const { MaxReadRequestUnits, MaxWriteRequestUnits } = table.OnDemandThroughput ?? {};
    return {
      mode: 'on-demand',
      ...(isLimit(MaxReadRequestUnits) && { maxReadUnits: MaxReadRequestUnits }),
      ...(isLimit(MaxWriteRequestUnits) && { maxWriteUnits: MaxWriteRequestUnits }),
    };
  }
  const { ReadCapacityUnits = 0, WriteCapacityUnits = 0 } = table.ProvisionedThroughput ?? {};
  return { mode: 'provisioned', readUnits: ReadCapacityUnits, writeUnits: WriteCapacityUnits };
}

function isLimit(units: number | undefined): units is number {
  return units !== undefined && units >= 0;
}

function shownThroughput(throughput: TableSettings['throughput']): string {
  if (throughput.mode === 'provisioned')
    return `provisioned with ${throughput.readUnits} read and ${throughput.writeUnits} write units`;
  const { maxReadUnits = 'unlimited', maxWriteUnits = 'unlimited' } = throughput;
  return `on demand with ${maxReadUnits} read and ${maxWriteUnits} write units`;
}

function classDrift({ table }: TableState, { tableClass }: TableSettings): TableStep[] {
  const found = table.TableClassSummary?.TableClass ?? 'STANDARD';
  if (found === tableClass) return [];
  return [step('table-class', `table class is ${found}, configured is ${tableClass}`, false)];
}

function keyDrift({ table }: TableState, { kmsKeyId }: TableSettings): TableStep[] {
  const { SSEDescription: sse } = table;
  const found = sse?.Status === 'DISABLED' ? undefined : sse?.KMSMasterKeyArn;
  if (kmsKeyId === undefined ? found === undefined : sameKey(found, kmsKeyId)) return [];
  const [is, wanted] = [found, kmsKeyId].map((key) => key ?? 'the one that AWS owns');
  return [step('encrypt', `the key that encrypts the table is ${is}, configured is ${wanted}`, false)];
}

function step(action: TableStep['action'], description: string, safe = true): TableStep {
  return { action, description, safe };
}
