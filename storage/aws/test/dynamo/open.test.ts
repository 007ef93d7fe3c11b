import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';

import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import type { AwsSettings, DynamoPointersConfig } from '@floecat/storage-aws';
import {
  AwsClients,
  DEFAULT_SHARDS,
  DEFAULT_TABLE,
  dynamoParts,
  openDynamoPointers,
} from '@floecat/storage-aws';
import { systemClock } from '@floecat/storage-spi';

import { ClockHandler } from '../support/clock-handler.ts';
import type { DynamoDbLocal } from '../support/dynamodb-local.ts';
import { startDynamoDbLocal, whyNoDynamoDbLocal } from '../support/dynamodb-local.ts';
import { created, text } from '../support/fault-bench.ts';
import { fails } from '../support/fault-suite.ts';
import { localSettings } from '../support/local-clients.ts';

const KEYS: CreateTableCommandInput = {
  TableName: '',
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'shard', AttributeType: 'S' },
    { AttributeName: 'key', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'shard', KeyType: 'HASH' },
    { AttributeName: 'key', KeyType: 'RANGE' },
  ],
};

/** Clients of a server whose clock is not ours. */
function offBy(aws: AwsSettings, seconds: number): AwsClients {
  const requestHandler = new ClockHandler(() => Date.now() + seconds * 1000);
  return new AwsClients(aws, { dynamodb: (settings) => new DynamoDB({ ...settings, requestHandler }) });
}

