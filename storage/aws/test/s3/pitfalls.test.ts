import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';

import { S3 } from '@aws-sdk/client-s3';
import { openS3BlobStore, S3BlobStore } from '@floecat/storage-aws';
import type { S3BlobSettings } from '@floecat/storage-aws';
import type { BlobStore, StorageErrorCode } from '@floecat/storage-spi';
import { guardBlobStore, systemClock } from '@floecat/storage-spi';

import { startEndpoint } from './endpoint.ts';
import { s3Error, withBody, withHeaders, without } from './faults.ts';
import type { Client, Opened } from './s3-fixture.ts';
import { connect, makeBucket, newIdentity, openStore } from './s3-fixture.ts';
import { startSecondServer } from './second-server.ts';

const [endpoint, second] = await Promise.all([startEndpoint(), startSecondServer()]);
const servers = [
  { name: '', server: endpoint, controls: '\n' },
  // It does not take a line feed in a key, see SECOND_SERVER_DEFECTS, and lists a carriage return as one.
  { name: ', on the second server', server: second, controls: '\t' },
] as const;

interface Bench extends Opened {
  readonly client: Client;
  /** Characters for keys that need care in XML, of those that this server takes. */
  readonly controls: string;
}

/** A test on a store in a bucket of its own, which is emptied of the requests that made it; once on each server. */
function storeTest(
  name: string,
  body: (bench: Bench) => Promise<void>,
  settings: Parameters<typeof openStore>[1] = {},
): void {
  for (const { name: where, server, controls } of servers) {
    if ('skip' in server) test(name + where, { skip: server.skip });
    else
      void test(name + where, async () => {
        await using client = connect(server.endpoint);
        const opened = await openStore(client, settings);
        await body({ ...opened, client, controls });
        await opened.store.close();
      });
  }
}

after(async () => {
  for (const { server } of servers) if (!('skip' in server)) await server[Symbol.asyncDispose]();
});

const bytes = Buffer.from('bytes');

function rejects(work: Promise<unknown>, code: StorageErrorCode, message?: RegExp): Promise<void> {
  return assert.rejects(work, (error: { code?: string; message?: string }) => {
    assert.equal(error.code, code, String(error.message));
    if (message) assert.match(String(error.message), message);
    return true;
  });
}

function everyCall(store: BlobStore): readonly [string, () => Promise<unknown>][] {
  return [
    ['get', () => store.get('/a')],
    ['get of a version', () => store.get('/a', { versionId: 'v' })],
    ['head', () => store.head('/a')],
    ['head of a version', () => store.head('/a', { versionId: 'v' })],
    ['getBatch', () => store.getBatch(['/a', '/b'])],
    ['put', () => store.put('/a', bytes)],
    ['markLost', () => store.markLost('/a', 'v')],
    ['list', () => store.list('')],
    ['listVersions', () => store.listVersions('')],
    ['delete', () => store.delete('/a')],
    ['deleteVersion', () => store.deleteVersion('/a', 'v')],
    ['deletePrefix', () => store.deletePrefix('/a/')],
    ['supportsVersionedDeletes', () => store.supportsVersionedDeletes()],
  ];
}

/** A store on a bucket that is not there, past the check that opening makes. */
function storeOn(client: Client, bucket: string, settings: Partial<S3BlobSettings> = {}): BlobStore {
  const { s3, wire } = client;
  const config = { s3, wire, clock: systemClock, settings: { ...settings, bucket }, identity: newIdentity() };
  return guardBlobStore(new S3BlobStore(config));
}

storeTest('[P21] a missing bucket is never a missing blob, to any call', async ({ client }) => {
  const bucket = `floecat-missing-${randomUUID()}`;
  const store = storeOn(client, bucket);
  for (const [name, call] of everyCall(store))
    await rejects(call(), 'STORAGE_MISCONFIGURED', new RegExp(bucket)).catch((cause: unknown) => {
      throw new Error(name, { cause });
    });
  const { s3, wire } = client;
  const config = { s3, wire, clock: systemClock, settings: { bucket }, identity: newIdentity() };
  await rejects(openS3BlobStore(config), 'STORAGE_MISCONFIGURED', /does not exist/);
});

