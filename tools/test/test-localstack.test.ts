import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';

import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';

import { startOwnEngine } from '../localstack/engine.ts';
import { noEngine } from './run/support/no-engine.ts';
import { environment, ROOT } from './run/support/run-process.ts';

const run = promisify(execFile);

suite('test-localstack', { skip: await noEngine(), timeout: 300_000 }, () => {
  test('the suites keep the catalog on LocalStack, which is as before afterwards', async () => {
    await using engine = await startOwnEngine();
    const suites = ['service/repository/test/names.test.ts', 'cli/test/pyiceberg.test.ts'];
    const stdout = await testLocalstack(engine.endpoint, suites);
    assert.match(
      stdout,
      /skipped, about the local and the memory backend themselves: storage\/\{local,memory\}/,
    );
    const [, passed, failed] = /^(\d+) passed, (\d+) failed/m.exec(stdout) ?? [];
    assert.deepEqual([failed, Number(passed) > 0], ['0', true], stdout);
    // Each of these tests has a store of its own.
    assert.ok(stdout.includes(`\n${passed} stores were made on LocalStack, and removed\n`), stdout);
    const given = {
      endpoint: engine.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    const dynamo = new DynamoDBClient(given);
    const s3 = new S3Client({ ...given, forcePathStyle: true });
    assert.deepEqual((await dynamo.send(new ListTablesCommand())).TableNames, []);
    assert.deepEqual((await s3.send(new ListBucketsCommand())).Buckets ?? [], []);
    dynamo.destroy();
    s3.destroy();
  });

  test('suites that keep nothing there do not pass for such', async () => {
    await using engine = await startOwnEngine();
    const suites = ['service/catalog/test/harvest/lossless-json.test.ts'];
    await assert.rejects(testLocalstack(engine.endpoint, suites), /no suite has kept anything on LocalStack/);
  });
});

/** Runs it on these suites; answers what it prints. */
async function testLocalstack(endpoint: string, suites: readonly string[]): Promise<string> {
  const tool = join(ROOT, 'tools', 'localstack', 'test-localstack.ts');
  const { stdout } = await run(process.execPath, ['--conditions=floecat-source', tool, ...suites], {
    cwd: ROOT,
    env: environment({ LOCALSTACK_ENDPOINT: endpoint }),
  });
  return stdout;
}
