import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import { startEndpoint } from '../s3/endpoint.ts';
import { startDynamoDbLocal, whyNoDynamoDbLocal } from '../support/dynamodb-local.ts';
import { answers } from '../support/fault-handler.ts';
import { actionsOf, driftOf, KEYS, makeTable, tableBench } from '../support/table-bench.ts';

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
      await using bench = tableBench(endpoint);
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
      await using bench = tableBench(endpoint);
      const all = Array.from({ length: 8 }, () => bench.bootstrap({ tags: { team: 'lake' } }));
      await Promise.all(all.map((each) => each.ensure()));
      for (const each of all) assert.deepEqual(await each.plan(), []);
    });

    test('each of eight that repair it at once ends well', async () => {
      await using bench = tableBench(endpoint);
      await makeTable(bench, { DeletionProtectionEnabled: false });
      const all = Array.from({ length: 8 }, () => bench.bootstrap({ tags: { team: 'lake', env: 'prod' } }));
      const left = await Promise.all(all.map(async (each) => each.apply(await each.plan())));
      assert.deepEqual(
        left,
        all.map(() => []),
      );
      for (const each of all) assert.deepEqual(await each.plan(), []);
    });

    test('that another process only began to make is finished, and other differences are told', async () => {
      await using bench = tableBench(endpoint);
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
        await using bench = tableBench(endpoint);
        assert.deepEqual(actionsOf(await driftOf(bench, made, { throughput: settings })), expected);
      }
    });

    test('that is not as this store needs it is refused by plan and start, and left alone', async () => {
      await using bench = tableBench(endpoint);
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
      await using bench = tableBench(endpoint);
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