storeTest('[P21] a 404 of something on the way is not a missing blob either', async ({ store, client }) => {
  await store.put('/a', bytes);
  client.handler.inject({
    name: 'a 404 that is not from S3',
    on: (request) => /^(GET|HEAD) .*\/a(\?|$)/.test(request),
    times: Infinity,
    before: () => s3Error(404, 'NotFound'),
  });
  await rejects(store.get('/a'), 'STORAGE_MISCONFIGURED');
  await rejects(store.getBatch(['/a']), 'STORAGE_MISCONFIGURED');
  await rejects(store.head('/a'), 'STORAGE_MISCONFIGURED');
  assert.ok(client.handler.fired('a 404 that is not from S3') >= 4);
});

storeTest('[P21] below a delete marker the versions are still there, and listed', async ({ store }) => {
  const { versionId } = await store.put('/a', bytes);
  await store.delete('/a');
  await rejects(store.get('/a'), 'STORAGE_NOT_FOUND');
  await rejects(store.head('/a'), 'STORAGE_NOT_FOUND');
  assert.deepEqual(Buffer.from((await store.get('/a', { versionId })).bytes), bytes);
  const { versions } = await store.listVersions('');
  assert.deepEqual(
    versions.map((version) => [version.uri, version.versionId, version.latest]),
    [['/a', versionId, false]],
  );
});

storeTest('a delete marker, asked for by its id, is no blob', async ({ store, client, bucket }) => {
  await store.put('/a', bytes);
  await store.delete('/a');
  const { DeleteMarkers } = await client.s3.listObjectVersions({ Bucket: bucket });
  const versionId = DeleteMarkers?.[0]?.VersionId ?? '';
  assert.notEqual(versionId, '');
  await rejects(store.get('/a', { versionId }), 'STORAGE_NOT_FOUND');
  await rejects(store.head('/a', { versionId }), 'STORAGE_NOT_FOUND');
});

storeTest('[P22] deletePrefix of nothing or / is refused unless everything is said', async (bench) => {
  const { store, client } = bench;
  await store.put('/a', bytes);
  for (const prefix of ['', '/']) await rejects(store.deletePrefix(prefix), 'INVALID_ARGUMENT');
  client.handler.takeRequests();
  assert.deepEqual(await store.deletePrefix('/', { everything: true }), { deleted: 1, failed: [] });
  const { versions } = await bench.store.listVersions('');
  assert.deepEqual(versions, []);
  await store.put('/b', bytes);
  assert.equal(await store.supportsVersionedDeletes(), true, "the store's own marker survived");
});

storeTest('[P23] deletePrefix leaves no version, no delete marker, and no sibling harmed', async (bench) => {
  const { store, client, bucket, controls } = bench;
  for (const uri of ['/a/1', '/a/1', '/a/10/x', '/a/gone', '/a/1/x', `/a/ odd${controls}`, '/a/\u0001'])
    await store.put(uri, bytes);
  await store.delete('/a/gone');
  await store.put('/a-b', bytes);
  assert.deepEqual(await store.deletePrefix('/a/1/'), { deleted: 1, failed: [] });
  assert.deepEqual(await store.deletePrefix('/a/'), { deleted: 4, failed: [] });
  const left = await client.s3.listObjectVersions({ Bucket: bucket });
  assert.deepEqual(left.DeleteMarkers ?? [], []);
  assert.deepEqual(
    left.Versions?.map(({ Key }) => Key),
    ['.floecat/store.json', 'a-b'],
  );
});

storeTest('[P23] deletePrefix goes in thousands, and counts blobs over page borders once', async (bench) => {
  const { store, client } = bench;
  const uris = Array.from({ length: 997 }, (_, i) => `/a/${String(i).padStart(4, '0')}`);
  for (let i = 0; i < uris.length; i += 50)
    await Promise.all(uris.slice(i, i + 50).map((uri) => store.put(uri, bytes)));
  // The border of the first thousand goes through the versions of this one.
  for (let i = 0; i < 8; i++) await store.put('/a/9999', bytes);
  client.handler.takeRequests();
  assert.deepEqual(await store.deletePrefix('/a/'), { deleted: 998, failed: [] });
  const sent = client.handler.takeRequests();
  const batches = sent.filter((request) => request.startsWith('POST ')).length;
  assert.equal(batches, 2);
  assert.equal(
    sent.filter((request) => request.includes('store.json')).length,
    2,
    'the identity before each batch',
  );
  const left = await client.s3.listObjectVersions({ Bucket: bench.bucket });
  assert.deepEqual(
    left.Versions?.map(({ Key }) => Key),
    ['.floecat/store.json'],
  );
});

