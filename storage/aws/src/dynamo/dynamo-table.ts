import { mapBounded } from '@floecat/storage-spi';
import type {
  QueryCommandInput,
  QueryCommandOutput,
  TransactWriteItem,
  WriteRequest,
} from '@aws-sdk/client-dynamodb';

import { answeredAt } from '../answer-dates.ts';
import type { Failure, WireCall } from '../wire/failure.ts';
import { readSdkError } from '../wire/sdk-error.ts';
import type { Attempt, Wire } from '../wire/wire.ts';
import type { Clause } from './conditions.ts';
import { conditionOf } from './conditions.ts';
import { countUnits } from './count-units.ts';
import { BATCH_GET_KEYS, BATCH_WRITE_ITEMS, PARALLEL_REQUESTS } from './dynamo-constants.ts';
import type { DynamoService, RequestOptions } from './dynamo-service.ts';
import type { Item } from './pointer-item.ts';
import { keyItem } from './pointer-item.ts';
import type { StoreClock } from './store-clock.ts';
import { canceledFor, classifyTransaction } from './transaction-errors.ts';

export interface DynamoTableConfig {
  readonly service: DynamoService;
  readonly tableName: string;
  readonly wire: Wire;
  readonly clock: StoreClock;
  /** Our wall clock, by which requests are sent. */
  readonly wallClock: { now(): number };
}

/** The call of the SPI that a request is made for. */
export interface Caller {
  readonly operation: string;
  readonly key: string;
  readonly signal: AbortSignal | undefined;
}

/** Where an item is. */
export interface Place {
  readonly shard: string;
  readonly key: string;
}

/** How a condition failed: with what is there, and whether an earlier attempt may have been applied. */
export interface Refused {
  readonly refused: true;
  readonly item: Item | undefined;
  readonly mayHaveLanded: boolean;
}

/** As {@link Refused}, for each operation of a transaction: `ok` where its condition held. */
export interface TransactionRefused {
  readonly refused: true;
  readonly reasons: readonly (
    | { readonly ok: true }
    | { readonly ok: false; readonly item: Item | undefined }
  )[];
  readonly mayHaveLanded: boolean;
}

/** The requests of one table, each over the wire. What they answer is theirs; what it means is the caller's. */
export class DynamoTable {
  readonly #config: DynamoTableConfig;
  readonly #resource: string;
  /** Costs nothing in AWS, but makes each answer longer, so it is asked for only where somebody wants to know. */
  readonly #capacity: 'TOTAL' | undefined;

  constructor(config: DynamoTableConfig) {
    this.#config = config;
    this.#resource = `table ${config.tableName}`;
    this.#capacity = config.wire.observed ? 'TOTAL' : undefined;
  }

  get name(): string {
    return this.#config.tableName;
  }

  get clock(): StoreClock {
    return this.#config.clock;
  }

