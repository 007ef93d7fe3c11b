import { after, test } from 'node:test';

import type { ServerDefect } from '@floecat/storage-testkit';
import { pointerContract, registerContract, SLOW_BACKEND } from '@floecat/storage-testkit';

import { startEndpoint } from '../s3/endpoint.ts';
import { DynamoFixtures } from '../support/dynamo-fixture.ts';

/** What the Python engine does otherwise than DynamoDB, by the cases of the pointer contract that show it. */
const DEFECTS: readonly ServerDefect[] = [
  {
    case: '[61] a batch of exactly 4194304 bytes works, one byte more is refused',
    because: 'it counts the bytes of the JSON of a transaction, and not those of its items, toward the 4 MB',
    failsWith: /TransactWriteItems .*ValidationException.*4MB/s,
  },
];

const soak = process.env['FLOECAT_SOAK'] !== undefined;
const endpoint = await startEndpoint();
const title = 'pointers on the LocalStack endpoint';

if ('skip' in endpoint) void test(`contract ${title}`, { skip: endpoint.skip });
else {
  const fixtures = new DynamoFixtures(endpoint.endpoint);
  after(async () => {
    await fixtures[Symbol.asyncDispose]();
    await endpoint[Symbol.asyncDispose]();
  });
  const largest = pointerContract.filter(({ name }) => name.includes('10003 rows'));
  registerContract(
    `${title}, each case over three shards${soak ? '' : `, all but ${largest.length} that make soak runs`}`,
    soak ? pointerContract : pointerContract.filter((contractCase) => !largest.includes(contractCase)),
    () => fixtures.open({ ownTable: true, shards: 3 }),
    { ...SLOW_BACKEND, defects: DEFECTS },
  );
  if (soak)
    registerContract(
      `${title}, each case in one scope`,
      pointerContract,
      () => fixtures.open({ ownTable: false, shards: 64 }),
      { ...SLOW_BACKEND, defects: DEFECTS },
    );
}