storeTest('[P24] [P25] a put is one request, a get is one, and no HEAD goes with either', async (bench) => {
  const { store, client } = bench;
  await store.put('/a', bytes);
  await store.put('/a', bytes);
  await store.get('/a');
  assert.deepEqual(
    client.handler.takeRequests().map((request) => request.split(' ')[0]),
    ['PUT', 'PUT', 'GET'],
  );
});

storeTest(
  '[P24] SHA-256 goes with the put, and S3 refuses other bytes',
  async ({ store, client, bucket }) => {
    let headers: Readonly<Record<string, string>> = {};
    client.handler.inject({
      name: 'looked at',
      on: (request, sent) => {
        if (request.startsWith('PUT ')) headers = sent;
        return false;
      },
    });
    const { etag } = await store.put('/a', bytes, { message: 'floecat.v1.Table' });
    assert.equal(headers['x-amz-checksum-sha256'], etag);
    assert.equal(headers['x-amz-sdk-checksum-algorithm'], 'SHA256');
    assert.equal(headers['x-amz-meta-sha256'], etag);
    assert.equal(headers['x-amz-meta-message'], 'floecat.v1.Table');
    assert.match(headers['x-amz-meta-created-at'] ?? '', /^\d{13}$/);
    const stored = await client.s3.headObject({ Bucket: bucket, Key: 'a', ChecksumMode: 'ENABLED' });
    assert.equal(stored.ChecksumSHA256, etag);
  },
);

const encrypted: Partial<S3BlobSettings> = {
  encryption: { algorithm: 'aws:kms', keyId: 'alias/floecat', bucketKey: true },
  storageClass: 'STANDARD_IA',
  tags: { team: 'lake house' },
};
storeTest(
  '[P24] encryption, storage class and tags of the settings go with every put',
  async ({ store, client }) => {
    let headers: Readonly<Record<string, string>> = {};
    client.handler.inject({
      name: 'looked at',
      on: (request, sent) => {
        if (request.startsWith('PUT ')) headers = sent;
        return false;
      },
    });
    const header = await store.put('/a', bytes, { tags: { kind: 'root' } });
    assert.equal(headers['x-amz-server-side-encryption'], 'aws:kms');
    assert.equal(headers['x-amz-server-side-encryption-aws-kms-key-id'], 'alias/floecat');
    assert.equal(headers['x-amz-server-side-encryption-bucket-key-enabled'], 'true');
    assert.equal(headers['x-amz-storage-class'], 'STANDARD_IA');
    assert.equal(headers['x-amz-tagging'], 'team=lake%20house&kind=root');
    assert.deepEqual(header.tags, { team: 'lake house', kind: 'root' });
    assert.deepEqual((await store.get('/a')).header.tags, header.tags);
  },
  encrypted,
);

storeTest('[P26] a created-at that is no number stops neither a listing nor a read', async (bench) => {
  const { store, client, bucket } = bench;
  const { etag } = await store.put('/a', bytes);
  for (const [key, created] of [
    ['bad', 'yesterday'],
    ['worse', '9'.repeat(400)],
    ['none', undefined],
  ] as const)
    await client.s3.putObject({
      Bucket: bucket,
      Key: key,
      Body: bytes,
      Metadata: { sha256: etag, ...(created !== undefined && { 'created-at': created }) },
    });
  assert.equal((await store.list('')).blobs.length, 4);
  assert.equal((await store.listVersions('')).versions.length, 4);
  for (const uri of ['/bad', '/worse', '/none']) {
    const header = await store.head(uri);
    assert.equal(header.createdAt, header.lastModified);
    assert.deepEqual(Buffer.from((await store.get(uri)).bytes), bytes);
  }
});

storeTest('[P26] an object larger than any blob is refused before it is read', async ({ store, client }) => {
  await store.put('/a', bytes);
  client.handler.inject({
    name: 'three gigabytes announced',
    on: (request) => request.includes('x-id=GetObject'),
    after: (response) => withHeaders(response, (sent) => ({ ...sent, 'content-length': '3000000000' })),
  });
  await rejects(store.get('/a'), 'STORAGE_CORRUPTION', /3000000000 bytes.*67108864/);
  assert.equal(client.handler.fired('three gigabytes announced'), 1);
});