  async get(caller: Caller, { shard, key }: Place, strong: boolean): Promise<Item | undefined> {
    const input = {
      TableName: this.#config.tableName,
      Key: keyItem(shard, key),
      ConsistentRead: strong,
      ReturnConsumedCapacity: this.#capacity,
    };
    const answer = await this.#send(caller, 'GetItem', false, (attempt) =>
      this.#ask(attempt, (service, options) => service.getItem(input, options)),
    );
    return answer.Item;
  }

  /** The items at distinct places, in no order. What the service leaves over is asked for again. */
  async getMany(caller: Caller, places: readonly Place[], strong: boolean): Promise<Item[]> {
    const chunks = chunked(places, BATCH_GET_KEYS);
    const found = await mapBounded(chunks, PARALLEL_REQUESTS, async (chunk) => {
      const items: Item[] = [];
      await this.#untilDone(
        caller,
        'BatchGetItem',
        false,
        chunk.map(({ shard, key }) => keyItem(shard, key)),
        async (keys, attempt) => {
          const RequestItems = { [this.#config.tableName]: { Keys: keys, ConsistentRead: strong } };
          const answer = await this.#ask(attempt, (service, options) =>
            service.batchGetItem({ RequestItems, ReturnConsumedCapacity: this.#capacity }, options),
          );
          for (const item of Object.values(answer.Responses ?? {})[0] ?? []) items.push(item);
          return Object.values(answer.UnprocessedKeys ?? {})[0]?.Keys ?? [];
        },
      );
      return items;
    });
    return found.flat();
  }

  async query(caller: Caller, input: Omit<QueryCommandInput, 'TableName'>): Promise<QueryCommandOutput> {
    const whole = {
      ...input,
      TableName: this.#config.tableName,
      ReturnConsumedCapacity: this.#capacity,
    };
    return this.#send(caller, 'Query', false, (attempt) =>
      this.#ask(attempt, (service, options) => service.query(whole, options)),
    );
  }

  /** Puts an item if `condition` holds; `undefined` once it is applied. */
  async put(caller: Caller, item: Item, condition: Clause): Promise<Refused | undefined> {
    const input = {
      TableName: this.#config.tableName,
      Item: item,
      ...conditionOf(condition),
      ReturnConsumedCapacity: this.#capacity,
    };
    return this.#send(caller, 'PutItem', true, async (attempt) => {
      try {
        await this.#ask(attempt, (service, options) => service.putItem(input, options));
        return undefined;
      } catch (error) {
        if (readSdkError(error).name !== 'ConditionalCheckFailedException') throw error;
        return { refused: true, item: (error as { Item?: Item }).Item, mayHaveLanded: attempt.mayHaveLanded };
      }
    });
  }

  /**
   * One transaction; `undefined` once it is applied. The token makes repeated attempts one: it and the bytes are the
   * same in each.
   */
  async transact(
    caller: Caller,
    items: readonly TransactWriteItem[],
    token: string,
  ): Promise<TransactionRefused | undefined> {
    const input = {
      TransactItems: [...items],
      ClientRequestToken: token,
      ReturnConsumedCapacity: this.#capacity,
    };
    const send = async (attempt: Attempt): Promise<TransactionRefused | undefined> => {
      try {
        await this.#ask(attempt, (service, options) => service.transactWriteItems(input, options));
        return undefined;
      } catch (error) {
        const reasons = canceledFor(error, items.length);
        if (!reasons) throw error;
        return { refused: true, reasons, mayHaveLanded: attempt.mayHaveLanded };
      }
    };
    return this.#send(caller, 'TransactWriteItems', true, send, classifyTransaction);
  }

  /** Any other request of this table. */
  async request<T extends { readonly $metadata: object }>(
    caller: Caller,
    action: string,
    write: boolean,
    send: (options: RequestOptions) => Promise<T>,
    classifyOwn?: (error: unknown) => Failure | undefined,
  ): Promise<T> {
    return this.#send(
      caller,
      action,
      write,
      (attempt) => this.#ask(attempt, (_, options) => send(options)),
      classifyOwn,
    );
  }

  /** One operation of a {@link transact}. */
  putOperation(item: Item, condition: Clause): TransactWriteItem {
    return { Put: { TableName: this.#config.tableName, Item: item, ...conditionOf(condition) } };
  }

  /** One operation of a {@link transact}. */
  deleteOperation(place: Place, condition: Clause): TransactWriteItem {
    const { tableName: TableName } = this.#config;
    return { Delete: { TableName, Key: keyItem(place.shard, place.key), ...conditionOf(condition) } };
  }

  /** One operation of a {@link transact}. */
  checkOperation(place: Place, condition: Clause): TransactWriteItem {
    const { tableName: TableName } = this.#config;
    return { ConditionCheck: { TableName, Key: keyItem(place.shard, place.key), ...conditionOf(condition) } };
  }

  /** Deletes without conditions. What the service leaves over is sent again. */
  async deleteMany(caller: Caller, places: readonly Place[]): Promise<void> {
    const { tableName } = this.#config;
    await mapBounded(chunked(places, BATCH_WRITE_ITEMS), PARALLEL_REQUESTS, (chunk) =>
      this.#untilDone(
        caller,
        'BatchWriteItem',
        true,
        chunk.map(({ shard, key }) => ({ DeleteRequest: { Key: keyItem(shard, key) } })),
        async (requests: WriteRequest[], attempt) => {
          const RequestItems = { [tableName]: requests };
          const answer = await this.#ask(attempt, (service, options) =>
            service.batchWriteItem({ RequestItems, ReturnConsumedCapacity: this.#capacity }, options),
          );
          return Object.values(answer.UnprocessedItems ?? {})[0] ?? [];
        },
      ),
    );
  }

  /** Sends `all`, and what is left over of it, until nothing is. Leaving some over counts as a throttle. */
  async #untilDone<T extends object>(
    caller: Caller,
    action: string,
    write: boolean,
    all: readonly T[],
    send: (part: T[], attempt: Attempt) => Promise<T[]>,
  ): Promise<void> {
    let left = [...all];
    const sendLeft = async (attempt: Attempt): Promise<void> => {
      left = await send(left, attempt);
      if (left.length > 0) throw new LeftOverError(left.length, all.length);
    };
    await this.#send(caller, action, write, sendLeft, (error) =>
      error instanceof LeftOverError ? { kind: 'throttled' } : undefined,
    );
  }

  async #send<T>(
    caller: Caller,
    action: string,
    write: boolean,
    attempt: (attempt: Attempt) => Promise<T>,
    classifyOwn?: (error: unknown, call: WireCall) => Failure | undefined,
  ): Promise<T> {
    const call: WireCall = {
      ...caller,
      action: `dynamodb:${action}`,
      resource: this.#resource,
      write,
      ...(classifyOwn && { classify: (error) => classifyOwn(error, call) }),
    };
    return this.#config.wire.send(call, attempt);
  }

  /** One request, whose answer also tells the store's time, and what it cost where that was asked for. */
  async #ask<T extends { readonly $metadata: object }>(
    { signal, tally }: Attempt,
    request: (service: DynamoService, options: RequestOptions) => Promise<T>,
  ): Promise<T> {
    const sentAt = this.#config.wallClock.now();
    const answer = await request(this.#config.service, { abortSignal: signal });
    this.#config.clock.observe(answeredAt(answer), sentAt);
    if (tally) countUnits(tally, answer);
    return answer;
  }
}

/** Part of a batch was not done, although the request succeeded. */
class LeftOverError extends Error {
  constructor(left: number, all: number) {
    super(`${left} of ${all} were left over by the service`);
    this.name = 'LeftOverError';
  }
}

function chunked<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let i = 0; i < items.length; i += size) chunks.push(items.slice(i, i + size));
  return chunks;
}
