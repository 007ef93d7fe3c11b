import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import type { TestContext } from 'node:test';

import { RetryBudget } from '@floecat/storage-aws';
import type { BlobStore, StorageErrorCode } from '@floecat/storage-spi';

import { startEndpoint } from './endpoint.ts';
import type { Fault } from './faults.ts';
import {
  answer,
  cut,
  flipByte,
  keyFails,
  refused,
  s3Error,
  socketHangUp,
  withBody,
  without,
  withHeaders,
} from './faults.ts';
import type { Client, Opened } from './s3-fixture.ts';
import { connect, openStore } from './s3-fixture.ts';

const endpoint = await startEndpoint();
const fired = new Map<string, number>();

interface Bench extends Opened {
  readonly client: Client;
  /** Makes these happen from now on. */
  readonly inject: (...faults: Fault[]) => void;
}

/** A test of one store whose faults must all have fired by its end. */
function faultTest(
  name: string,
  body: (bench: Bench, t: TestContext) => Promise<void>,
  settings: Parameters<typeof openStore>[1] = {},
): void {
  if ('skip' in endpoint) return void test(name, { skip: endpoint.skip });
  void test(name, async (t) => {
    await using client = connect(endpoint.endpoint, { budget: new RetryBudget() });
    const opened = await openStore(client, settings);
    const injected: Fault[] = [];
    const inject = (...faults: Fault[]): void => {
      injected.push(...faults);
      client.handler.inject(...faults);
    };
    await body({ ...opened, client, inject }, t);
    await opened.store.close();
    for (const fault of injected) {
      const times = client.handler.fired(fault.name);
      assert.ok(times > 0, `the fault "${fault.name}" never happened`);
      fired.set(fault.name, (fired.get(fault.name) ?? 0) + times);
    }
  });
}

after(() => ('skip' in endpoint ? undefined : endpoint[Symbol.asyncDispose]()));

const flipped: NonNullable<Fault['after']> = (response) => withBody(response, flipByte);
const put: Fault['on'] = (request) => request.startsWith('PUT ') && !request.includes('tagging');
const read: Fault['on'] = (request) => request.startsWith('GET ') && request.includes('x-id=GetObject');
const lists: Fault['on'] = (request) => request.includes('list-type=2') || request.includes('versions');
const bulkDelete: Fault['on'] = (request) => request.startsWith('POST ') && request.includes('delete');
const bytes = Buffer.from('the bytes of a blob, some of them');

function rejects(work: Promise<unknown>, code: StorageErrorCode, message?: RegExp): Promise<void> {
  return assert.rejects(work, (error: { code?: string; message?: string }) => {
    assert.equal(error.code, code, String(error.message));
    if (message) assert.match(String(error.message), message);
    return true;
  });
}

async function reads(store: BlobStore, uri: string): Promise<void> {
  assert.deepEqual(Buffer.from((await store.get(uri)).bytes), bytes);
}

faultTest('a put whose reply is lost is put again, and both versions verify', async ({ store, inject }) => {
  inject({ name: 'reply to a put lost', on: put, after: socketHangUp });
  await store.put('/a', bytes);
  await reads(store, '/a');
  const { versions } = await store.listVersions('/a');
  assert.equal(versions.length, 2);
  for (const { versionId } of versions)
    assert.deepEqual(Buffer.from((await store.get('/a', { versionId })).bytes), bytes);
});

faultTest('a put whose replies are all lost is an unknown outcome', async ({ store, inject }) => {
  inject({ name: 'every reply to a put lost', on: put, times: Infinity, after: socketHangUp });
  await rejects(store.put('/a', bytes), 'STORAGE_UNKNOWN_OUTCOME');
  inject();
  await reads(store, '/a');
});

faultTest('a put that never gets out is unavailable, and not applied', async ({ store, inject }) => {
  inject({ name: 'connection refused', on: put, times: Infinity, before: refused });
  await rejects(store.put('/a', bytes), 'STORAGE_UNAVAILABLE');
  inject();
  await rejects(store.get('/a'), 'STORAGE_NOT_FOUND');
});

