import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, suite, test } from 'node:test';

import type { AttributeValue, ConsumedCapacity, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { DynamoDB } from '@aws-sdk/client-dynamodb';

import { AwsStub } from '../support/aws-stub/aws-stub.ts';
import type { DynamoDbLocal } from '../support/dynamodb-local.ts';
import { startDynamoDbLocal, whyNoDynamoDbLocal } from '../support/dynamodb-local.ts';
import { localSettings } from '../support/local-clients.ts';

const TableName = 'sizes';
const ReturnConsumedCapacity = 'TOTAL';
const NAMES = Buffer.byteLength(['shard', 'key', 'value', '0000'].join(''));

interface Answer {
  readonly ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] | undefined;
}

/** An item of exactly that many bytes, by AWS's rules. */
function itemOf(key: string, bytes: number): Record<string, AttributeValue> {
  const value = 'x'.repeat(bytes - NAMES - Buffer.byteLength(key));
  return { shard: { S: '0000' }, key: { S: key }, value: { S: value } };
}

function keyOf(key: string): Record<string, AttributeValue> {
  return { shard: { S: '0000' }, key: { S: key } };
}

interface Priced {
  readonly send: (client: DynamoDB) => Promise<Answer>;
  /** What AWS bills, by its published rules. */
  readonly units: number;
  /** Where DynamoDB Local is known to say something else than AWS. */
  readonly local?: number;
}

const REQUESTS: Readonly<Record<string, Priced>> = {
  'a put of 1,024 bytes': { units: 1, send: (client) => put(client, 'a', 1024) },
  'a put of 1,025 bytes': { units: 2, send: (client) => put(client, 'b', 1025) },
  'a put of 1,024 bytes over 3,000': {
    units: 3,
    send: async (client) => {
      await put(client, 'c', 3000);
      return put(client, 'c', 1024);
    },
  },
  'a put with numbers, whose zeroes at the end do not count': {
    units: 1,
    // 1,015 bytes, 2 + 3 for 123, 2 + 2 for 9,000,000.
    send: (client) => putNumbers(client, '123'),
  },
  'the same with two digits more': { units: 2, send: (client) => putNumbers(client, '12345') },
  'a strong get of 4,096 bytes': {
    units: 1,
    send: async (client) => {
      await put(client, 'd', 4096);
      return get(client, 'd', true);
    },
  },
  'a strong get of 4,097 bytes': {
    units: 2,
    send: async (client) => {
      await put(client, 'e', 4097);
      return get(client, 'e', true);
    },
  },
  'an eventual get of 4,097 bytes': { units: 1, send: (client) => get(client, 'e', false) },
  'a get of nothing': { units: 1, send: (client) => get(client, 'none', true) },
  'a query, by the sum of its rows': {
    units: 3,
    send: async (client) => {
      for (let i = 0; i < 20; i++) await put(client, `page/${i}`, 1000);
      return query(client, 'page/', 10);
    },
  },
  'a query of nothing': { units: 1, local: 0, send: (client) => query(client, 'nothing/', 10) },
  'a batch of gets, each by itself': {
    units: 3,
    send: async (client) => {
      await put(client, 'd', 4096);
      await put(client, 'e', 4097);
      return getBatch(client, ['d', 'e']);
    },
  },
  'a batch of gets of nothing': { units: 2, local: 0, send: (client) => getBatch(client, ['none', 'nil']) },
  'a batch of deletes': {
    units: 5,
    send: async (client) => {
      await put(client, 'f', 2500);
      await put(client, 'g', 1500);
      return deleteBatch(client, ['f', 'g']);
    },
  },
  'a batch of deletes of nothing': {
    units: 2,
    local: 4,
    send: (client) => deleteBatch(client, ['none', 'nil']),
  },
  'a transaction of a create, a write over, and a delete': {
    units: 12,
    send: async (client) => {
      await put(client, 'over', 1500);
      await put(client, 'gone', 1500);
      return transact(client, [
        { Put: { TableName, Item: itemOf('made', 100) } },
        { Put: { TableName, Item: itemOf('over', 3000) } },
        { Delete: { TableName, Key: keyOf('gone') } },
      ]);
    },
  },
  'a check in a transaction, which AWS bills as a write': {
    units: 4,
    local: 2,
    send: async (client) => {
      await put(client, 'check', 1500);
      const ConditionExpression = 'attribute_not_exists(#none)';
      const ExpressionAttributeNames = { '#none': 'none' };
      const check = { TableName, Key: keyOf('check'), ConditionExpression, ExpressionAttributeNames };
      return transact(client, [{ ConditionCheck: check }]);
    },
  },
  'a transaction that is repeated, which AWS bills as a read': {
    units: 4,
    local: 2,
    send: async (client) => {
      const token = randomUUID();
      const puts = ['r1', 'r2'].map((key) => ({ Put: { TableName, Item: itemOf(key, 3000) } }));
      await transact(client, puts, token);
      return transact(client, puts, token);
    },
  },
};

