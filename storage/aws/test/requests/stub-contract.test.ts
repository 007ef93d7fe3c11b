import { after } from 'node:test';

import type { ContractCase } from '@floecat/storage-testkit';
import { blobContract, pointerContract, registerContract, SLOW_BACKEND } from '@floecat/storage-testkit';

import { openS3Fixture } from '../s3/s3-fixture.ts';
import { AwsStub } from '../support/aws-stub/aws-stub.ts';
import { DynamoFixtures } from '../support/dynamo-fixture.ts';

// The stub that counts requests must answer as AWS does, or what is counted on it means nothing.
const stub = await AwsStub.start();
const fixtures = new DynamoFixtures(stub.endpoint);
after(async () => {
  await fixtures[Symbol.asyncDispose]();
  await stub[Symbol.asyncDispose]();
});

// Without the cases whose size is all that makes them different.
const LARGE = /10003 rows|at 67108864 bytes|more than 1000 blobs/;
const small = ({ name }: ContractCase): boolean => !LARGE.test(name);
registerContract(
  'pointers on the counting stub',
  pointerContract.filter(small),
  () => fixtures.open({ ownTable: true, shards: 3 }),
  SLOW_BACKEND,
);
registerContract(
  'blobs on the counting stub',
  blobContract.filter(small),
  () => openS3Fixture(stub.endpoint),
  SLOW_BACKEND,
);