for (const [status, code] of [
  [500, 'InternalError'],
  [503, 'SlowDown'],
  [503, 'ServiceUnavailable'],
  [504, 'GatewayTimeout'],
  [400, 'RequestTimeout'],
  [429, 'TooManyRequestsException'],
  [409, 'OperationAborted'],
] as const)
  faultTest(`${status} ${code} once: every call goes through all the same`, async ({ store, inject }) => {
    const name = `${status} ${code}`;
    const once = (on: Fault['on']): void => inject({ name, on, before: () => s3Error(status, code) });
    once(put);
    const { versionId } = await store.put('/a/b', bytes);
    once(read);
    await reads(store, '/a/b');
    once((request) => request.startsWith('HEAD '));
    if (status !== 400) await store.head('/a/b');
    once((request) => request.includes('list-type=2'));
    assert.equal((await store.list('/')).blobs.length, 1);
    once((request) => request.includes('versions'));
    assert.equal((await store.listVersions('/')).versions.length, 1);
    once((request) => request.includes('tagging'));
    await store.markLost('/a/b', versionId);
    once((request) => request.includes('versioning'));
    assert.equal(await store.supportsVersionedDeletes(), true);
    once(bulkDelete);
    assert.deepEqual(await store.deletePrefix('/a/'), { deleted: 1, failed: [] });
    const { versionId: second } = await store.put('/a/b', bytes);
    once((request) => request.startsWith('DELETE '));
    await store.deleteVersion('/a/b', second);
    await rejects(store.get('/a/b'), 'STORAGE_NOT_FOUND');
  });

faultTest(
  '500 forever on a put is an unknown outcome, 503 SlowDown unavailable',
  async ({ store, inject }) => {
    inject({ name: '500 forever', on: put, times: Infinity, before: () => s3Error(500, 'InternalError') });
    await rejects(store.put('/a', bytes), 'STORAGE_UNKNOWN_OUTCOME');
    inject({ name: 'SlowDown forever', on: put, times: Infinity, before: () => s3Error(503, 'SlowDown') });
    await rejects(store.put('/a', bytes), 'STORAGE_UNAVAILABLE');
    inject({
      name: 'SlowDown forever on reads',
      on: read,
      times: Infinity,
      before: () => s3Error(503, 'SlowDown'),
    });
    await rejects(store.get('/a'), 'STORAGE_UNAVAILABLE');
  },
);

faultTest('a body that ends early is read again, never answered', async ({ store, inject }) => {
  await store.put('/a', bytes);
  inject({ name: 'body cut, by its length', on: read, after: (response) => withBody(response, cut) });
  await reads(store, '/a');
  inject({
    name: 'body cut, chunked',
    on: read,
    after: (response) => withBody(response, cut, without('content-length')),
  });
  await reads(store, '/a');
  const always = { name: 'body cut every time', on: read, times: Infinity };
  inject({ ...always, after: (response) => withBody(response, cut) });
  await rejects(store.get('/a'), 'STORAGE_UNAVAILABLE', /10 of 33 bytes/);
});

faultTest('a flipped byte is read again once, then STORAGE_CORRUPTION', async ({ store, inject }) => {
  await store.put('/a', bytes);
  inject({ name: 'body flipped once', on: read, after: flipped });
  await reads(store, '/a');
  inject({ name: 'body flipped every time', on: read, times: Infinity, after: flipped });
  await rejects(store.get('/a'), 'STORAGE_CORRUPTION', /SHA-256/);
  await rejects(store.getBatch(['/a']), 'STORAGE_CORRUPTION');
});

faultTest(
  'bytes damaged on their way up are refused by S3 and put again',
  async ({ store, inject, client }) => {
    inject({
      name: 'put damaged in transit',
      on: put,
      before: (request) => {
        request.body = flipByte(Buffer.from(request.body as Uint8Array));
        // The emulator does not check the signature, so the checksum is all that stands in the way.
        return undefined;
      },
    });
    await store.put('/a', bytes);
    await reads(store, '/a');
    assert.equal(client.handler.takeRequests().filter((request) => put(request, {})).length, 2);
  },
);

faultTest('the answered checksum is compared with the bytes', async ({ store, inject }) => {
  const other = createHash('sha256').update('other').digest('base64');
  inject({
    name: 'wrong checksum answered',
    on: put,
    after: (response) => withHeaders(response, (sent) => ({ ...sent, 'x-amz-checksum-sha256': other })),
  });
  await rejects(store.put('/a', bytes), 'STORAGE_ABORT_RETRYABLE', /put it again/);
});

faultTest('without a checksum the MD5 proves the bytes, with no second request', async (bench) => {
  const { store, inject, client } = bench;
  inject({
    name: 'no checksum answered',
    on: put,
    after: (response) => withHeaders(response, without('x-amz-checksum-sha256')),
  });
  await store.put('/a', bytes);
  assert.equal(client.handler.takeRequests().length, 1);
});

const bare: NonNullable<Fault['after']> = (response) =>
  withHeaders(response, without('x-amz-checksum-sha256', 'etag'));

