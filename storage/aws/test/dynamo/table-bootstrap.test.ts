import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, suite, test } from 'node:test';

import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import type { DynamoPointerTableBootstrap, TableSettings, TableStep } from '@floecat/storage-aws';
import { AwsClients, dynamoParts } from '@floecat/storage-aws';

import { startEndpoint } from '../s3/endpoint.ts';
import { startDynamoDbLocal, whyNoDynamoDbLocal } from '../support/dynamodb-local.ts';
import { answers, FaultHandler, succeeds } from '../support/fault-handler.ts';
import { localSettings } from '../support/local-clients.ts';

const KEYS = {
  AttributeDefinitions: [
    { AttributeName: 'shard', AttributeType: 'S' },
    { AttributeName: 'key', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'shard', KeyType: 'HASH' },
    { AttributeName: 'key', KeyType: 'RANGE' },
  ],
} satisfies Partial<CreateTableCommandInput>;
const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab';
const KEY_ARN = `arn:aws:kms:us-east-1:000000000000:key/${KEY_ID}`;
const WIRE = { baseDelayMs: 1, throttleDelayMs: 1, maxDelayMs: 5 };

interface Bench extends AsyncDisposable {
  readonly dynamodb: DynamoDB;
  readonly faults: FaultHandler;
  readonly table: string;
  bootstrap(settings?: Partial<TableSettings>): DynamoPointerTableBootstrap;
}

function benchAt(endpoint: string): Bench {
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
async function makeTable({ dynamodb, table }: Bench, input: Partial<CreateTableCommandInput>): Promise<void> {
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

function actionsOf(steps: readonly TableStep[]): readonly string[] {
  return steps.map(({ action, safe }) => (safe ? action : `${action} by hand`));
}

/** Steps of a plan of a table that is as it should be, but for `input` and `settings`. */
async function driftOf(
  bench: Bench,
  input: Partial<CreateTableCommandInput>,
  settings: Partial<TableSettings>,
): Promise<readonly TableStep[]> {
  await makeTable(bench, input);
  return bench.bootstrap({ pointInTimeRecovery: false, ...settings }).plan();
}

const engine = await startEndpoint();
const whyNoJava = whyNoDynamoDbLocal();
const local = whyNoJava === undefined ? await startDynamoDbLocal() : undefined;
after(async () => {
  if (!('skip' in engine)) await engine[Symbol.asyncDispose]();
  await local?.stop();
});

interface Server {
  readonly title: string;
  readonly endpoint: string;
  readonly options: { readonly skip?: string };
}
const EMULATOR: Server = {
  title: 'the emulator',
  ...('skip' in engine
    ? { endpoint: '', options: { skip: engine.skip } }
    : { endpoint: engine.endpoint, options: {} }),
};
const LOCAL: Server = {
  title: 'DynamoDB Local',
  endpoint: local?.endpoint ?? '',
  options: whyNoJava === undefined ? {} : { skip: whyNoJava },
};

for (const { title, endpoint, options } of [EMULATOR, LOCAL])
  suite(`a table on ${title}`, options, () => {
    test('that is missing is planned, made by applying, and then as configured', async () => {
      await using bench = benchAt(endpoint);
      const { dynamodb, table: TableName } = bench;
      const bootstrap = bench.bootstrap({ tags: { team: 'lake' } });
      const plan = await bootstrap.plan();
      assert.deepEqual(actionsOf(plan), ['create-table', 'enable-ttl', 'enable-recovery']);
      assert.match(
        plan[0]?.description ?? '',
        new RegExp(`${TableName} does not exist, would be made, on demand`),
      );
      assert.deepEqual(await bootstrap.plan(), plan);
      await assert.rejects(dynamodb.describeTable({ TableName }), { name: 'ResourceNotFoundException' });
      assert.deepEqual(await bootstrap.apply(plan), []);
      assert.deepEqual(await bootstrap.plan(), []);
      assert.deepEqual(await bootstrap.ensure(), []);
    });

    test('is made once by eight that start at once', async () => {
      await using bench = benchAt(endpoint);
      const all = Array.from({ length: 8 }, () => bench.bootstrap({ tags: { team: 'lake' } }));
      await Promise.all(all.map((each) => each.ensure()));
      for (const each of all) assert.deepEqual(await each.plan(), []);
    });

    test('each of eight that repair it at once ends well', async () => {
      await using bench = benchAt(endpoint);
      await makeTable(bench, { DeletionProtectionEnabled: false });
      const all = Array.from({ length: 8 }, () => bench.bootstrap({ tags: { team: 'lake', env: 'prod' } }));
      const left = await Promise.all(all.map(async (each) => each.apply(await each.plan())));
      assert.deepEqual(left, Array(8).fill([]));
      for (const each of all) assert.deepEqual(await each.plan(), []);
    });

    test('that another process only began to make is finished, and other differences are told', async () => {
      await using bench = benchAt(endpoint);
      await bench.dynamodb.createTable({
        ...KEYS,
        TableName: bench.table,
        BillingMode: 'PROVISIONED',
        ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 6 },
      });
      const left = await bench.bootstrap().ensure();
      assert.deepEqual(actionsOf(left), ['protect', 'throughput by hand']);
      assert.equal(
        left[1]?.description,
        'throughput is provisioned with 5 read and 6 write units, configured is on demand with unlimited read and unlimited write units',
      );
      assert.deepEqual(await bench.bootstrap().plan(), left);
      const { TimeToLiveDescription: ttl } = await bench.dynamodb.describeTimeToLive({
        TableName: bench.table,
      });
      assert.equal(ttl?.TimeToLiveStatus, 'ENABLED');
    });

    test('other units and limits are found, equal ones are not', async () => {
      const provisioned = { mode: 'provisioned', readUnits: 5, writeUnits: 6 } as const;
      const made = {
        BillingMode: 'PROVISIONED',
        ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 6 },
      } as const;
      for (const [settings, expected] of [
        [provisioned, []],
        [{ ...provisioned, readUnits: 7 }, ['throughput by hand']],
        [{ ...provisioned, writeUnits: 7 }, ['throughput by hand']],
        [{ mode: 'on-demand' }, ['throughput by hand']],
      ] as const) {
        await using bench = benchAt(endpoint);
        assert.deepEqual(actionsOf(await driftOf(bench, made, { throughput: settings })), expected);
      }
    });

    test('that is not as this store needs it is refused by plan and start, and left alone', async () => {
      await using bench = benchAt(endpoint);
      await bench.dynamodb.createTable({
        TableName: bench.table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      });
      for (const work of [() => bench.bootstrap().plan(), () => bench.bootstrap().ensure()])
        await assert.rejects(work, { code: 'STORAGE_MISCONFIGURED', message: /pk HASH S/ });
    });

    test('while another change of it is under way, a change waits', async () => {
      await using bench = benchAt(endpoint);
      await makeTable(bench, { DeletionProtectionEnabled: false });
      const { faults } = bench;
      faults.arm(answers({ on: 'UpdateTable', times: 3 }, 'ResourceInUseException'));
      faults.arm(answers({ on: 'UpdateTable', times: 2 }, 'LimitExceededException'));
      const bootstrap = bench.bootstrap({ pointInTimeRecovery: false });
      assert.deepEqual(await bootstrap.apply(await bootstrap.plan()), []);
      assert.deepEqual([...faults.fired.values()], [3, 2]);
      assert.deepEqual(await bootstrap.plan(), []);
    });
  });

