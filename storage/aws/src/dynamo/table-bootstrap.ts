import type { TableDescription } from '@aws-sdk/client-dynamodb';
import type { Clock } from '@floecat/storage-spi';
import { StorageUnavailableError } from '@floecat/storage-spi';

import { missingTags } from '../tag-drift.ts';
import type { Recovery, TableAdmin } from './table-admin.ts';
import { checkTable, isServing } from './table-check.ts';
import type { TableStep } from './table-drift.ts';
import { createTableInput, creationSteps, tableDrift } from './table-drift.ts';
import type { TableSettings } from './table-settings.ts';
import { TABLE_WAIT } from './table-settings.ts';

export type { TableStep } from './table-drift.ts';

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
    const table = await this.ready();
    if (!table) return creationSteps(this.#admin.tableName, this.#settings);
    const { state: ttl } = await this.verify(table);
    const { pointInTimeRecovery, tags } = this.#settings;
    // What is not configured is not asked for, so that nobody needs leave to look at it.
    const recovery: Recovery = pointInTimeRecovery
      ? await this.#admin.pointInTimeRecovery()
      : { state: 'unavailable' };
    const tagged = Object.keys(tags).length > 0 ? await this.#admin.tags(arnOf(table)) : undefined;
    return tableDrift({ table, ttl, recovery, tags: tagged }, this.#settings);
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
      await this.#admin.create(createTableInput(this.#admin.tableName, this.#settings));
      await this.ready();
    } else if (action === 'enable-ttl') await this.#enableTtl();
    else if (action === 'enable-recovery') {
      if ((await this.#admin.pointInTimeRecovery()).state === 'off')
        await this.#admin.enablePointInTimeRecovery(recoveryDays);
    } else if (action === 'recovery-days') await this.#admin.enablePointInTimeRecovery(recoveryDays);
    else if (action === 'protect') await this.#protect();
    else if (action === 'add-tags') await this.#addTags();
  }

  async #protect(): Promise<void> {
    await this.#admin.update({ DeletionProtectionEnabled: true });
    await this.ready();
  }

  async #addTags(): Promise<void> {
    const table = await this.ready();
    if (!table) return;
    const found = await this.#admin.tags(arnOf(table));
    const missing = missingTags(found ?? this.#settings.tags, this.#settings.tags);
    if (Object.keys(missing).length > 0) await this.#admin.addTags(arnOf(table), missing);
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
}

function arnOf({ TableArn: arn }: TableDescription): string {
  return arn ?? '';
}
