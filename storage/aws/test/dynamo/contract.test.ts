import { after, test } from 'node:test';

import {
  pointerContract,
  registerContract,
  SLOW_BACKEND,
  systemApartCases,
  systemContract,
  systemRows,
  wrapFixture,
} from '@floecat/storage-testkit';

import { startDynamoDbLocal, whyNoDynamoDbLocal } from '../support/dynamodb-local.ts';
import { DynamoFixtures } from '../support/dynamo-fixture.ts';

const missing = whyNoDynamoDbLocal();

if (missing !== undefined) void test('contract pointers on DynamoDB Local', { skip: missing }, () => {});
else {
  const { endpoint, stop } = await startDynamoDbLocal();
  const fixtures = new DynamoFixtures(endpoint);
  after(async () => {
    await fixtures[Symbol.asyncDispose]();
    await stop();
  });
  // Once is enough for the largest case: it takes longer than all others together.
  const smaller = pointerContract.filter(({ name }) => !name.includes('10003 rows'));
  registerContract(
    'pointers on DynamoDB Local, each case in one scope',
    smaller,
    () => fixtures.open({ ownTable: false, shards: 64 }),
    SLOW_BACKEND,
  );
  registerContract(
    'pointers on DynamoDB Local, each case over three shards',
    pointerContract,
    () => fixtures.open({ ownTable: true, shards: 3 }),
    SLOW_BACKEND,
  );
  registerContract(
    'pointers and system rows on DynamoDB Local',
    systemApartCases,
    () => fixtures.open({ ownTable: true, shards: 3 }),
    SLOW_BACKEND,
  );
  // The code below the keys is the one of the pointers: what is left is that every operation maps them.
  registerContract(
    'system rows on DynamoDB Local',
    systemContract.filter(({ name }) => !name.includes('10003 rows')),
    async () => wrapFixture(await fixtures.open({ ownTable: true, shards: 3 }), systemRows),
    SLOW_BACKEND,
  );
}
