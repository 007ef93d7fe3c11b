import { randomBytes } from 'node:crypto';

import { DynamoDB } from '@aws-sdk/client-dynamodb';
import type { DynamoPointers, DynamoPointersConfig, WireSettings } from '@floecat/storage-aws';
import { AwsClients, openDynamoPointers, RetryBudget } from '@floecat/storage-aws';
import type { Pointer, PointerStore, PointerWrite } from '@floecat/storage-spi';

import { FaultHandler } from './fault-handler.ts';
import { localSettings } from './local-clients.ts';

/** Pauses too short to wait for, and few attempts. */
export const QUICK: Partial<WireSettings> = {
  attemptTimeoutMs: 2_000,
  deadlineMs: 60_000,
  maxAttempts: 4,
  baseDelayMs: 1,
  throttleDelayMs: 1,
  maxDelayMs: 2,
};

/** A store whose requests can go wrong, beside one of the same table that works. */
export class FaultBench implements AsyncDisposable {
  readonly faults: FaultHandler;
  readonly tableName: string;
  readonly clients: AwsClients;
  readonly other: AwsClients;
  readonly #endpoint: string;

  constructor(
    endpoint: string,
    credentials?: () => Promise<{ accessKeyId: string; secretAccessKey: string }>,
  ) {
    this.#endpoint = endpoint;
    this.tableName = `faults-${randomBytes(4).toString('hex')}`;
    const requestHandler = new FaultHandler();
    this.faults = requestHandler;
    this.clients = new AwsClients(localSettings(endpoint), {
      dynamodb: (settings) =>
        new DynamoDB({ ...settings, requestHandler, ...(credentials && { credentials }) }),
    });
    this.other = new AwsClients(localSettings(this.#endpoint));
  }

  /** The store with the faults. Nothing is armed yet, and no request counted. */
  async open(config: Partial<DynamoPointersConfig> = {}): Promise<DynamoPointers> {
    const opened = await openDynamoPointers({
      aws: this.clients,
      tableName: this.tableName,
      autoCreate: true,
      // These tests fail more than any budget allows.
      budget: new RetryBudget({ capacity: 1_000_000, costPerRetry: 1, refundPerSuccess: 1 }),
      table: { pointInTimeRecovery: false },
      ...config,
      wire: { ...QUICK, ...config.wire },
    });
    this.faults.clear();
    return opened;
  }

  async openOther(): Promise<PointerStore> {
    return (await openDynamoPointers({ aws: this.other, tableName: this.tableName })).pointers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clients.close();
    await this.other.close();
  }
}

let keys = 0;
/** A key that no other test has. */
export function freshKey(): string {
  return `/accounts/a/tables/by-id/key${keys++}`;
}

export function text(value: string): PointerWrite {
  return { kind: 'value', value };
}

export async function created(store: PointerStore, key: string, next = text('first')): Promise<Pointer> {
  const result = await store.compareAndSet(key, 0, next);
  if (!result.applied) throw new Error(`${key} is taken`);
  return result.pointer;
}

export async function updated(store: PointerStore, current: Pointer, next = text('other')): Promise<Pointer> {
  const result = await store.compareAndSet(current.key, current, next);
  if (!result.applied) throw new Error(`${current.key} has changed`);
  return result.pointer;
}

export async function deleted(store: PointerStore, current: Pointer): Promise<void> {
  const result = await store.compareAndDelete(current.key, current);
  if (!result.applied) throw new Error(`${current.key} has changed`);
}