function put(client: DynamoDB, key: string, bytes: number) {
  return client.putItem({ TableName, Item: itemOf(key, bytes), ReturnConsumedCapacity });
}

function get(client: DynamoDB, key: string, ConsistentRead: boolean) {
  return client.getItem({ TableName, Key: keyOf(key), ConsistentRead, ReturnConsumedCapacity });
}

function putNumbers(client: DynamoDB, number: string) {
  const Item = { ...itemOf('n', 1015), n1: { N: number }, n2: { N: '9000000' } };
  return client.putItem({ TableName, Item, ReturnConsumedCapacity });
}

function getBatch(client: DynamoDB, keys: readonly string[]) {
  const RequestItems = { [TableName]: { Keys: keys.map(keyOf), ConsistentRead: true } };
  return client.batchGetItem({ RequestItems, ReturnConsumedCapacity });
}

function deleteBatch(client: DynamoDB, keys: readonly string[]) {
  const RequestItems = { [TableName]: keys.map((key) => ({ DeleteRequest: { Key: keyOf(key) } })) };
  return client.batchWriteItem({ RequestItems, ReturnConsumedCapacity });
}

function transact(client: DynamoDB, TransactItems: TransactWriteItem[], token: string = randomUUID()) {
  return client.transactWriteItems({ TransactItems, ClientRequestToken: token, ReturnConsumedCapacity });
}

function query(client: DynamoDB, prefix: string, Limit: number) {
  return client.query({
    TableName,
    KeyConditionExpression: '#shard = :shard AND begins_with(#key, :prefix)',
    ExpressionAttributeNames: { '#shard': 'shard', '#key': 'key' },
    ExpressionAttributeValues: { ':shard': { S: '0000' }, ':prefix': { S: prefix } },
    ConsistentRead: true,
    Limit,
    ReturnConsumedCapacity,
  });
}

async function withTable(endpoint: string): Promise<DynamoDB> {
  const { region, accessKeyId, secretAccessKey } = localSettings(endpoint);
  const client = new DynamoDB({
    endpoint,
    maxAttempts: 1,
    region: region ?? '',
    credentials: { accessKeyId: accessKeyId ?? '', secretAccessKey: secretAccessKey ?? '' },
  });
  await client.createTable({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'shard', KeyType: 'HASH' },
      { AttributeName: 'key', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: ['shard', 'key'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  });
  return client;
}

function unitsOf({ ConsumedCapacity: consumed }: Answer): number {
  const all = Array.isArray(consumed) ? consumed : [consumed];
  return all.reduce((sum, each) => sum + (each?.CapacityUnits ?? Number.NaN), 0);
}

// Prices as in the developer guide (item sizes and capacity unit consumption; transactions).
suite('capacity units of the counting stub are those of AWS', () => {
  let stub: AwsStub;
  let client: DynamoDB;
  before(async () => {
    stub = await AwsStub.start();
    client = await withTable(stub.endpoint);
  });
  after(async () => {
    client.destroy();
    await stub[Symbol.asyncDispose]();
  });
  for (const [name, { send, units }] of Object.entries(REQUESTS))
    test(name, async () => assert.equal(unitsOf(await send(client)), units));
});

suite(
  'and those of DynamoDB Local, but for what it does not bill',
  { skip: whyNoDynamoDbLocal() ?? false },
  () => {
    let local: DynamoDbLocal | undefined;
    let client: DynamoDB;
    before(async () => {
      local = await startDynamoDbLocal();
      client = await withTable(local.endpoint);
    });
    after(async () => {
      client.destroy();
      await local?.stop();
    });
    for (const [name, { send, units, local: other }] of Object.entries(REQUESTS))
      test(name, async () => assert.equal(unitsOf(await send(client)), other ?? units));
  },
);
