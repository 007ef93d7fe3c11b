// Runs the suites of the catalog with its storage on the LocalStack endpoint: `test-localstack.ts [file…]`.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { join } from 'node:path';

import { DynamoDBClient, DeleteTableCommand, paginateListTables } from '@aws-sdk/client-dynamodb';
import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  S3Client,
} from '@aws-sdk/client-s3';

import { provision } from './provision.ts';
import type { LocalstackSettings } from './settings.ts';
import { readSettings } from './settings.ts';
import { startLocalstack } from './start-localstack.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SUITES = ['service/*/test', 'cli/test', 'examples/test'];
/** What `make test` runs as it would be run here, with the reason. */
const LEFT_OUT = [
  ['storage/{local,memory}', 'about the local and the memory backend themselves'],
  ['storage/{spi,testkit,aws}', 'about the contract and the AWS backend, which has endpoints of its own'],
  ['service/config', 'about settings and how they choose a backend, among them the local one'],
  ['service/catalog/test/{demo-lake,harvest}', 'about upstream tables; nothing is stored'],
  ['cli/test/{aws,troubleshooting}.test.ts', 'about stores on AWS, with endpoints of their own'],
] as const;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
const print = (line: string): boolean => process.stdout.write(line + '\n');

async function run(named: readonly string[]): Promise<number> {
  const own = readSettings(process.env);
  await startLocalstack(own, process.env, stop.signal);
  // Apart from what is developed with, and easy to find again.
  const name = `floecat-test-${randomBytes(4).toString('hex')}`;
  const settings = { ...own, bucket: name, table: name };
  print(`the catalog's storage is on LocalStack at ${own.endpoint}, bucket ${name}, tables ${name}-*`);
  for (const [pattern, reason] of LEFT_OUT) print(`  skipped, ${reason}: ${pattern}`);
  const leftOut = new Set(LEFT_OUT.flatMap(([pattern]) => testsBelow(pattern)));
  const suites = SUITES.flatMap(testsBelow).filter((file) => !leftOut.has(file));
  const files = named.length > 0 ? named : suites.toSorted();
  await provision(settings);
  let code = 1;
  let stores = 0;
  try {
    code = await runTests(files, name);
  } finally {
    stores = await removeAll(settings);
  }
  if (stores === 0) throw new Error('no suite has kept anything on LocalStack');
  print(`${stores} stores were made on LocalStack, and removed`);
  return code;
}

/** The test files of a pattern, which is one or a folder of them. */
function testsBelow(pattern: string): string[] {
  return globSync(pattern.endsWith('.ts') ? pattern : `${pattern}/**/*.test.ts`, { cwd: ROOT });
}

async function runTests(files: readonly string[], name: string): Promise<number> {
  const child = spawn(process.execPath, [join(ROOT, 'tools', 'run-tests.ts'), ...files], {
    cwd: ROOT,
    env: { ...process.env, FLOECAT_TEST_STORAGE: `localstack:${name}` },
    stdio: ['ignore', 'inherit', 'inherit'],
    signal: stop.signal,
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

/** The bucket with all that is in it, and every table whose name begins as it does. Answers how many stores' they were. */
async function removeAll(settings: LocalstackSettings): Promise<number> {
  const { endpoint, region, accessKey, secretKey, bucket: Bucket, table } = settings;
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const dynamo = new DynamoDBClient({ endpoint, region, credentials });
  try {
    for (;;) {
      // From the start each time, since what the next page begins at may be gone.
      const page = await s3.send(new ListObjectVersionsCommand({ Bucket }));
      const Objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({
        Key,
        VersionId,
      }));
      if (Objects.length === 0) break;
      await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    }
    await s3.send(new DeleteBucketCommand({ Bucket }));
    const tables: string[] = [];
    for await (const { TableNames = [] } of paginateListTables({ client: dynamo }, {}))
      tables.push(...TableNames.filter((name) => name.startsWith(table)));
    for (const TableName of tables) await dynamo.send(new DeleteTableCommand({ TableName }));
    // The first one was provisioned with the bucket.
    return tables.length - 1;
  } finally {
    s3.destroy();
    dynamo.destroy();
  }
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`test-localstack: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
