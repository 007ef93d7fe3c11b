import type { CreateTableCommandInput, TableDescription } from '@aws-sdk/client-dynamodb';
import type { Clock } from '@floecat/storage-spi';
import { StorageUnavailableError } from '@floecat/storage-spi';

import { ATTRIBUTES } from './dynamo-constants.ts';
import type { TableAdmin } from './table-admin.ts';
import { checkTable, isServing } from './table-check.ts';
import type { TableSettings } from './table-settings.ts';
import { TABLE_WAIT } from './table-settings.ts';

/** One thing about the table that is not as configured. */
export interface TableStep {
  readonly action:
    | 'create-table'
    | 'enable-ttl'
    | 'enable-recovery'
    | 'protect'
    | 'throughput'
    | 'table-class'
    | 'encrypt';
  /** For people: what is, and what would be. */
  readonly description: string;
  /** Whether `apply` does it. The others cost money or time and are an operator's decision. */
  readonly safe: boolean;
}

export interface DynamoPointerTableBootstrapConfig {
  readonly admin: TableAdmin;
  readonly clock: Clock;
  readonly settings: TableSettings;
}

/** Makes the pointer table and says how an existing one differs. Many processes may do so at once. */
export class DynamoPointerTableBootstrap {
  readonly #admin: TableAdmin;
  readonly #clock: Clock;
  readonly #settings: TableSettings;

  constructor({ admin, clock, settings }: DynamoPointerTableBootstrapConfig) {
    this.#admin = admin;
    this.#clock = clock;
    this.#settings = settings;
  }

  /**
   * What would change, in the order in which it would; changes nothing. Throws `StorageMisconfiguredError` for a
   * table that this store cannot live in.
   */
  async plan(): Promise<readonly TableStep[]> {
    const { ttlEnabled, pointInTimeRecovery, recoveryDays } = this.#settings;
    const table = await this.ready();
    const steps: TableStep[] = [];
    if (!table) steps.push(step('create-table', `create table ${this.#admin.tableName}`));
    const ttl = table ? await this.verify(table) : undefined;
    if (ttlEnabled && (!ttl || ttl.state === 'off'))
      steps.push(step('enable-ttl', `switch time to live on, by ${ATTRIBUTES.expiresAt}`));
    const recovery = table ? await this.#admin.pointInTimeRecovery() : 'off';
    if (pointInTimeRecovery && recovery === 'off')
      steps.push(step('enable-recovery', `switch point-in-time recovery on, for ${recoveryDays} days`));
    return table ? [...steps, ...this.#drift(table)] : steps;
  }

  /** Does the safe steps of a plan and answers the others. */
  async apply(steps: readonly TableStep[]): Promise<readonly TableStep[]> {
    const left: TableStep[] = [];
    for (const each of steps)
      if (each.safe) await this.#do(each);
      else left.push(each);
    return left;
  }

  /**
   * What a start with auto-create does: makes the table if it is missing, and finishes what another process began to
   * make. Answers what else differs from the settings, which it leaves alone.
   */
  async ensure(): Promise<readonly TableStep[]> {
    const steps = await this.plan();
    const making = new Set<TableStep['action']>(['create-table', 'enable-ttl', 'enable-recovery']);
    await this.apply(steps.filter(({ action }) => making.has(action)));
    await this.ready();
    return steps.filter(({ action }) => !making.has(action));
  }

  /** Waits until the table serves, and answers its description. `undefined` where there is none. */
  async ready(): Promise<TableDescription | undefined> {
    const started = this.#clock.monotonic();
    for (;;) {
      const table = await this.#admin.describe();
      if (!table || isServing(table, this.#admin.tableName)) return table;
      if (this.#clock.monotonic() - started > TABLE_WAIT.limitMs)
        throw new StorageUnavailableError(
          `open: table ${this.#admin.tableName} is still ${table.TableStatus} after ${TABLE_WAIT.limitMs} ms; try again later`,
          { operation: 'open' },
        );
      await this.#clock.sleep(TABLE_WAIT.pauseMs);
    }
  }

  /** Refuses a table that this store cannot live in. */
  async verify(table: TableDescription) {
    const ttl = await this.#admin.timeToLive();
    checkTable(table, ttl, this.#admin.tableName, this.#settings.allowReplicas);
    return ttl;
  }

  async #do({ action }: TableStep): Promise<void> {
    const { recoveryDays } = this.#settings;
    if (action === 'create-table') {
      await this.#admin.create(createInput(this.#admin.tableName, this.#settings));
      await this.ready();
    } else if (action === 'enable-ttl') await this.#enableTtl();
    else if (action === 'enable-recovery') {
      if ((await this.#admin.pointInTimeRecovery()) === 'off')
        await this.#admin.enablePointInTimeRecovery(recoveryDays);
    } else if (action === 'protect') await this.#admin.update({ DeletionProtectionEnabled: true });
  }

  /** Of several processes that do this at once, all but one are refused; then it must be on, or on its way. */
  async #enableTtl(): Promise<void> {
    const started = this.#clock.monotonic();
    while (!(await this.#admin.enableTimeToLive())) {
      const { state } = await this.#admin.timeToLive();
      if (state !== 'off') return;
      if (this.#clock.monotonic() - started > TABLE_WAIT.limitMs)
        throw new StorageUnavailableError(
          `open: time to live of table ${this.#admin.tableName} cannot be switched on; it was changed within the last hour, try again later`,
          { operation: 'open' },
        );
      await this.#clock.sleep(TABLE_WAIT.pauseMs);
    }
  }

  #drift(table: TableDescription): TableStep[] {
    const { deletionProtection, tableClass, kmsKeyId, throughput } = this.#settings;
    const steps: TableStep[] = [];
    if (deletionProtection && table.DeletionProtectionEnabled !== true)
      steps.push(step('protect', 'protect the table from deletion'));
    const mode = table.BillingModeSummary?.BillingMode === 'PAY_PER_REQUEST' ? 'on-demand' : 'provisioned';
    if (mode !== throughput.mode)
      steps.push(step('throughput', `throughput is ${mode}, configured is ${throughput.mode}`, false));
    const foundClass = table.TableClassSummary?.TableClass ?? 'STANDARD';
    if (foundClass !== tableClass)
      steps.push(step('table-class', `table class is ${foundClass}, configured is ${tableClass}`, false));
    const foundKey = table.SSEDescription?.KMSMasterKeyArn;
    if (kmsKeyId !== undefined && foundKey !== kmsKeyId)
      steps.push(
        step('encrypt', `the key is ${foundKey ?? 'the one AWS owns'}, configured is ${kmsKeyId}`, false),
      );
    return steps;
  }
}

function step(action: TableStep['action'], description: string, safe = true): TableStep {
  return { action, description, safe };
}

function createInput(tableName: string, settings: TableSettings): CreateTableCommandInput {
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