faultTest('without checksum and MD5 the bytes are read back', async ({ store, inject, client }) => {
  inject({ name: 'neither checksum nor MD5 answered', on: put, after: bare });
  await store.put('/a', bytes);
  assert.deepEqual(
    client.handler.takeRequests().map((request) => request.split(' ')[0]),
    ['PUT', 'GET'],
  );
  inject(
    { name: 'neither checksum nor MD5 answered', on: put, after: bare },
    { name: 'read back damaged', on: read, after: (response) => withBody(response, flipByte) },
  );
  await rejects(store.put('/a', bytes), 'STORAGE_ABORT_RETRYABLE', /read back/);
});

faultTest('an ETag that is the MD5 of something else proves nothing', async ({ store, inject, client }) => {
  const etag = `"${'0'.repeat(32)}"`;
  inject({
    name: 'ETag of another kind',
    on: put,
    after: (response) =>
      withHeaders(response, (sent) => ({ ...without('x-amz-checksum-sha256')(sent), etag })),
  });
  await store.put('/a', bytes);
  assert.equal(client.handler.takeRequests().length, 2);
});

// Pages of one blob, or the second page would never be asked for.
faultTest('[catalogue] a listing whose page k fails, fails', async ({ store, inject }) => {
  for (const uri of ['/a', '/b', '/c']) await store.put(uri, bytes);
  inject({
    name: 'page 3 of a listing fails',
    on: (request) => request.includes('list-type=2') && request.includes('start-after=b'),
    times: Infinity,
    before: () => s3Error(500, 'InternalError'),
  });
  const first = await store.list('', { limit: 2 });
  await rejects(store.list('', { limit: 2, pageToken: first.nextPageToken ?? '' }), 'STORAGE_UNAVAILABLE');
});

faultTest('[catalogue] a listing that is cut off, or does not say that it is whole, fails', async (bench) => {
  const { store, inject } = bench;
  await store.put('/a', bytes);
  for (const [name, change] of [
    ['listing cut off', (body: string) => body.slice(0, body.length >> 1)],
    ['listing without IsTruncated', (body: string) => body.replace(/<IsTruncated>.*?<\/IsTruncated>/, '')],
    ['listing empty', () => ''],
  ] as const) {
    const spoil: NonNullable<Fault['after']> = (response) =>
      withBody(response, (body) => Buffer.from(change(body.toString())), without('content-length'));
    inject({ name, on: lists, times: Infinity, after: spoil });
    await rejects(store.list(''), 'STORAGE_UNAVAILABLE');
    await rejects(store.listVersions(''), 'STORAGE_UNAVAILABLE');
  }
});

const denials = [
  ['get', 's3:GetObject', read, (store: BlobStore) => store.get('/a')],
  [
    'head',
    's3:GetObject',
    (r: string) => r.startsWith('HEAD ') || read(r, {}),
    (s: BlobStore) => s.head('/a'),
  ],
  ['getBatch', 's3:GetObject', read, (store: BlobStore) => store.getBatch(['/a', '/absent'])],
  ['put', 's3:PutObject', put, (store: BlobStore) => store.put('/b', bytes)],
  ['list', 's3:ListBucket', (r: string) => r.includes('list-type=2'), (s: BlobStore) => s.list('')],
  [
    'listVersions',
    's3:ListBucketVersions',
    (r: string) => r.includes('?versions'),
    (s: BlobStore) => s.listVersions(''),
  ],
  ['delete', 's3:DeleteObject', (r: string) => r.startsWith('DELETE '), (s: BlobStore) => s.delete('/a')],
  [
    'deleteVersion',
    's3:DeleteObjectVersion',
    (r: string) => r.startsWith('DELETE '),
    (s: BlobStore) => s.deleteVersion('/a', 'v'),
  ],
  [
    'deletePrefix',
    's3:DeleteObjectVersion',
    bulkDelete,
    (s: BlobStore) => s.deletePrefix('/', { everything: true }),
  ],
  [
    'markLost',
    's3:GetObjectVersionTagging',
    (r: string) => r.includes('tagging'),
    (s: BlobStore) => s.markLost('/a', 'v'),
  ],
  [
    'supportsVersionedDeletes',
    's3:GetBucketVersioning',
    (r: string) => r.includes('versioning'),
    (s: BlobStore) => s.supportsVersionedDeletes(),
  ],
] as const satisfies readonly (readonly [
  string,
  string,
  (r: string, h: Readonly<Record<string, string>>) => boolean,
  (s: BlobStore) => Promise<unknown>,
])[];

