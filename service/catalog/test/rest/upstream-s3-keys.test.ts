import assert from 'node:assert/strict';

import { openMemoryStorage } from '@floecat/storage-memory';
import type { Storage } from '@floecat/storage-spi';
import { FakeClock } from '@floecat/storage-testkit';

import { startRecordingProxy } from './recording-proxy.ts';
import { registerOverRest } from './support.ts';
import type { Properties, Upstream } from './upstream-world.ts';
import { openWorld, startUpstream, tableIn } from './upstream-world.ts';

const { upstreamTest } = await startUpstream();

upstreamTest(
  'upstream is asked with its own key, region and endpoint, the catalog with its own',
  async (upstream) => {
    const bucket = await upstream.bucket();
    const { location } = await tableIn(upstream, bucket, 't');
    await using toUpstream = await startRecordingProxy(upstream.endpoint);
    await using toCatalog = await startRecordingProxy(upstream.endpoint);
    const catalog = {
      'floecat.kv': 'dynamodb',
      'floecat.blob': 's3',
      'floecat.kv.table': `pointers-${bucket}`,
      'floecat.kv.auto-create': 'true',
      'floecat.blob.s3.bucket': `blobs-${bucket}`,
      'floecat.blob.s3.auto-create': 'true',
      'floecat.fileio.override.s3.region': 'us-east-1',
      'floecat.fileio.override.s3.endpoint': toCatalog.endpoint,
      'floecat.fileio.override.s3.access-key-id': 'catalog-key',
      'floecat.fileio.override.s3.secret-access-key': 'catalog-secret',
      'floecat.fileio.override.s3.path-style-access': 'true',
      'floecat.fileio.override.aws.dynamodb.endpoint-override': toCatalog.endpoint,
      'floecat.fileio.override.aws.secretsmanager.endpoint-override': toCatalog.endpoint,
      'floecat.fileio.override.aws.sts.endpoint-override': toCatalog.endpoint,
    };
    {
      await using world = await openWorld({
        ...catalog,
        ...upstream.properties(`s3://${bucket}`, toUpstream.endpoint),
        'floecat.upstream.s3.session-token': 'upstream-token',
      });
      const { statusCode, body } = await registerOverRest(world, 't', location);
      assert.equal(statusCode, 200, body);
    }
    const tell = ({ signer, region, service, sessionToken }: (typeof toCatalog.requests)[0]): string =>
      [signer, region, service, sessionToken].join(' ');
    assert.deepEqual(
      [...new Set(toUpstream.requests.map(tell))],
      ['upstream-key eu-central-1 s3 upstream-token'],
    );
    assert.deepEqual(
      new Set(toCatalog.requests.map(tell)),
      new Set(['catalog-key us-east-1 s3 ', 'catalog-key us-east-1 dynamodb ']),
    );
    // Upstream is only ever read, and only its own bucket; the catalog's side never sees that bucket.
    assert.ok(toUpstream.requests.length >= 5);
    assert.ok(
      toUpstream.requests.every(({ method, path }) => method === 'GET' && path.startsWith(`/${bucket}`)),
    );
    assert.ok(toCatalog.requests.every(({ path }) => !path.startsWith(`/${bucket}`)));
  },
);

interface InSecret {
  /** Upstream settings without a key, but with the name of a secret. */
  readonly properties: Properties;
  readonly storage: Storage;
  readonly put: (value: unknown) => Promise<void>;
}

function keyInSecret(upstream: Upstream, endpoint: string): InSecret {
  const {
    'floecat.upstream.s3.access-key-id': _id,
    'floecat.upstream.s3.secret-access-key': _key,
    ...keyless
  } = upstream.properties('s3://', endpoint);
  const storage = openMemoryStorage();
  const ref = { account: 'default', type: 'upstream', id: 'lake/reader' };
  return {
    properties: { ...keyless, 'floecat.upstream.s3.secret': 'upstream/lake/reader' },
    storage,
    put: (value) =>
      storage.secrets.put(ref, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))),
  };
}

upstreamTest(
  "the key may be in a secret of the catalog's own secrets, and is kept for a while",
  async (upstream) => {
    const bucket = await upstream.bucket();
    const { location } = await tableIn(upstream, bucket, 't');
    await using proxy = await startRecordingProxy(upstream.endpoint);
    const { properties, storage, put } = keyInSecret(upstream, proxy.endpoint);
    await using world = await openWorld(properties, { storage });
    const tried = async (name: string): Promise<string> =>
      (await registerOverRest(world, name, location)).body;

    assert.match(
      await tried('a'),
      /upstream\/lake\/reader does not exist in account default.*floecat secrets put/,
    );
    const bad: [unknown, RegExp][] = [
      ['hush-hush-1', /is not JSON/],
      ['{"accessKeyId": "hush-hush-2"', /is not JSON/],
      [[], /has no accessKeyId/],
      [{ accessKeyId: 'hush-hush-2' }, /has no secretAccessKey/],
      [{ accessKeyId: 'k', secretAccessKey: 17_171_717 }, /has secretAccessKey, which is not a text/],
      [{ accessKeyId: 'k', secretAccessKey: 's', sessionToken: '' }, /has sessionToken, which is not a text/],
    ];
    for (const [payload, told] of bad) {
      await put(payload);
      const answered = await tried('a');
      assert.match(answered, told);
      assert.match(answered, /floecat\.upstream\.s3\.secret/);
      assert.doesNotMatch(answered, /hush-hush|17171717/);
    }
    assert.deepEqual(proxy.requests, []);

    await put({ accessKeyId: 'from-secret', secretAccessKey: 's', note: 'more is no harm' });
    assert.match(await tried('a'), /metadata-location/);
    await put({ accessKeyId: 'rotated', secretAccessKey: 's' });
    assert.match(await tried('b'), /metadata-location/);
    assert.deepEqual([...new Set(proxy.requests.map(({ signer }) => signer))], ['from-secret']);
  },
);

upstreamTest('a key that was rotated in its secret is taken up after five minutes', async (upstream) => {
  const bucket = await upstream.bucket();
  const { location } = await tableIn(upstream, bucket, 't');
  await using proxy = await startRecordingProxy(upstream.endpoint);
  const { properties, storage, put } = keyInSecret(upstream, proxy.endpoint);
  // A clock that is behind dates the key back, so that it is old at once.
  const clock = new FakeClock({ start: Date.now() - 5 * 60_000 - 1_000 });
  await using world = await openWorld(properties, { storage, clock });
  for (const accessKeyId of ['first', 'second']) {
    await put({ accessKeyId, secretAccessKey: 's', sessionToken: `token of ${accessKeyId}` });
    const before = proxy.requests.length;
    assert.equal((await registerOverRest(world, accessKeyId, location)).statusCode, 200);
    const signers = proxy.requests
      .slice(before)
      .map(({ signer, sessionToken }) => `${signer}, ${sessionToken}`);
    assert.deepEqual([...new Set(signers)], [`${accessKeyId}, token of ${accessKeyId}`]);
  }
});
