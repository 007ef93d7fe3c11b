import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';

import { RetryBudget, S3ObjectFolder } from '@floecat/storage-aws';
import { systemClock } from '@floecat/storage-spi';

import { startEndpoint } from './endpoint.ts';
import type { Fault } from './faults.ts';
import { answer, cut, s3Error, socketHangUp, withBody } from './faults.ts';
import type { Client } from './s3-fixture.ts';
import { connect, makeBucket } from './s3-fixture.ts';

const endpoint = await startEndpoint();

after(() => ('skip' in endpoint ? undefined : endpoint[Symbol.asyncDispose]()));

interface Bench {
  readonly client: Client;
  readonly bucket: string;
  readonly folder: S3ObjectFolder;
  /** From now on; each must fire by the end of the test. */
  readonly inject: (...faults: Fault[]) => void;
}

/** A test on a bucket of its own. */
function folderTest(name: string, body: (bench: Bench) => Promise<void>): void {
  if ('skip' in endpoint) return void test(name, { skip: endpoint.skip });
  void test(name, async () => {
    await using client = connect(endpoint.endpoint, { budget: new RetryBudget() });
    const bucket = await makeBucket(client.s3);
    const injected: Fault[] = [];
    await using folder = open(client, bucket);
    const inject = (...faults: Fault[]): void => {
      injected.push(...faults);
      client.handler.inject(...faults);
    };
    await body({ client, bucket, folder, inject });
    for (const { name: fault } of injected)
      assert.ok(client.handler.fired(fault) > 0, `the fault "${fault}" never happened`);
  });
}

function open({ s3, wire }: Client, bucket: string, keyPrefix = 'deep/backups/'): S3ObjectFolder {
  return new S3ObjectFolder({ s3, wire, clock: systemClock, bucket, keyPrefix });
}

const isGet = (request: string): boolean => request.startsWith('GET ') && !request.includes('list-type=');
const isList = (request: string): boolean => request.includes('list-type=2');
const isPut = (request: string): boolean => request.startsWith('PUT ');

folderTest('files are put below the prefix, replaced, read, listed in order and deleted', async (bench) => {
  const { folder, client, bucket } = bench;
  assert.equal(folder.location, `s3://${bucket}/deep/backups`);
  const bytes = randomBytes(200_000);
  await folder.put('b/x', Buffer.from('1'));
  await folder.put('b/x', bytes);
  await folder.put('a', Buffer.from(''));
  await folder.put('b-c/y', Buffer.from('3'));
  await using beside = open(client, bucket, 'deep/');
  await beside.put('backups2/z', Buffer.from('4'));
  assert.deepEqual(await Array.fromAsync(folder.list('')), ['a', 'b-c/y', 'b/x']);
  assert.deepEqual(await Array.fromAsync(folder.list('b/')), ['b/x']);
  assert.deepEqual(await Array.fromAsync(folder.list('none/')), []);
  assert.ok(Buffer.from((await folder.get('b/x')) ?? []).equals(bytes));
  assert.equal((await folder.get('a'))?.length, 0);
  assert.equal(await folder.get('b/y'), undefined);
  await folder.delete('b/x');
  await folder.delete('b/x');
  assert.equal(await folder.get('b/x'), undefined);
  assert.deepEqual(await Array.fromAsync(folder.list('')), ['a', 'b-c/y']);
});

folderTest('what another program put there is read as it is', async ({ client, bucket, folder }) => {
  await client.s3.putObject({ Bucket: bucket, Key: 'deep/backups/copied', Body: 'by hand' });
  assert.equal(Buffer.from((await folder.get('copied')) ?? []).toString(), 'by hand');
});

folderTest('a listing of several pages is whole, and fails rather than be a part', async (bench) => {
  const { folder, inject } = bench;
  const names = Array.from({ length: 7 }, (_, i) => `n${i}`);
  for (const name of names) await folder.put(name, Buffer.from(name));
  const smallPages: Fault = {
    name: 'pages of two',
    times: Infinity,
    on: (request) => isList(request) && !request.includes('continuation-token='),
    before: (request) => void (request.query = { ...request.query, 'max-keys': '2' }),
  };
  inject(smallPages);
  assert.deepEqual(await Array.fromAsync(folder.list('')), names);
  inject(smallPages, {
    name: 'no second page',
    times: Infinity,
    on: (request) => isList(request) && request.includes('continuation-token='),
    after: async () => answer(500, ''),
  });
  await assert.rejects(Array.fromAsync(folder.list('')), { code: 'STORAGE_UNAVAILABLE' });
});

folderTest('what fails on its way is tried again, and what was stored wrong is told', async (bench) => {
  const { folder, inject } = bench;
  const bytes = randomBytes(50_000);
  inject(
    { name: 'hang up', on: isPut, before: () => socketHangUp() },
    { name: 'slow down', on: isPut, after: async () => s3Error(503, 'SlowDown') },
    { name: 'lost answer', on: isPut, after: () => socketHangUp() },
  );
  await folder.put('x', bytes);
  inject({ name: 'cut', on: isGet, after: (response) => withBody(response, cut) });
  assert.ok(Buffer.from((await folder.get('x')) ?? []).equals(bytes));
  inject({
    name: 'other bytes',
    on: isPut,
    after: async () => answer(200, '', { etag: '"0"', 'x-amz-checksum-sha256': 'A'.repeat(43) + '=' }),
  });
  await assert.rejects(folder.put('y', bytes), { code: 'STORAGE_ABORT_RETRYABLE' });
});

folderTest('a bucket that does not exist is no missing file', async ({ client }) => {
  await using folder = open(client, 'floecat-no-such-bucket');
  const misconfigured = { code: 'STORAGE_MISCONFIGURED', message: /does not exist/ };
  await assert.rejects(folder.get('x'), misconfigured);
  await assert.rejects(folder.put('x', Buffer.of(1)), misconfigured);
  await assert.rejects(Array.fromAsync(folder.list('')), misconfigured);
  for (const [bucket, prefix] of [
    ['UPPER', ''],
    ['fine', 'no-slash'],
    ['fine', '/a/'],
  ] as const)
    assert.throws(() => open(client, bucket, prefix), { code: 'INVALID_ARGUMENT' });
});
