import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';

import { S3 } from '@aws-sdk/client-s3';
import { openS3ObjectSource, RetryBudget, S3ObjectSource } from '@floecat/storage-aws';
import type { AwsSettings } from '@floecat/storage-aws';
import { StorageMisconfiguredError } from '@floecat/storage-spi';
import type { StorageErrorCode } from '@floecat/storage-spi';

import { startEndpoint } from './endpoint.ts';
import type { Fault } from './faults.ts';
import { answer, cut, refused, s3Error, socketHangUp, withBody, without } from './faults.ts';
import type { Client } from './s3-fixture.ts';
import { connect, makeBucket } from './s3-fixture.ts';

const endpoint = await startEndpoint();
const MAX = { maxBytes: 1_000_000 };
const ATTEMPTS = 4;

after(() => ('skip' in endpoint ? undefined : endpoint[Symbol.asyncDispose]()));

interface Bench {
  readonly client: Client;
  readonly source: S3ObjectSource;
  readonly bucket: string;
  readonly put: (key: string, body: string | Buffer) => Promise<void>;
  /** From now on; each must fire by the end of the test. */
  readonly inject: (...faults: Fault[]) => void;
  /** Requests since the last call of this. */
  readonly requests: () => readonly string[];
}

/** A test on a bucket of its own. */
function sourceTest(name: string, body: (bench: Bench) => Promise<void>): void {
  if ('skip' in endpoint) return void test(name, { skip: endpoint.skip });
  void test(name, async () => {
    await using client = connect(endpoint.endpoint, { budget: new RetryBudget() });
    const bucket = await makeBucket(client.s3, false);
    const injected: Fault[] = [];
    await using source = new S3ObjectSource(client);
    const put = async (Key: string, content: string | Buffer): Promise<void> => {
      await client.s3.putObject({ Bucket: bucket, Key, Body: Buffer.from(content) });
      client.handler.takeRequests();
    };
    const inject = (...faults: Fault[]): void => {
      injected.push(...faults);
      client.handler.inject(...faults);
    };
    client.handler.takeRequests();
    await body({ client, source, bucket, put, inject, requests: () => client.handler.takeRequests() });
    for (const { name: fault } of injected)
      assert.ok(client.handler.fired(fault) > 0, `the fault "${fault}" never happened`);
  });
}

function rejects(work: Promise<unknown>, code: StorageErrorCode, ...messages: RegExp[]): Promise<void> {
  return assert.rejects(work, (error: { code?: string; message?: string }) => {
    assert.equal(error.code, code, String(error.message));
    for (const message of messages) assert.match(String(error.message), message);
    return true;
  });
}

const namesOf = async (names: AsyncIterable<string>): Promise<string[]> => Array.fromAsync(names);
const isGet = (request: string): boolean => request.startsWith('GET ') && !request.includes('list-type=');
const isList = (request: string): boolean => request.includes('list-type=2');

/** The fault, on the second page of a listing. */
const second = (fault: Omit<Fault, 'on'>): Fault => ({
  ...fault,
  on: (request) => isList(request) && request.includes('continuation-token='),
});

const page = (inside: string) => (): ReturnType<typeof answer> =>
  answer(
    200,
    `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</ListBucketResult>`,
  );

const xml = (code: string, inside = '', message = code): string =>
  `<Error><Code>${code}</Code><Message>${message}</Message>${inside}</Error>`;

const longer = (bytes: Buffer): Buffer => Buffer.concat([bytes, bytes]);

const signedBy = (headers: Readonly<Record<string, string>>): string =>
  /Credential=([^/]+)/.exec(headers['authorization'] ?? '')?.[1] ?? 'nobody';

const ODD_NAMES = [
  'with space',
  'plus+and%20percent%',
  '%2e%2e',
  'ünïcode 数 🐈',
  'quotes\'and"more',
  'a?b#c&d=e;f',
  '{curly}|pipe^~`',
  'event_date=2024-01-01',
  'tab\tin it',
];

