import assert from 'node:assert/strict';
import { test } from 'node:test';

import { whyNoDynamoDbLocal } from '../support/dynamodb-local.ts';
import { dynamoPutFaults } from './dynamo-put-faults.ts';
import { dynamoReadFaults } from './dynamo-read-faults.ts';
import { dynamoRefusalFaults } from './dynamo-refusal-faults.ts';
import { dynamoSilenceFaults } from './dynamo-silence-faults.ts';
import { dynamoTransactionFaults } from './dynamo-transaction-faults.ts';
import { faultLedger } from './fault-ledger.ts';
import { s3DeleteFaults } from './s3-delete-faults.ts';
import { s3FaultsFired, whyNoS3 } from './s3-bench.ts';
import { s3ReadFaults } from './s3-read-faults.ts';
import { s3RefusalFaults } from './s3-refusal-faults.ts';
import { s3SilenceFaults } from './s3-silence-faults.ts';
import { s3WriteFaults } from './s3-write-faults.ts';

// In one process, so that the last test sees what all of them did.
dynamoPutFaults();
dynamoReadFaults();
dynamoRefusalFaults();
dynamoSilenceFaults();
dynamoTransactionFaults();
s3DeleteFaults();
s3ReadFaults();
s3RefusalFaults();
s3SilenceFaults();
s3WriteFaults();

const why = [whyNoDynamoDbLocal(), whyNoS3].filter((reason) => reason !== undefined).join('; ');

test('[catalogue] every fault that can occur has fired, and those that cannot did not', (t) => {
  for (const [name, times] of [...s3FaultsFired].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    t.diagnostic(`S3: ${name}: ${times}`);
  const { lines, missing } = faultLedger.report();
  for (const line of lines) t.diagnostic(line);
  if (why !== '') return t.skip(`not all faults could be tried: ${why}`);
  assert.deepEqual(missing, []);
  assert.deepEqual(faultLedger.strange, [], 'an upload in parts, or a copy');
});