suite('a table as AWS describes it', EMULATOR.options, () => {
  const { endpoint } = EMULATOR;

  test('tags that are missing are added, others left alone, and other values left to an operator', async () => {
    await using bench = benchAt(endpoint);
    const { dynamodb, table } = bench;
    const tags = { team: 'lake', env: 'prod' };
    const Tags = [
      { Key: 'team', Value: 'sea' },
      { Key: 'kept', Value: 'as it is' },
    ];
    const plan = await driftOf(bench, { Tags }, { tags });
    assert.deepEqual(
      plan.map(({ action, description, safe }) => [action, safe, description]),
      [
        ['add-tags', true, 'tags missing, would be added: env=prod'],
        ['change-tags', false, 'tag team is "sea", would be "lake"'],
      ],
    );
    const bootstrap = bench.bootstrap({ tags, pointInTimeRecovery: false });
    assert.deepEqual(await bootstrap.apply(plan), plan.slice(1));
    assert.deepEqual(await bootstrap.plan(), plan.slice(1));
    const { Table } = await dynamodb.describeTable({ TableName: table });
    const found = await dynamodb.listTagsOfResource({ ResourceArn: Table?.TableArn });
    assert.deepEqual(found.Tags, [...Tags, { Key: 'env', Value: 'prod' }]);
    assert.equal(bench.faults.count('TagResource'), 1);
  });

  test('tags on a second page of the answer are seen, and none are asked for where none are configured', async () => {
    await using bench = benchAt(endpoint);
    await makeTable(bench, {});
    const tag = { Key: 'team', Value: 'lake' };
    bench.faults.arm(
      succeeds({ on: 'ListTagsOfResource' }, 'a first page', JSON.stringify({ Tags: [], NextToken: 'more' })),
    );
    bench.faults.arm(
      succeeds({ on: 'ListTagsOfResource' }, 'a second page', JSON.stringify({ Tags: [tag] })),
    );
    const settings = { pointInTimeRecovery: false };
    assert.deepEqual(await bench.bootstrap({ ...settings, tags: { team: 'lake' } }).plan(), []);
    assert.equal(bench.faults.count('ListTagsOfResource'), 2);
    bench.faults.clear();
    assert.deepEqual(await bench.bootstrap(settings).plan(), []);
    assert.equal(bench.faults.count('ListTagsOfResource'), 0);
    assert.equal(bench.faults.count('DescribeContinuousBackups'), 0);
  });

  test('recovery that is off is switched on for the days that are configured', async () => {
    await using bench = benchAt(endpoint);
    await makeTable(bench, {});
    const bootstrap = bench.bootstrap({ recoveryDays: 14 });
    const plan = await bootstrap.plan();
    assert.deepEqual(actionsOf(plan), ['enable-recovery']);
    assert.match(plan[0]?.description ?? '', /is off, would be switched on, for 14 days/);
    assert.deepEqual(await bootstrap.apply(plan), []);
    assert.deepEqual(await bootstrap.plan(), []);
    const update = bench.faults.sent.find(({ operation }) => operation === 'UpdateContinuousBackups');
    assert.deepEqual(JSON.parse(update?.body ?? ''), {
      TableName: bench.table,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 14 },
    });
  });

  test('a longer recovery period is set, a shorter one would lose history and is left to an operator', async () => {
    await using bench = benchAt(endpoint);
    await makeTable(bench, {});
    const period = JSON.stringify({
      ContinuousBackupsDescription: {
        ContinuousBackupsStatus: 'ENABLED',
        PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'ENABLED', RecoveryPeriodInDays: 14 },
      },
    });
    bench.faults.arm(succeeds({ on: 'DescribeContinuousBackups', times: 3 }, 'fourteen days', period));
    assert.deepEqual(await bench.bootstrap({ recoveryDays: 14 }).plan(), []);
    const [shorter] = await bench.bootstrap({ recoveryDays: 7 }).plan();
    assert.deepEqual([shorter?.action, shorter?.safe], ['recovery-days', false]);
    assert.match(shorter?.description ?? '', /14 days, would reach back 7, and what is older/);
    const bootstrap = bench.bootstrap({ recoveryDays: 35 });
    const longer = await bootstrap.plan();
    assert.deepEqual(actionsOf(longer), ['recovery-days']);
    assert.deepEqual(await bootstrap.apply(longer), []);
    const update = bench.faults.sent.find(({ operation }) => operation === 'UpdateContinuousBackups');
    assert.match(update?.body ?? '', /"RecoveryPeriodInDays":35/);
  });

  test('time to live that is off though wanted is switched on, and on though unwanted is left to an operator', async () => {
    await using bench = benchAt(endpoint);
    await makeTable(bench, {});
    await bench.dynamodb.updateTimeToLive({
      TableName: bench.table,
      TimeToLiveSpecification: { Enabled: false, AttributeName: 'expires_at' },
    });
    const settings = { pointInTimeRecovery: false };
    assert.deepEqual(await bench.bootstrap({ ...settings, ttlEnabled: false }).plan(), []);
    const bootstrap = bench.bootstrap(settings);
    const plan = await bootstrap.plan();
    assert.deepEqual(actionsOf(plan), ['enable-ttl']);
    assert.deepEqual(await bootstrap.apply(plan), []);
    assert.deepEqual(await bootstrap.plan(), []);
    assert.deepEqual(actionsOf(await bench.bootstrap({ ...settings, ttlEnabled: false }).plan()), [
      'disable-ttl by hand',
    ]);
  });

  test('limits on demand are compared, where one of them may be absent', async () => {
    const limits = (read: number, write: number): Partial<CreateTableCommandInput> => ({
      OnDemandThroughput: { MaxReadRequestUnits: read, MaxWriteRequestUnits: write },
    });
    const none = { mode: 'on-demand' } as const;
    for (const [input, throughput, expected] of [
      [limits(100, 50), { ...none, maxReadUnits: 100, maxWriteUnits: 50 }, []],
      [limits(100, -1), { ...none, maxReadUnits: 100 }, []],
      [limits(-1, -1), none, []],
      [limits(100, 50), none, ['throughput by hand']],
      [limits(100, 50), { ...none, maxReadUnits: 100, maxWriteUnits: 51 }, ['throughput by hand']],
      [{}, { ...none, maxWriteUnits: 50 }, ['throughput by hand']],
    ] as const) {
      await using bench = benchAt(endpoint);
      assert.deepEqual(actionsOf(await driftOf(bench, input, { throughput })), expected);
    }
  });

  test('another class, and no protection, are found', async () => {
    await using bench = benchAt(endpoint);
    const input = { TableClass: 'STANDARD_INFREQUENT_ACCESS', DeletionProtectionEnabled: false } as const;
    const plan = await driftOf(bench, input, {});
    assert.deepEqual(actionsOf(plan), ['protect', 'table-class by hand']);
    assert.equal(plan[1]?.description, 'table class is STANDARD_INFREQUENT_ACCESS, configured is STANDARD');
    const settings = { tableClass: 'STANDARD_INFREQUENT_ACCESS', deletionProtection: false } as const;
    assert.deepEqual(await bench.bootstrap({ ...settings, pointInTimeRecovery: false }).plan(), []);
  });

  test('a key is the same by id, ARN or alias, and another one is found', async () => {
    await using bench = benchAt(endpoint);
    const SSESpecification = { Enabled: true, SSEType: 'KMS', KMSMasterKeyId: KEY_ARN } as const;
    const plan = await driftOf(bench, { SSESpecification }, {});
    assert.deepEqual(actionsOf(plan), ['encrypt by hand']);
    assert.equal(
      plan[0]?.description,
      `the key that encrypts the table is ${KEY_ARN}, configured is the one that AWS owns`,
    );
    const drift = async (kmsKeyId: string): Promise<readonly string[]> =>
      actionsOf(await bench.bootstrap({ kmsKeyId, pointInTimeRecovery: false }).plan());
    for (const same of [KEY_ARN, KEY_ID, 'alias/lake', 'arn:aws:kms:us-east-1:000000000000:alias/lake'])
      assert.deepEqual(await drift(same), [], same);
    for (const other of [
      KEY_ID.replace('1234', 'ffff'),
      KEY_ARN.replace('1234', 'ffff'),
      KEY_ARN.replace('us-east-1', 'us-east-2'),
      KEY_ARN.replace('000000000000', '111111111111'),
    ])
      assert.deepEqual(await drift(other), ['encrypt by hand'], other);
    await using plain = benchAt(endpoint);
    assert.deepEqual(actionsOf(await driftOf(plain, {}, { kmsKeyId: 'alias/lake' })), ['encrypt by hand']);
    // An endpoint that answers the name that it was given.
    await using named = benchAt(endpoint);
    const alias = { Enabled: true, SSEType: 'KMS', KMSMasterKeyId: 'alias/lake' } as const;
    const settings = { kmsKeyId: 'arn:aws:kms:us-east-1:000000000000:alias/lake' };
    assert.deepEqual(await driftOf(named, { SSESpecification: alias }, settings), []);
    for (const kmsKeyId of ['alias/sea', KEY_ID])
      assert.deepEqual(actionsOf(await named.bootstrap({ kmsKeyId, pointInTimeRecovery: false }).plan()), [
        'encrypt by hand',
      ]);
  });

  test('everything that can be set is set when the table is made', async () => {
    await using bench = benchAt(endpoint);
    const settings: Partial<TableSettings> = {
      throughput: { mode: 'on-demand', maxReadUnits: 100, maxWriteUnits: 50 },
      ttlEnabled: true,
      recoveryDays: 7,
      deletionProtection: false,
      kmsKeyId: KEY_ARN,
      tableClass: 'STANDARD_INFREQUENT_ACCESS',
      tags: { team: 'lake' },
    };
    assert.deepEqual(await bench.bootstrap(settings).ensure(), []);
    const { Table: table } = await bench.dynamodb.describeTable({ TableName: bench.table });
    assert.deepEqual(table?.OnDemandThroughput, { MaxReadRequestUnits: 100, MaxWriteRequestUnits: 50 });
    assert.equal(table?.TableClassSummary?.TableClass, 'STANDARD_INFREQUENT_ACCESS');
    assert.equal(table?.SSEDescription?.KMSMasterKeyArn, KEY_ARN);
    assert.equal(table?.DeletionProtectionEnabled, false);
    assert.deepEqual(await bench.bootstrap(settings).plan(), []);
  });
});