sourceTest('an object is read whole, in one request, with exactly its bytes', async (bench) => {
  const { source, bucket, put, requests } = bench;
  const bytes = randomBytes(300_000);
  await put('t/data.bin', bytes);
  const read = await source.read(bucket, 't/data.bin', MAX);
  assert.ok(Buffer.from(read).equals(bytes));
  assert.equal(requests().length, 1);
  await put('t/empty', '');
  assert.equal((await source.read(bucket, 't/empty', { maxBytes: 0 })).length, 0);
});

sourceTest('keys are taken letter by letter, and listed as they are', async ({ source, bucket, put }) => {
  for (const name of ODD_NAMES) await put(`odd/${name}/${name}`, name);
  for (const name of ODD_NAMES) {
    const read = await source.read(bucket, `odd/${name}/${name}`, MAX);
    assert.equal(Buffer.from(read).toString(), name);
    assert.deepEqual(await namesOf(source.list(bucket, `odd/${name}/`)), [name]);
  }
  await put('twice//x', 'two slashes');
  await put('twice/x', 'one slash');
  assert.equal(Buffer.from(await source.read(bucket, 'twice//x', MAX)).toString(), 'two slashes');
  await rejects(source.read(bucket, 'odd/with+space/with+space', MAX), 'STORAGE_NOT_FOUND');
});

sourceTest(
  'a listing has the objects directly there: no folders, no deeper ones, no mark of a folder',
  async (bench) => {
    const { source, bucket, put } = bench;
    for (const key of ['t/b', 't/a', 't/', 't/deep/c', 't2/d', 'top']) await put(key, 'x');
    assert.deepEqual(await namesOf(source.list(bucket, 't/')), ['a', 'b']);
    assert.deepEqual(await namesOf(source.list(bucket, '')), ['top']);
    assert.deepEqual(await namesOf(source.list(bucket, 'nothing/')), []);
  },
);

/** Makes the server answer pages of two. */
const smallPages: Fault = {
  name: 'pages of two',
  times: Infinity,
  on: isList,
  before: (request) => {
    request.query = { ...request.query, 'max-keys': '2' };
    return undefined;
  },
};

sourceTest('a listing of many pages is whole, also where a page has folders only', async (bench) => {
  const { source, bucket, put, inject, requests } = bench;
  for (const key of ['a1', 'b/x', 'c/x', 'd/x', 'e1', 'f1', 'g1']) await put(`p/${key}`, 'x');
  inject(smallPages);
  assert.deepEqual(await namesOf(source.list(bucket, 'p/')), ['a1', 'e1', 'f1', 'g1']);
  assert.equal(requests().length, 4);
});

sourceTest('a page that fails fails the listing: part of it never passes for all', async (bench) => {
  const { source, bucket, put, inject, requests } = bench;
  for (const key of ['a', 'b', 'c', 'd']) await put(`p/${key}`, 'x');
  const cases: [Omit<Fault, 'on'>, StorageErrorCode, RegExp, number][] = [
    [
      { name: 'list 503', times: Infinity, before: () => s3Error(503, 'SlowDown') },
      'STORAGE_UNAVAILABLE',
      /s3:ListBucket/,
      ATTEMPTS,
    ],
    [
      { name: 'list 403', before: () => s3Error(403, 'AccessDenied') },
      'STORAGE_ACCESS_DENIED',
      /s3:ListBucket on bucket /,
      1,
    ],
    [
      { name: 'bucket gone', before: () => s3Error(404, 'NoSuchBucket') },
      'STORAGE_MISCONFIGURED',
      /bucket /,
      1,
    ],
    [
      { name: 'not truncated?', times: Infinity, before: page('') },
      'STORAGE_UNAVAILABLE',
      /whether it is complete/,
      ATTEMPTS,
    ],
    [
      { name: 'no token', times: Infinity, before: page('<IsTruncated>true</IsTruncated>') },
      'STORAGE_UNAVAILABLE',
      /where it goes on/,
      ATTEMPTS,
    ],
    [{ name: 'list hang up', times: Infinity, before: socketHangUp }, 'STORAGE_UNAVAILABLE', /./, ATTEMPTS],
  ];
  for (const [fault, code, message, attempts] of cases) {
    inject(second(fault), { ...smallPages, name: `${fault.name}: pages of two` });
    const seen: string[] = [];
    const listing = (async () => {
      for await (const name of source.list(bucket, 'p/')) seen.push(name);
    })();
    await rejects(listing, code, message);
    assert.deepEqual(seen, ['a', 'b'], fault.name);
    assert.equal(requests().length, 1 + attempts, fault.name);
  }
  // Once is no failure.
  inject(second({ name: 'list 500 once', before: () => s3Error(500, 'InternalError') }), smallPages);
  assert.deepEqual(await namesOf(source.list(bucket, 'p/')), ['a', 'b', 'c', 'd']);
});