storeTest('[P27] an error keeps the one that it comes from', async ({ store, client }) => {
  client.handler.inject({
    name: 'refused with a cause',
    on: (request) => request.includes('x-id=GetObject'),
    before: () => s3Error(400, 'NoSuchThing', 'the cause'),
  });
  const error = await store.get('/a').catch((thrown: unknown) => thrown);
  assert.match(String((error as Error).cause), /the cause/);
});

storeTest(
  '[P24] an object without a sound digest is corruption, and stays',
  async ({ store, client, bucket }) => {
    await client.s3.putObject({ Bucket: bucket, Key: 'foreign', Body: bytes });
    await client.s3.putObject({ Bucket: bucket, Key: 'wrong', Body: bytes, Metadata: { sha256: 'x' } });
    for (const uri of ['/foreign', '/wrong']) {
      await rejects(store.get(uri), 'STORAGE_CORRUPTION', /SHA-256/);
      await rejects(store.head(uri), 'STORAGE_CORRUPTION');
    }
    assert.equal((await store.list('')).blobs.length, 2);
  },
);

if (!('skip' in endpoint))
  void test('[P27] without credentials, or with half of them, nothing is retried and nothing else used', async () => {
    const { AwsClients, Wire, S3_WIRE } = await import('@floecat/storage-aws');
    const { systemRandom } = await import('@floecat/storage-spi');
    assert.throws(() => new AwsClients({ accessKeyId: 'x' }), { code: 'INVALID_ARGUMENT' });
    let asked = 0;
    const credentials = async (): Promise<never> => {
      asked++;
      throw Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' });
    };
    await using clients = new AwsClients(
      { region: 'us-east-1', endpoints: { s3: endpoint.endpoint }, pathStyleAccess: true },
      {
        s3: (settings) => new S3({ ...settings, credentials }),
      },
    );
    const wire = new Wire({ clock: systemClock, random: systemRandom, settings: S3_WIRE });
    const settings = { bucket: 'floecat-any' };
    const store = new S3BlobStore({
      s3: clients.s3,
      wire,
      clock: systemClock,
      settings,
      identity: newIdentity(),
    });
    await rejects(store.get('/a'), 'STORAGE_ACCESS_DENIED', /credentials/);
    assert.equal(asked, 1);
  });

storeTest('[P28] a listing tells size and age of each blob in one request', async ({ store, client }) => {
  const header = await store.put('/a', bytes);
  client.handler.takeRequests();
  const { blobs } = await store.list('');
  assert.deepEqual(
    blobs.map(({ uri, size }) => [uri, size]),
    [['/a', 5]],
  );
  assert.ok(Math.abs((blobs[0]?.lastModified ?? 0) - header.lastModified) <= 2_000);
  const { versions } = await store.listVersions('');
  assert.equal(versions[0]?.versionId, header.versionId);
  const sent = client.handler.takeRequests();
  assert.ok(sent.every((request) => request.startsWith('GET ')) && sent.length <= 4, sent.join('\n'));
});

storeTest('supportsVersionedDeletes is true on a versioned bucket alone, and fails closed', async (bench) => {
  const { store, client, bucket } = bench;
  assert.equal(await store.supportsVersionedDeletes(), true);
  const set = (Status: 'Enabled' | 'Suspended'): Promise<unknown> =>
    client.s3.putBucketVersioning({ Bucket: bucket, VersioningConfiguration: { Status } });
  await set('Suspended');
  assert.equal(await store.supportsVersionedDeletes(), false);
  await set('Enabled');
  const answers = (body: string): void =>
    client.handler.inject({
      name: 'versioning answered',
      on: (request) => request.includes('versioning'),
      after: (response) => withBody(response, () => Buffer.from(body), without('content-length')),
    });
  for (const inside of [
    '',
    '<Status>enabled</Status>',
    '<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>',
  ]) {
    answers(`<VersioningConfiguration>${inside}</VersioningConfiguration>`);
    assert.equal(await store.supportsVersionedDeletes(), false, inside);
  }
  client.handler.inject({
    name: 'versioning unknown to the server',
    on: (request) => request.includes('versioning'),
    before: () => s3Error(501, 'NotImplemented'),
  });
  assert.equal(await store.supportsVersionedDeletes(), false);
});

