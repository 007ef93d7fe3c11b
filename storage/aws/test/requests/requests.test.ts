import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import { AwsStub } from '../support/aws-stub/aws-stub.ts';
import { openStubStorage } from '../support/aws-stub/open-stub-storage.ts';
import type { MeasuredOperation } from '../support/measured-operation.ts';
import { measure } from '../support/measured-operation.ts';
import { repositoryOperations } from '../support/repository-operations.ts';
import { storeOperations } from '../support/store-operations.ts';

const stub = await AwsStub.start();
const storage = await openStubStorage(stub.endpoint);
const ofStores = storeOperations(storage);
// Asks itself, so it must be done before the first test begins.
const ofRepositories = await repositoryOperations(storage);
after(async () => {
  await storage.close();
  await stub[Symbol.asyncDispose]();
});

function pin(title: string, operations: readonly MeasuredOperation[]): void {
  suite(`requests and capacity units on AWS of the ${title}`, () => {
    for (const operation of operations)
      test(operation.name, async () => {
        const { requests, read, write } = await measure(stub, operation);
        const { requests: expected, read: reads = 0, write: writes = 0 } = operation;
        assert.deepEqual({ requests, read, write }, { requests: expected, read: reads, write: writes });
      });
  });
}

pin('stores', ofStores);
pin('repositories', ofRepositories);