sourceTest('what is absent: the object is not found, the bucket is a wrong setting', async (bench) => {
  const { source, bucket, requests } = bench;
  await rejects(source.read(bucket, 'absent', MAX), 'STORAGE_NOT_FOUND', /there is no such object/);
  assert.equal(requests().length, 1);
  await rejects(
    source.read('no-such-bucket-here', 'x', MAX),
    'STORAGE_MISCONFIGURED',
    /bucket no-such-bucket-here does not exist/,
    /floecat\.upstream\.s3\.endpoint/,
  );
  await rejects(
    namesOf(source.list('no-such-bucket-here', '')),
    'STORAGE_MISCONFIGURED',
    /bucket no-such-bucket-here does not exist/,
  );
});

sourceTest('a 404 that does not say which is not "no such object"', async (bench) => {
  const { source, bucket, inject } = bench;
  inject({ name: 'bare 404', on: isGet, before: () => answer(404, 'not here') });
  await rejects(source.read(bucket, 'x', MAX), 'STORAGE_MISCONFIGURED');
});

sourceTest('a forbidden bucket names the action and the bucket, and is asked once', async (bench) => {
  const { source, bucket, put, inject, requests } = bench;
  await put('x', 'x');
  inject({ name: 'get 403', on: isGet, before: () => s3Error(403, 'AccessDenied', 'Access Denied') });
  await rejects(
    source.read(bucket, 'x', MAX),
    'STORAGE_ACCESS_DENIED',
    new RegExp(`s3:GetObject on bucket ${bucket}`),
    /s3:ListBucket/,
  );
  inject({ name: 'wrong key', on: isGet, before: () => s3Error(403, 'InvalidAccessKeyId') });
  await rejects(source.read(bucket, 'x', MAX), 'STORAGE_ACCESS_DENIED', /s3:GetObject on bucket/);
  inject({ name: 'list 403', on: isList, before: () => s3Error(403, 'AccessDenied') });
  await rejects(
    namesOf(source.list(bucket, '')),
    'STORAGE_ACCESS_DENIED',
    new RegExp(`s3:ListBucket on bucket ${bucket}`),
  );
  assert.equal(requests().length, 3);
});

sourceTest('a bucket in another region is a wrong setting, and names the region to set', async (bench) => {
  const { source, bucket, inject, requests } = bench;
  const header = { 'x-amz-bucket-region': 'eu-west-1' };
  const set = /floecat\.upstream\.s3\.region=eu-west-1/;
  const cases: [name: string, response: () => ReturnType<typeof answer>, told: RegExp][] = [
    ['301', () => answer(301, xml('PermanentRedirect', '<Endpoint>e</Endpoint>'), header), set],
    ['307', () => answer(307, xml('TemporaryRedirect'), header), set],
    [
      '400 with region',
      () => answer(400, xml('AuthorizationHeaderMalformed', '<Region>eu-west-1</Region>')),
      set,
    ],
    [
      '400 with message',
      () => answer(400, xml('AuthorizationHeaderMalformed', '', "wrong; expecting 'eu-west-1'")),
      set,
    ],
    ['new region', () => answer(400, xml('IllegalLocationConstraintException'), header), set],
    [
      '301 without region',
      () => answer(301, xml('PermanentRedirect')),
      /set floecat\.upstream\.s3\.region to/,
    ],
    ['301 without body', () => answer(301, '', header), set],
    ['hostile region', () => answer(301, xml('x'), { 'x-amz-bucket-region': 'a b\n' }), /region to it/],
  ];
  for (const [name, before, told] of cases) {
    inject({ name, on: isGet, before });
    await rejects(source.read(bucket, 'x', MAX), 'STORAGE_MISCONFIGURED', told);
  }
  inject({ name: 'list 301', on: isList, before: () => answer(301, xml('PermanentRedirect'), header) });
  await rejects(namesOf(source.list(bucket, '')), 'STORAGE_MISCONFIGURED', set);
  assert.equal(requests().length, cases.length + 1);
});