storeTest(
  'without versioning every version id is null, and exact deletes are not promised',
  async ({ store }) => {
    assert.equal(await store.supportsVersionedDeletes(), false);
    assert.equal((await store.put('/a', bytes)).versionId, 'null');
    assert.equal((await store.head('/a')).versionId, 'null');
  },
  { versioned: false },
);

storeTest(
  'a bucket of another store, table or epoch is refused, before every delete batch too',
  async (bench) => {
    const { store, client, bucket, identity } = bench;
    const { storeMarkerOf } = await import('@floecat/storage-aws');
    await store.put('/a/1', bytes);
    const { s3, wire } = client;
    const open = (other: typeof identity): Promise<BlobStore> =>
      openS3BlobStore({ s3, wire, clock: systemClock, settings: { bucket }, identity: other });
    await open(identity);
    for (const other of [
      { ...identity, storeId: randomUUID() },
      { ...identity, tableId: randomUUID() },
      { ...identity, epoch: 2 },
    ])
      await rejects(open(other), 'STORAGE_MISCONFIGURED', /names store/);
    const marker = storeMarkerOf({ ...client, settings: { bucket } });
    await marker.replace(identity, { ...identity, epoch: 2 });
    await rejects(store.deletePrefix('/a/'), 'STORAGE_MISCONFIGURED', /epoch 2/);
    await rejects(store.supportsVersionedDeletes(), 'STORAGE_MISCONFIGURED', /epoch 2/);
    assert.equal((await store.list('/a/')).blobs.length, 1);
    await s3.deleteObject({ Bucket: bucket, Key: '.floecat/store.json' });
    await rejects(store.deletePrefix('/a/'), 'STORAGE_MISCONFIGURED', /belongs to no store/);
    assert.equal((await store.list('/a/')).blobs.length, 1);
    for (const body of ['{', '{}', 'null', '{"format":2}']) {
      await s3.putObject({ Bucket: bucket, Key: '.floecat/store.json', Body: body });
      const code = body.includes('2') ? 'STORAGE_MISCONFIGURED' : 'STORAGE_CORRUPTION';
      await rejects(open(identity), code);
    }
  },
);

storeTest(
  'a key prefix keeps stores in one bucket apart, and counts against the limit of keys',
  async ({ store, client, bucket }) => {
    const other = await openStore(client, { bucket, keyPrefix: 'other/' });
    const inside = await openStore(client, { bucket, keyPrefix: 'lake/inner/' });
    await store.put('/a', bytes);
    await other.store.put('/a', Buffer.from('other'));
    await inside.store.put('/b', bytes);
    assert.deepEqual(
      (await other.store.list('')).blobs.map(({ uri }) => uri),
      ['/a'],
    );
    assert.deepEqual(
      (await inside.store.listVersions('/')).versions.map(({ uri }) => uri),
      ['/b'],
    );
    assert.equal((await client.s3.headObject({ Bucket: bucket, Key: 'other/a' })).ContentLength, 5);
    const longest = `/${'x'.repeat(1_024 - 'other/'.length)}`;
    await other.store.put(longest, bytes);
    await other.store.delete(longest);
    client.handler.takeRequests();
    await rejects(other.store.put(`${longest}x`, bytes), 'INVALID_ARGUMENT', /1025 bytes.*1024/);
    await rejects(other.store.get(`${longest}x`), 'INVALID_ARGUMENT', /1024/);
    await rejects(other.store.deleteVersion(`${longest}x`, 'v'), 'INVALID_ARGUMENT', /1024/);
    assert.deepEqual(await other.store.list(`${longest}x`), { blobs: [] });
    assert.deepEqual(client.handler.takeRequests(), []);
    assert.deepEqual(await other.store.deletePrefix('/', { everything: true }), { deleted: 1, failed: [] });
    assert.deepEqual(Buffer.from((await store.get('/a')).bytes), bytes);
  },
  { keyPrefix: 'lake/' },
);

