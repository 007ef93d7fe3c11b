import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Server as HttpServer } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, suite, test } from 'node:test';

import { DynamoDB } from '@aws-sdk/client-dynamodb';

import { startAwsEndpoint } from './aws-endpoint.ts';
import { floecat, serve, temporaryFolder } from './support.ts';

const PAGE = (await readFile(join(import.meta.dirname, '../../docs/troubleshooting.md'), 'utf8')).replace(
  /\s+/g,
  ' ',
);
const server = await startAwsEndpoint();
const refusing: HttpServer[] = [];
after(async () => {
  for (const each of refusing) each.close();
  if (!('skip' in server)) await server[Symbol.asyncDispose]();
});
const skip = 'skip' in server ? server : {};
const store = (more: Record<string, string> = {}): Record<string, string> => ({
  ...('skip' in server ? {} : server.store()),
  ...more,
});
const CREATE = { FLOECAT_KV_AUTO_CREATE: 'true', FLOECAT_BLOB_S3_AUTO_CREATE: 'true' };

/** A server that refuses every request as AWS does. */
async function refusingEndpoint(status: number, code: string, message: string): Promise<string> {
  const made = createServer((request, response) => {
    request.resume();
    const dynamo = request.headers['x-amz-target'] !== undefined;
    response.writeHead(status, { 'content-type': dynamo ? 'application/x-amz-json-1.0' : 'application/xml' });
    response.end(
      dynamo
        ? JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message })
        : `<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
    );
  });
  refusing.push(made.listen(0, '127.0.0.1'));
  await once(made, 'listening');
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

/** In no message. */
const NOTHING = '\0';

/** The message as the page has it: names that differ from run to run are placeholders. */
function template(message: string, env: Readonly<Record<string, string>>): string {
  return message
    .replace(/^floecat: /, '')
    .replaceAll(env['FLOECAT_BLOB_S3_BUCKET'] ?? NOTHING, '<bucket>')
    .replaceAll(env['FLOECAT_KV_TABLE'] ?? NOTHING, '<table>')
    .replace(/[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}/g, '<id>')
    .replace(/^\w+ "\/[^"]*"/, '<operation> "<key>"')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Runs a command that must fail, and checks that the page has what it says. */
async function documented(
  env: Record<string, string>,
  args: readonly string[] = ['pointers', 'ls'],
): Promise<void> {
  using folder = temporaryFolder();
  const { code, stderr } = await floecat(args, {
    cwd: folder.path,
    env: { AWS_EC2_METADATA_DISABLED: 'true', HOME: folder.path, ...env },
  });
  assert.notEqual(code, 0, stderr);
  assert.ok(!stderr.includes('test-secret-planted'), 'a secret is shown');
  check(template(stderr, env));
}

/** What the page lacks is told for a whole test at once. */
const lacking: string[] = [];
function check(message: string): void {
  if (!PAGE.includes(message)) lacking.push(message);
}

afterEach(() => {
  assert.deepEqual(lacking.splice(0), [], 'docs/troubleshooting.md lacks these messages');
});

void suite('docs/troubleshooting.md has what a user sees', skip, () => {
  void test('no credentials, half a key, no region', async () => {
    const bare = {
      FLOECAT_KV: 'dynamodb',
      FLOECAT_BLOB: 's3',
      FLOECAT_BLOB_S3_BUCKET: 'lake-one',
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
    };
    await documented({ ...bare, AWS_REGION: 'eu-west-1' });
    await documented({ ...bare, AWS_REGION: '', FLOECAT_FILEIO_OVERRIDE_S3_ACCESS_KEY_ID: 'AKIA' });
    await documented({ ...bare, AWS_REGION: '', AWS_DEFAULT_REGION: '' });
  });

  for (const [what, status, code, message] of [
    [
      'a key that AWS does not know',
      403,
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
    ],
    [
      'a key with a wrong secret',
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided.',
    ],
    ['an action that is not allowed', 403, 'AccessDenied', 'Access Denied'],
    ['a token that has expired', 400, 'ExpiredToken', 'The provided token has expired.'],
  ] as const)
    void test(what, async () => {
      const endpoint = await refusingEndpoint(status, code, message);
      await documented(store({ FLOECAT_FILEIO_OVERRIDE_S3_ENDPOINT: endpoint }));
    });

  void test('the same from DynamoDB', async () => {
    const endpoint = await refusingEndpoint(
      400,
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    );
    await documented(store({ ...CREATE, FLOECAT_FILEIO_OVERRIDE_AWS_DYNAMODB_ENDPOINT_OVERRIDE: endpoint }));
  });

  void test('a missing bucket, a missing table', async () => {
    await documented(store());
    await documented(store({ FLOECAT_BLOB_S3_AUTO_CREATE: 'true' }));
  });

  void test('a table of another store, a bucket of another store', async () => {
    const [one, other] = [store(CREATE), store(CREATE)];
    for (const env of [one, other]) assert.equal((await floecat(['pointers', 'ls'], { env })).code, 0);
    await documented({ ...one, FLOECAT_KV_TABLE: other['FLOECAT_KV_TABLE'] ?? '' });
    await documented({ ...one, FLOECAT_BLOB_S3_BUCKET: `${other['FLOECAT_BLOB_S3_BUCKET']}-new` });
    await documented({ ...one, FLOECAT_KV_SHARDS: '8' });
  });

  void test('a table that was deleted while the service runs, and afterwards', async () => {
    using folder = temporaryFolder();
    const env = store({ ...CREATE, FLOECAT_DATA_DIR: folder.path });
    const TableName = env['FLOECAT_KV_TABLE'] ?? '';
    {
      await using running = await serve([], { env });
      const dynamo = new DynamoDB({
        endpoint: 'skip' in server ? '' : server.endpoint,
        region: 'us-east-1',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      });
      await dynamo.updateTable({ TableName, DeletionProtectionEnabled: false });
      await dynamo.deleteTable({ TableName });
      dynamo.destroy();
      const answer = await fetch(`${running.url}/v1/default/namespaces/cafe/tables/cats`);
      assert.equal(answer.status, 500);
      const { error } = (await answer.json()) as { error: { message: string } };
      check(template(error.message, env));
    }
    await documented(env);
    await documented({ ...env, FLOECAT_KV_AUTO_CREATE: 'false' });
  });
});