sourceTest('an archived object says so', async ({ source, bucket, inject }) => {
  inject({ name: 'archived', on: isGet, before: () => s3Error(403, 'InvalidObjectState') });
  await rejects(source.read(bucket, 'x', MAX), 'STORAGE_MISCONFIGURED', /archive class/);
});

sourceTest('a body that is cut short is asked for again, and never answered', async (bench) => {
  const { source, bucket, put, inject, requests } = bench;
  await put('x', 'sixteen bytes !!');
  inject({ name: 'cut', on: isGet, times: 2, after: (response) => withBody(response, cut) });
  assert.equal(Buffer.from(await source.read(bucket, 'x', MAX)).toString(), 'sixteen bytes !!');
  assert.equal(requests().length, 3);
  inject({ name: 'cut for ever', on: isGet, times: Infinity, after: (response) => withBody(response, cut) });
  await rejects(source.read(bucket, 'x', MAX), 'STORAGE_UNAVAILABLE', /10 of 16 bytes/);
  assert.equal(requests().length, ATTEMPTS);
  inject({ name: 'too long', on: isGet, after: (response) => withBody(response, longer) });
  assert.equal((await source.read(bucket, 'x', MAX)).length, 16);
  inject({ name: 'reset', on: isGet, times: 1, before: socketHangUp });
  assert.equal((await source.read(bucket, 'x', MAX)).length, 16);
});

sourceTest('an object above the limit is refused by its length, before its body is read', async (bench) => {
  const { source, bucket, put, inject, requests } = bench;
  await put('x', 'sixteen bytes !!');
  let reads = 0;
  const body = new Readable({ read: () => void reads++ });
  inject({ name: 'watched body', on: isGet, after: (response) => Object.assign(response, { body }) });
  await rejects(
    source.read(bucket, 'x', { maxBytes: 15 }),
    'INVALID_ARGUMENT',
    /is 16 bytes; the limit is 15/,
  );
  assert.equal(reads, 0);
  assert.ok(body.destroyed);
  assert.equal(requests().length, 1);
  assert.equal((await source.read(bucket, 'x', { maxBytes: 16 })).length, 16);
});

sourceTest('so is one whose length is not announced, once that much was read', async (bench) => {
  const { source, bucket, put, inject, requests } = bench;
  await put('x', 'sixteen bytes !!');
  const chunked: Fault = {
    name: 'chunked',
    on: isGet,
    times: 2,
    after: (response) => withBody(response, (bytes) => bytes, without('content-length')),
  };
  inject(chunked);
  assert.equal((await source.read(bucket, 'x', { maxBytes: 16 })).length, 16);
  await rejects(source.read(bucket, 'x', { maxBytes: 15 }), 'INVALID_ARGUMENT', /more than 15 bytes/);
  assert.equal(requests().length, 2);
});

sourceTest(
  'throttles and failures are tried again, an unreachable endpoint is unavailable',
  async (bench) => {
    const { source, bucket, put, inject, requests } = bench;
    await put('x', 'x');
    inject(
      { name: 'slow down', on: isGet, before: () => s3Error(503, 'SlowDown') },
      { name: 'internal', on: isGet, before: () => s3Error(500, 'InternalError') },
    );
    assert.equal((await source.read(bucket, 'x', MAX)).length, 1);
    assert.equal(requests().length, 3);
    inject({ name: 'refused', on: isGet, times: Infinity, before: refused });
    await rejects(source.read(bucket, 'x', MAX), 'STORAGE_UNAVAILABLE', /s3:GetObject/);
  },
);