for (const [operation, action, on, call] of denials)
  faultTest(
    `AccessDenied on ${operation} is fatal, names ${action}, and is no missing blob`,
    async (bench) => {
      const { store, inject } = bench;
      await store.put('/a', bytes);
      inject({
        name: `AccessDenied on ${operation}`,
        on,
        times: Infinity,
        // As S3 does it: an answer to HEAD has no body.
        before: (request) => (request.method === 'HEAD' ? answer(403, '') : s3Error(403, 'AccessDenied')),
      });
      await rejects(call(store), 'STORAGE_ACCESS_DENIED', new RegExp(action));
    },
  );

faultTest('per-key errors of a bulk delete are retried, then reported, and never counted', async (bench) => {
  const { store, inject } = bench;
  for (const uri of ['/a/1', '/a/2', '/a/3']) await store.put(uri, bytes);
  inject({ name: 'one key fails once', on: bulkDelete, after: keyFails('InternalError', 'a/2') });
  assert.deepEqual(await store.deletePrefix('/a/'), { deleted: 3, failed: [] });

  for (const uri of ['/a/1', '/a/2', '/a/3']) await store.put(uri, bytes);
  inject({
    name: 'one key fails every time',
    on: bulkDelete,
    times: Infinity,
    after: keyFails('InternalError', 'a/2'),
  });
  const report = await store.deletePrefix('/a/');
  assert.equal(report.deleted, 2);
  assert.deepEqual(
    report.failed.map(({ uri }) => uri),
    ['/a/2'],
  );
  assert.match(String(report.failed[0]?.cause), /InternalError/);

  await store.put('/a/1', bytes);
  inject({
    name: 'one key is denied',
    on: bulkDelete,
    times: Infinity,
    after: keyFails('AccessDenied', 'a/1'),
  });
  assert.deepEqual(
    (await store.deletePrefix('/a/')).failed.map(({ uri }) => uri),
    ['/a/1'],
  );
});

faultTest('a bulk delete whose reply is lost is sent again, and counts each blob once', async (bench) => {
  const { store, inject } = bench;
  for (const uri of ['/a/1', '/a/2']) await store.put(uri, bytes);
  inject({ name: 'reply to a bulk delete lost', on: bulkDelete, after: socketHangUp });
  assert.deepEqual(await store.deletePrefix('/a/'), { deleted: 2, failed: [] });
});

faultTest(
  'a marker put whose reply is lost is recognised behind its own 412',
  async ({ client, inject, bucket }) => {
    const { storeMarkerOf } = await import('@floecat/storage-aws');
    const { newIdentity } = await import('./s3-fixture.ts');
    const marker = storeMarkerOf({ ...client, settings: { bucket, keyPrefix: 'other/' } });
    const identity = newIdentity();
    inject({ name: 'reply to a conditional put lost', on: put, after: socketHangUp });
    assert.deepEqual(await marker.create(identity), identity);
    assert.deepEqual(await marker.create(newIdentity()), identity, 'the first one stays');
    const raised = { ...identity, epoch: 2 };
    inject({ name: 'reply to a replacing put lost', on: put, after: socketHangUp });
    await marker.replace(identity, raised);
    assert.deepEqual(await marker.read(), raised);
    await rejects(
      marker.replace(identity, { ...identity, epoch: 3 }),
      'STORAGE_MISCONFIGURED',
      /another process/,
    );
    inject({
      name: '409 to a conditional put',
      on: put,
      before: () => s3Error(409, 'ConditionalRequestConflict'),
    });
    await marker.replace(raised, { ...identity, epoch: 3 });
  },
);

faultTest(
  'expired credentials and a skewed clock are tried once more, then named',
  async ({ store, inject }) => {
    await store.put('/a', bytes);
    inject({ name: 'credentials expired', on: read, before: () => s3Error(400, 'ExpiredToken') });
    await reads(store, '/a');
    inject({ name: 'clock skewed', on: read, before: () => s3Error(403, 'RequestTimeTooSkewed') });
    await reads(store, '/a');
    inject({
      name: 'credentials stay expired',
      on: read,
      times: 2,
      before: () => s3Error(400, 'ExpiredToken'),
    });
    await rejects(store.get('/a'), 'STORAGE_ACCESS_DENIED', /expired/);
  },
);

faultTest('an object in an archive class is named as such', async ({ store, inject }) => {
  await store.put('/a', bytes);
  inject({ name: 'object archived', on: read, before: () => s3Error(403, 'InvalidObjectState') });
  await rejects(store.get('/a'), 'STORAGE_MISCONFIGURED', /archive/);
});

// The last one, so that every other has run.
if (!('skip' in endpoint))
  void test('every fault that is injected has fired', () => {
    assert.ok(fired.size > 0);
    for (const [name, times] of fired) process.stdout.write(`fault fired ${times} times: ${name}\n`);
  });