storeTest('tags, types and messages that S3 would refuse are refused before any request', async (bench) => {
  const { store, client } = bench;
  const ten = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`k${i}`, 'v']));
  for (const options of [
    { tags: ten },
    { tags: { 'a&b': 'c' } },
    { tags: { a: 'x'.repeat(257) } },
    { contentType: 'text/plain\r\nx: y' },
    { message: 'é' },
  ])
    await rejects(store.put('/a', bytes, options), 'INVALID_ARGUMENT');
  assert.deepEqual(client.handler.takeRequests(), []);
});

for (const [what, settings] of [
  ['a bucket that S3 does not allow', { bucket: 'Nope_' }],
  ['a prefix without its slash', { bucket: 'abc', keyPrefix: 'lake' }],
  ['a prefix that begins with a slash', { bucket: 'abc', keyPrefix: '/lake/' }],
  ['a bucket key without KMS', { bucket: 'abc', encryption: { algorithm: 'AES256', bucketKey: true } }],
  ['an archive class', { bucket: 'abc', storageClass: 'GLACIER' }],
] as const)
  void test(`settings with ${what} are refused`, () => {
    const config = { s3: {}, wire: {}, clock: systemClock, settings, identity: newIdentity() };
    assert.throws(() => new S3BlobStore(config as never), { code: 'INVALID_ARGUMENT' });
  });

storeTest('an answer to HEAD has no body: GET tells what was wrong', async ({ store, client, bucket }) => {
  await store.put('/a', bytes);
  await rejects(store.head('/b'), 'STORAGE_NOT_FOUND');
  await client.s3.deleteObject({ Bucket: bucket, Key: '.floecat/store.json' });
  const gone = storeOn(client, await makeBucket(client.s3));
  await rejects(gone.head('/b'), 'STORAGE_NOT_FOUND');
});

storeTest('a head is one request once a head has told how many tags there are', async ({ store, client }) => {
  await store.put('/plain', bytes);
  await store.put('/tagged', bytes, { tags: { kind: 'root' } });
  const requests = async (uri: string): Promise<readonly (string | undefined)[]> => {
    client.handler.takeRequests();
    const { tags } = await store.head(uri);
    assert.deepEqual(tags, uri === '/tagged' ? { kind: 'root' } : {});
    return client.handler.takeRequests().map((request) => request.split(' ')[0]);
  };
  assert.deepEqual(await requests('/plain'), ['HEAD', 'GET'], 'the server may not tell');
  client.handler.inject({
    name: 'the count of tags told',
    on: (request) => request.startsWith('HEAD ') && request.includes('tagged'),
    after: (response) => withHeaders(response, (sent) => ({ ...sent, 'x-amz-tagging-count': '1' })),
  });
  assert.deepEqual(await requests('/tagged'), ['HEAD', 'GET']);
  assert.equal(client.handler.fired('the count of tags told'), 1);
  assert.deepEqual(await requests('/plain'), ['HEAD']);
});

storeTest(
  'a listing of versions whose marker is not encoded as its keys are goes on behind it',
  async ({ store, client }) => {
    const uris = ['/%', '/%2F', '/+', '/a b', '/é'];
    for (const uri of uris) await store.put(uri, bytes);
    client.handler.inject({
      name: 'keys encoded, and the marker not',
      on: (request) => request.includes('?versions') || request.includes('&versions'),
      times: Infinity,
      after: (response) =>
        withBody(
          response,
          (body) =>
            Buffer.from(
              body
                .toString()
                .replace(/<Key>(.*?)<\/Key>/gs, (_, key: string) => `<Key>${encodeURIComponent(key)}</Key>`)
                .replace('</IsTruncated>', '</IsTruncated><EncodingType>url</EncodingType>'),
            ),
          without('content-length'),
        ),
    });
    const found: string[] = [];
    for (let pageToken: string | undefined, more = true; more;) {
      const page = await store.listVersions('', { limit: 1, ...(pageToken !== undefined && { pageToken }) });
      found.push(...page.versions.map(({ uri }) => uri));
      assert.ok(found.length <= uris.length, found.join(' '));
      pageToken = page.nextPageToken;
      more = pageToken !== undefined;
    }
    assert.deepEqual(found, uris.toSorted());
    assert.ok(client.handler.fired('keys encoded, and the marker not') >= uris.length);
  },
);