sourceTest('an abort ends a read in flight, and a listing between pages', async (bench) => {
  const { source, bucket, put, inject, requests } = bench;
  for (const key of ['a', 'b', 'c']) await put(`p/${key}`, 'x');
  const reading = new AbortController();
  inject({
    name: 'abort in flight',
    on: isGet,
    after: (response) => {
      reading.abort();
      return Object.assign(response, { body: new Readable({ read: () => undefined }) });
    },
  });
  await rejects(source.read(bucket, 'p/a', { ...MAX, signal: reading.signal }), 'STORAGE_ABORT_RETRYABLE');
  const listing = new AbortController();
  inject(smallPages);
  requests();
  const all = (async () => {
    for await (const _ of source.list(bucket, 'p/', { signal: listing.signal })) listing.abort();
  })();
  await rejects(all, 'STORAGE_ABORT_RETRYABLE');
  assert.equal(requests().length, 1);
});

sourceTest('names that no bucket or object can have are refused before any request', async (bench) => {
  const { source, bucket, requests } = bench;
  for (const bad of [
    '',
    'a',
    'a/b',
    'a b',
    'evil.example.com:80',
    '@host',
    'arn:aws:s3:::b',
    '-b-',
    'b'.repeat(256),
  ]) {
    await rejects(source.read(bad, 'x', MAX), 'INVALID_ARGUMENT');
    await rejects(namesOf(source.list(bad, '')), 'INVALID_ARGUMENT');
  }
  await rejects(source.read(bucket, '', MAX), 'INVALID_ARGUMENT', /names a bucket, not an object/);
  await rejects(source.read(bucket, 'é'.repeat(513), MAX), 'INVALID_ARGUMENT', /1026 bytes/);
  await rejects(namesOf(source.list(bucket, 'no-slash')), 'INVALID_ARGUMENT');
  assert.deepEqual(requests(), []);
});

/** A source of its own, with these settings. */
function opened(client: Client, aws: AwsSettings): S3ObjectSource {
  if ('skip' in endpoint) throw new Error(endpoint.skip);
  return openS3ObjectSource({
    aws: { region: 'us-east-1', endpoints: { s3: endpoint.endpoint }, pathStyleAccess: true, ...aws },
    builders: {
      s3: (settings) => new S3({ ...settings, requestHandler: client.handler }),
    },
    wire: { baseDelayMs: 1, maxDelayMs: 5, maxAttempts: ATTEMPTS },
  });
}

sourceTest('a key source is asked once, and again when AWS says that the key has expired', async (bench) => {
  const { client, bucket, put, inject } = bench;
  await put('x', 'x');
  let asked = 0;
  const keySource = async (): Promise<{
    accessKeyId: string;
    secretAccessKey: string;
    expiration: Date;
  }> => ({
    accessKeyId: `key-${++asked}`,
    secretAccessKey: 's',
    expiration: new Date(Date.now() + 3_600_000),
  });
  await using source = opened(client, { keySource });
  assert.equal(asked, 0, 'nothing is asked for before it is needed');
  const signers: string[] = [];
  inject({
    name: 'expired',
    on: (_, headers) => signers.push(signedBy(headers)) === 3,
    before: () => s3Error(400, 'ExpiredToken'),
  });
  for (let i = 0; i < 3; i++) await source.read(bucket, 'x', MAX);
  assert.equal(asked, 2);
  inject({
    name: 'after',
    on: (_, headers) => signers.push(signedBy(headers)) > 0,
    before: () => s3Error(500, 'x'),
  });
  await source.read(bucket, 'x', MAX);
  assert.deepEqual(signers, ['key-1', 'key-1', 'key-1', 'key-2']);
});

sourceTest('what a key source throws is what the read throws, at once', async (bench) => {
  const { client, bucket, requests } = bench;
  await using source = opened(client, {
    keySource: () => Promise.reject(new StorageMisconfiguredError('no such secret')),
  });
  await rejects(source.read(bucket, 'x', MAX), 'STORAGE_MISCONFIGURED', /^no such secret$/);
  await rejects(namesOf(source.list(bucket, '')), 'STORAGE_MISCONFIGURED', /^no such secret$/);
  assert.deepEqual(requests(), []);
  assert.throws(
    () =>
      opened(client, {
        accessKeyId: 'a',
        secretAccessKey: 'b',
        keySource: () => Promise.reject(new Error()),
      }),
    /give one of the two/,
  );
});
