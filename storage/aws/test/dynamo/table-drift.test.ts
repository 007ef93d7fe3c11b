import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { TableSettings } from '@floecat/storage-aws';

import { startEndpoint } from '../s3/endpoint.ts';
import { succeeds } from '../support/fault-handler.ts';
import { actionsOf, driftOf, makeTable, tableBench } from '../support/table-bench.ts';

const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab';
const KEY_ARN = `arn:aws:kms:us-east-1:000000000000:key/${KEY_ID}`;

const engine = await startEndpoint();
const endpoint = 'skip' in engine ? '' : engine.endpoint;
after(async () => {
  if (!('skip' in engine)) await engine[Symbol.asyncDispose]();
});

function limits(read: number, write: number): Partial<CreateTableCommandInput> {
  return { OnDemandThroughput: { MaxReadRequestUnits: read, MaxWriteRequestUnits: write } };
}

suite('a table as AWS describes it', 'skip' in engine ? { skip: engine.skip } : {}, () => {
  test('tags that are missing are added, others left alone, and other values left to an operator', async () => {
    await using bench = tableBench(endpoint);
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
    await using bench = tableBench(endpoint);
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
    await using bench = tableBench(endpoint);
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
    await using bench = tableBench(endpoint);
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
    await using bench = tableBench(endpoint);
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
    const none = { mode: 'on-demand' } as const;
    for (const [input, throughput, expected] of [
      [limits(100, 50), { ...none, maxReadUnits: 100, maxWriteUnits: 50 }, []],
      [limits(100, -1), { ...none, maxReadUnits: 100 }, []],
      [limits(-1, -1), none, []],
      [limits(100, 50), none, ['throughput by hand']],
      [limits(100, 50), { ...none, maxReadUnits: 100, maxWriteUnits: 51 }, ['throughput by hand']],
      [{}, { ...none, maxWriteUnits: 50 }, ['throughput by hand']],
    ] as const) {
      await using bench = tableBench(endpoint);
      assert.deepEqual(actionsOf(await driftOf(bench, input, { throughput })), expected);
    }
  });

  test('another class, and no protection, are found', async () => {
    await using bench = tableBench(endpoint);
    const input = { TableClass: 'STANDARD_INFREQUENT_ACCESS', DeletionProtectionEnabled: false } as const;
    const plan = await driftOf(bench, input, {});
    assert.deepEqual(actionsOf(plan), ['protect', 'table-class by hand']);
    assert.equal(plan[1]?.description, 'table class is STANDARD_INFREQUENT_ACCESS, configured is STANDARD');
    const settings = { tableClass: 'STANDARD_INFREQUENT_ACCESS', deletionProtection: false } as const;
    assert.deepEqual(await bench.bootstrap({ ...settings, pointInTimeRecovery: false }).plan(), []);
  });

  test('a key is the same by id, ARN or alias, and another one is found', async () => {
    await using bench = tableBench(endpoint);
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
    await using plain = tableBench(endpoint);
    assert.deepEqual(actionsOf(await driftOf(plain, {}, { kmsKeyId: 'alias/lake' })), ['encrypt by hand']);
    // An endpoint that answers the name that it was given.
    await using named = tableBench(endpoint);
    const alias = { Enabled: true, SSEType: 'KMS', KMSMasterKeyId: 'alias/lake' } as const;
    const settings = { kmsKeyId: 'arn:aws:kms:us-east-1:000000000000:alias/lake' };
    assert.deepEqual(await driftOf(named, { SSESpecification: alias }, settings), []);
    for (const kmsKeyId of ['alias/sea', KEY_ID])
      assert.deepEqual(actionsOf(await named.bootstrap({ kmsKeyId, pointInTimeRecovery: false }).plan()), [
        'encrypt by hand',
      ]);
  });

  test('everything that can be set is set when the table is made', async () => {
    await using bench = tableBench(endpoint);
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
