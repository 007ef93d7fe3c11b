import assert from 'node:assert/strict';
import { test } from 'node:test';

import { whyNoDynamoDbLocal } from '../support/dynamodb-local.ts';
import { faultLedger } from './fault-ledger.ts';
import { s3FaultsFired, whyNoS3 } from './s3-bench.ts';

// Each registers its tests, in this process, so that the last one sees what all of them did.
import './dynamo-put.ts';
import './dynamo-read.ts';
import './dynamo-refusal.ts';
import './dynamo-silence.ts';
import './dynamo-transaction.ts';
import './s3-deletes.ts';
import './s3-reads.ts';
import './s3-refusals.ts';
import './s3-silence.ts';
import './s3-writes.ts';

const why = [whyNoDynamoDbLocal(), whyNoS3].filter((reason) => reason !== undefined).join('; ');

test('[catalogue] every fault that can occur has fired, and those that cannot did not', (t) => {
  for (const [name, times] of [...s3FaultsFired].toSorted()) t.diagnostic(`S3: ${name}: ${times}`);
  const { lines, missing } = faultLedger.report();
  for (const line of lines) t.diagnostic(line);
  if (why !== '') return t.skip(`not all faults could be tried: ${why}`);
  assert.deepEqual(missing, []);
  assert.deepEqual(faultLedger.strange, [], 'an upload in parts, or a copy');
});
