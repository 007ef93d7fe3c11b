import type { DynamoAnswer, DynamoInput, ItemJson } from './dynamo-json.ts';
import { invalid, NO_UNITS, StubError } from './dynamo-json.ts';
import { readUnits, sizeOf, sound, sumUnits, writeUnits } from './capacity.ts';
import { Expressions } from './expressions.ts';
import { query } from './stub-query.ts';
import { StubTable } from './stub-table.ts';
import type { TableKey } from './stub-table.ts';
import { StubTransactions } from './stub-transactions.ts';

const BATCH_GET_KEYS = 100;
const BATCH_WRITE_ITEMS = 25;

/** The operations of DynamoDB that this project uses, on tables in memory. */
export class DynamoStub {
  readonly #tables = new Map<string, { readonly table: StubTable; timeToLive?: string }>();
  readonly #transactions = new StubTransactions((name) => this.#table(name));

  /** Throws a {@link StubError} where the service would refuse. */
  run(operation: string, input: DynamoInput): DynamoAnswer {
    const name = input.TableName;
    switch (operation) {
      case 'GetItem': {
        const table = this.#table(name);
        const item = table.get(table.keyOf(input.Key ?? {}, true));
        return {
          body: item ? { Item: item } : {},
          units: readUnits(sizeOf(item), input.ConsistentRead === true),
        };
      }
      case 'PutItem':
        return this.#put(input);
      case 'Query':
        return query(this.#table(name), input);
      case 'Scan': {
        const [item] = this.#table(name).all();
        return {
          body: { Items: item ? [item] : [], Count: item ? 1 : 0 },
          units: readUnits(sizeOf(item), true),
        };
      }
      case 'TransactWriteItems':
        return this.#transactions.run(input as never);
      case 'BatchGetItem':
        return this.#batchGet(input as never);
      case 'BatchWriteItem':
        return this.#batchWrite(input as never);
      default:
        return { body: this.#manage(operation, name ?? '', input), units: NO_UNITS };
    }
  }

  #put(input: DynamoInput): DynamoAnswer {
    const table = this.#table(input.TableName);
    const item = sound(input.Item);
    const before = table.get(table.keyOf(item));
    const expressions = new Expressions(input);
    const holds = expressions.parse(input.ConditionExpression);
    expressions.refuseUnused();
    if (!holds(before ?? {}))
      throw new StubError(
        'ConditionalCheckFailedException',
        'The conditional request failed',
        input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && before ? { Item: before } : {},
        writeUnits(before, undefined),
      );
    table.put(item);
    return { body: {}, units: writeUnits(before, item) };
  }

  #batchGet({
    RequestItems,
  }: {
    RequestItems: Record<string, { Keys: ItemJson[]; ConsistentRead?: boolean }>;
  }) {
    const [[name, request], ...others] = Object.entries(RequestItems) as [[string, { Keys: ItemJson[] }]];
    if (others.length > 0) throw invalid('this stub has batches of one table only');
    const { Keys, ConsistentRead = false } = request as { Keys: ItemJson[]; ConsistentRead?: boolean };
    const table = this.#table(name);
    const keys = distinct(
      Keys.map((key) => table.keyOf(key, true)),
      BATCH_GET_KEYS,
    );
    const found = keys.map((key) => table.get(key));
    return {
      body: { Responses: { [name]: found.filter((item) => item !== undefined) }, UnprocessedKeys: {} },
      units: sumUnits(found.map((item) => readUnits(sizeOf(item), ConsistentRead))),
    };
  }

  #batchWrite({ RequestItems }: { RequestItems: Record<string, { DeleteRequest?: { Key: ItemJson } }[]> }) {
    const [[name, requests]] = Object.entries(RequestItems) as [
      [string, { DeleteRequest?: { Key: ItemJson } }[]],
    ];
    const table = this.#table(name);
    const keys = distinct(
      requests.map(({ DeleteRequest }) => {
        if (!DeleteRequest) throw invalid('this stub deletes in batches, and does not put');
        return table.keyOf(DeleteRequest.Key, true);
      }),
      BATCH_WRITE_ITEMS,
    );
    const units = sumUnits(keys.map((key) => writeUnits(table.get(key), undefined)));
    for (const key of keys) table.delete(key);
    return { body: { UnprocessedItems: {} }, units };
  }

  #manage(operation: string, name: string, input: DynamoInput): object {
    if (operation === 'CreateTable') {
      if (this.#tables.has(name))
        throw new StubError('ResourceInUseException', `Table already exists: ${name}`);
      const table = new StubTable(input['KeySchema'] as StubTable['keySchema']);
      this.#tables.set(name, { table });
      return { TableDescription: describe(name, table) };
    }
    const table = this.#table(name);
    switch (operation) {
      case 'DescribeTable':
        return { Table: describe(name, table) };
      case 'DeleteTable':
        this.#tables.delete(name);
        return { TableDescription: describe(name, table) };
      case 'UpdateTimeToLive': {
        const specification = input['TimeToLiveSpecification'] as { readonly AttributeName: string };
        this.#tables.set(name, { table, timeToLive: specification.AttributeName });
        return { TimeToLiveSpecification: specification };
      }
      case 'DescribeTimeToLive': {
        const AttributeName = this.#tables.get(name)?.timeToLive;
        const TimeToLiveDescription = AttributeName
          ? { TimeToLiveStatus: 'ENABLED', AttributeName }
          : { TimeToLiveStatus: 'DISABLED' };
        return { TimeToLiveDescription };
      }
      default:
        throw new StubError('UnknownOperationException', `this stub has no ${operation}`);
    }
  }

  #table(name: string | undefined): StubTable {
    const found = this.#tables.get(name ?? '');
    if (!found)
      throw new StubError('ResourceNotFoundException', 'Cannot do operations on a non-existent table');
    return found.table;
  }
}

function distinct(keys: readonly TableKey[], limit: number): readonly TableKey[] {
  if (keys.length === 0 || keys.length > limit) throw invalid(`${keys.length} keys; the limit is ${limit}`);
  if (new Set(keys.map(({ hash, range }) => `${hash} ${range}`)).size < keys.length)
    throw invalid('Provided list of item keys contains duplicates');
  return keys;
}

function describe(name: string, { keySchema }: StubTable): object {
  return {
    TableName: name,
    TableStatus: 'ACTIVE',
    KeySchema: keySchema,
    AttributeDefinitions: keySchema.map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' })),
    BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
  };
}