suite('opening the pointers of a table', { skip: whyNoDynamoDbLocal() ?? false }, () => {
  let local: DynamoDbLocal;
  let aws: AwsSettings;
  let admin: AwsClients;

  before(async () => {
    local = await startDynamoDbLocal();
    aws = localSettings(local.endpoint);
    admin = new AwsClients(aws);
  });
  after(async () => {
    await admin?.close();
    await local?.stop();
  });

  const config = (extra: Partial<DynamoPointersConfig> = {}): DynamoPointersConfig => ({
    aws,
    tableName: `open-${randomBytes(4).toString('hex')}`,
    autoCreate: true,
    ...extra,
  });
  /** A table that this store did not make. */
  const foreign = async (input: Partial<CreateTableCommandInput>): Promise<string> => {
    const { tableName } = config();
    await admin.dynamodb.createTable({ ...KEYS, ...input, TableName: tableName });
    return tableName;
  };

  test('[P18] a table is made with the production defaults, and its layout row once', async () => {
    const given = config();
    const first = await openDynamoPointers(given);
    const { Table: table } = await admin.dynamodb.describeTable({ TableName: given.tableName });
    assert.deepEqual(table?.KeySchema, KEYS.KeySchema);
    assert.equal(table?.BillingModeSummary?.BillingMode, 'PAY_PER_REQUEST');
    assert.equal(table?.DeletionProtectionEnabled, true);
    const { TimeToLiveDescription: ttl } = await admin.dynamodb.describeTimeToLive({
      TableName: given.tableName,
    });
    assert.deepEqual([ttl?.AttributeName, ttl?.TimeToLiveStatus], ['expires_at', 'ENABLED']);
    assert.equal(first.layout.shards, DEFAULT_SHARDS);
    assert.deepEqual(first.drift, []);
    const made = await created(first.pointers, '/a');
    await first.pointers.close();
    const second = await openDynamoPointers({ ...given, autoCreate: false });
    assert.deepEqual(second.layout, first.layout);
    assert.deepEqual(await second.pointers.get('/a'), made);
    await second.pointers.close();
  });

  test('[P18] eight processes that start at once make one table and one store', async () => {
    const given = config();
    const opened = await Promise.all(Array.from({ length: 8 }, () => openDynamoPointers(given)));
    assert.equal(new Set(opened.map(({ layout }) => layout.storeId)).size, 1);
    assert.equal(new Set(opened.map(({ layout }) => layout.tableId)).size, 1);
    const results = await Promise.all(
      opened.map(({ pointers }) => pointers.compareAndSet('/a', 0, text('x'))),
    );
    assert.equal(results.filter(({ applied }) => applied).length, 1);
    await Promise.all(opened.map(({ pointers }) => pointers.close()));
  });

  test('without auto-create a missing table is refused, and none is made', async () => {
    const given = config({ autoCreate: false });
    await fails(openDynamoPointers(given), 'STORAGE_MISCONFIGURED', given.tableName, 'auto-create');
    await assert.rejects(admin.dynamodb.describeTable({ TableName: given.tableName }), {
      name: 'ResourceNotFoundException',
    });
  });

  test('without auto-create an empty table without a layout row is refused, with it becomes a store', async () => {
    const tableName = await foreign({});
    await fails(openDynamoPointers({ aws, tableName }), 'STORAGE_MISCONFIGURED', 'layout row');
    await (await openDynamoPointers({ aws, tableName, autoCreate: true })).pointers.close();
    await (await openDynamoPointers({ aws, tableName })).pointers.close();
  });

  test('[P18] a table of other keys is refused, with both', async () => {
    const tableName = await foreign({
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    });
    for (const autoCreate of [true, false])
      await fails(
        openDynamoPointers({ aws, tableName, autoCreate }),
        'STORAGE_MISCONFIGURED',
        'pk HASH S',
        'shard HASH S, key RANGE S',
      );
  });

  test('a table whose keys are of other types is refused', async () => {
    const AttributeDefinitions: CreateTableCommandInput['AttributeDefinitions'] = [
      { AttributeName: 'shard', AttributeType: 'S' },
      { AttributeName: 'key', AttributeType: 'B' },
    ];
    const tableName = await foreign({ AttributeDefinitions });
    await fails(
      openDynamoPointers({ aws, tableName, autoCreate: true }),
      'STORAGE_MISCONFIGURED',
      'key RANGE B',
    );
  });

  test('[P18] time to live on another attribute is refused', async () => {
    const tableName = await foreign({});
    await admin.dynamodb.updateTimeToLive({
      TableName: tableName,
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
    });
    for (const autoCreate of [true, false])
      await fails(
        openDynamoPointers({ aws, tableName, autoCreate }),
        'STORAGE_MISCONFIGURED',
        'ttl',
        'expires_at',
      );
  });

  test("a table with another program's rows is refused", async () => {
    const tableName = await foreign({});
    await admin.dynamodb.putItem({ TableName: tableName, Item: { shard: { S: 'x' }, key: { S: 'y' } } });
    await fails(
      openDynamoPointers({ aws, tableName, autoCreate: true }),
      'STORAGE_MISCONFIGURED',
      tableName,
      'rows',
    );
  });

  test('a layout of a newer format is refused, a damaged one is corrupt', async () => {
    for (const [attributes, code] of [
      [{ fmt: { N: '2' }, kind: { S: 'layout' } }, 'STORAGE_MISCONFIGURED'],
      [{ fmt: { N: '1' }, kind: { S: 'layout' }, shards: { N: '64' } }, 'STORAGE_CORRUPTION'],
    ] as const) {
      const tableName = await foreign({});
      const Item = { shard: { S: '_sys' }, key: { S: 'layout' }, ...attributes };
      await admin.dynamodb.putItem({ TableName: tableName, Item });
      await fails(openDynamoPointers({ aws, tableName }), code, tableName);
    }
  });

  test('a process configured otherwise is refused, with setting and both values', async () => {
    const given = config({ layout: { shards: 8, casGraceMs: 1_000 } });
    await (await openDynamoPointers(given)).pointers.close();
    await fails(
      openDynamoPointers({ ...given, layout: { shards: 16 } }),
      'STORAGE_MISCONFIGURED',
      'shards',
      '16',
      '8',
    );
    await fails(
      openDynamoPointers({ ...given, layout: { casGraceMs: 2_000 } }),
      'STORAGE_MISCONFIGURED',
      'floecat.gc.cas.min-age-ms',
      '1000',
      '2000',
    );
    const again = await openDynamoPointers({ ...given, layout: {} });
    assert.equal(again.layout.shards, 8);
    await again.pointers.close();
  });

  test('a clock that is more than 30 s off is refused, with both times; less is corrected for', async () => {
    const given = config();
    for (const seconds of [40, -40]) {
      await using clients = offBy(aws, seconds);
      await fails(openDynamoPointers({ ...given, aws: clients }), 'STORAGE_MISCONFIGURED', 'clock');
    }
    await using clients = offBy(aws, 20);
    const { pointers } = await openDynamoPointers({ ...given, aws: clients });
    const expiresAt = Math.floor(systemClock.now() / 1000) + 10;
    const { updatedAt } = await created(pointers, '/soon', { ...text('x'), expiresAt });
    assert.ok(updatedAt > systemClock.now() + 15_000, "time is the store's");
    assert.equal(await pointers.get('/soon'), undefined);
    await pointers.close();
  });

  test('a plan says what would change and changes nothing; applying does what is safe', async () => {
    const { tableName } = config();
    await admin.dynamodb.createTable({
      ...KEYS,
      TableName: tableName,
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 },
    });
    const { bootstrap, close } = dynamoParts({ aws, tableName });
    const plan = await bootstrap.plan();
    assert.deepEqual(
      plan.filter(({ action }) => action !== 'enable-recovery').map(({ action, safe }) => [action, safe]),
      [
        ['enable-ttl', true],
        ['protect', true],
        ['throughput', false],
      ],
    );
    assert.deepEqual(await bootstrap.plan(), plan);
    assert.deepEqual(
      (await bootstrap.apply(plan)).map(({ action }) => action),
      ['throughput'],
    );
    assert.deepEqual(
      (await bootstrap.plan()).map(({ action }) => action),
      ['throughput'],
    );
    await close();
    const missing = dynamoParts(config());
    assert.equal((await missing.bootstrap.plan())[0]?.action, 'create-table');
    await missing.close();
  });

  test('a start with auto-create reports what differs and leaves it alone', async () => {
    const given = config();
    const { pointers } = await openDynamoPointers({ ...given, table: { deletionProtection: false } });
    await pointers.close();
    const again = await openDynamoPointers(given);
    assert.deepEqual(
      again.drift.map(({ action }) => action),
      ['protect'],
    );
    const { Table: table } = await admin.dynamodb.describeTable({ TableName: given.tableName });
    assert.notEqual(table?.DeletionProtectionEnabled, DEFAULT_TABLE.deletionProtection);
    await again.pointers.close();
  });

  test('a table that is deleted while the store is open is named, and is never an empty store', async () => {
    const given = config({ table: { deletionProtection: false } });
    const { pointers } = await openDynamoPointers(given);
    await admin.dynamodb.deleteTable({ TableName: given.tableName });
    await fails(pointers.get('/a'), 'STORAGE_MISCONFIGURED', given.tableName);
    await fails(pointers.listPointersByPrefix(''), 'STORAGE_MISCONFIGURED', given.tableName);
    await pointers.close();
  });

  test('bad settings are refused before any request', async () => {
    await fails(openDynamoPointers(config({ layout: { shards: 0 } })), 'INVALID_ARGUMENT', 'shards');
    await fails(openDynamoPointers(config({ wire: { deadlineMs: 300_001 } })), 'INVALID_ARGUMENT', '300000');
    await fails(openDynamoPointers(config({ tableName: '' })), 'INVALID_ARGUMENT', 'table');
  });

  test('nobody there is unavailable, and says where', async () => {
    const nowhere = localSettings('http://127.0.0.1:1');
    const wire = { maxAttempts: 2, baseDelayMs: 1 };
    await fails(openDynamoPointers(config({ aws: nowhere, wire })), 'STORAGE_UNAVAILABLE', 'ECONNREFUSED');
  });
});
