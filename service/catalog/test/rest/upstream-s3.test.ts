import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { parseJson } from '@floecat/catalog';

import { startRecordingProxy } from './recording-proxy.ts';
import { LAKE, LAKE_LOCATIONS, LAKE_MISSING, REAL_TABLES, registerOverRest } from './support.ts';
import type { RestWorld } from './support.ts';
import type { Properties } from './upstream-world.ts';
import { openWorld, startUpstream, tableIn } from './upstream-world.ts';

const { upstream: shared, skip, upstreamTest } = await startUpstream();

/** Every document that is served of a table. */
async function served({ app }: RestWorld, name: string): Promise<Map<string, string>> {
  const documents = new Map<string, string>();
  const read = async (path: string): Promise<string> => {
    const { body, statusCode } = await app.inject(path);
    assert.equal(statusCode, 200, body);
    documents.set(path, body);
    return body;
  };
  const path = `namespaces/tpch/tables/${name}`;
  await read(`/v1/default/${path}`);
  const { snapshots } = parseJson(await read(`/floecat/v1/default/${path}/snapshots`)) as {
    snapshots: { 'snapshot-id': bigint | number }[];
  };
  for (const each of snapshots)
    await read(`/floecat/v1/default/${path}/snapshots/${each['snapshot-id']}/scan-bundle`);
  return documents;
}

function withoutMessages(document: string): string {
  return document.replaceAll(/"message":"(?:[^"\\]|\\.)*"/g, '"message":""');
}

async function register(
  properties: Properties,
  location: string,
): Promise<{ readonly status: number; readonly type: string; readonly message: string }> {
  await using world = await openWorld(properties);
  const { statusCode, body } = await registerOverRest(world, 't', location);
  const { error } = JSON.parse(body) as { error?: { type: string; message: string } };
  return { status: statusCode, type: error?.type ?? '', message: error?.message ?? '' };
}

suite('the five real tables in an upstream bucket', { skip: LAKE_MISSING || skip }, () => {
  for (const one of [true, false])
    test(`register from ${one ? 'one bucket that stands for all places' : 'buckets of their own'}, and are served byte for byte as from folders`, async () => {
      assert.ok(shared);
      const upstream = shared;
      const bucket = await upstream.bucket();
      await upstream.put(bucket, 'real/', LAKE);
      const moved = LAKE_LOCATIONS.map(
        ({ prefix }) => `${prefix}=s3://${bucket}/real/${prefix.replace('s3://', '')}`,
      );
      if (!one)
        for (const name of ['yb-iceberg-tpcds', 'floecat'])
          await upstream.put(await upstream.bucket(name), '', join(LAKE, name));
      await using fromS3 = await openWorld({
        ...upstream.properties(
          `s3://${bucket}/real/${one ? '' : ', s3://yb-iceberg-tpcds, s3://floecat/sales'}`,
        ),
        'floecat.upstream.locations': moved.filter((each) => one || !each.startsWith('s3://')).join(', '),
      });
      const folders = LAKE_LOCATIONS.map(({ prefix, folder }) => `${prefix}=${folder}`).join(', ');
      await using fromFolders = await openWorld({ 'floecat.upstream.locations': folders });

      for (const { name, location, metadata, snapshots } of REAL_TABLES) {
        for (const world of [fromS3, fromFolders])
          assert.equal((await registerOverRest(world, name, location)).statusCode, 200, name);
        const documents = await served(fromS3, name);
        assert.equal(documents.size, 2 + snapshots);
        assert.ok([...documents.values()][0]?.includes(readFileSync(join(LAKE, metadata), 'utf8')), name);
        // But for where a missing file was looked for.
        for (const [path, document] of await served(fromFolders, name))
          assert.ok(withoutMessages(documents.get(path) ?? '') === withoutMessages(document), path);
      }
    });
});

upstreamTest('what is missing, and what may not be read, is told by the location', async (upstream) => {
  const bucket = await upstream.bucket();
  const properties = upstream.properties(`s3://${bucket}/in/, s3://no-such-bucket-anywhere/`);
  const cases: [location: string, status: number, type: string, told: RegExp][] = [
    [`s3://${bucket}/in/absent.metadata.json`, 400, 'NotFoundException', /no such object/],
    [`s3://${bucket}/in/absent`, 400, 'NotFoundException', /has no metadata file/],
    [
      's3://no-such-bucket-anywhere/t',
      500,
      'StorageMisconfiguredException',
      /bucket no-such-bucket-anywhere does not/,
    ],
    [
      `s3://${bucket}/out/t`,
      400,
      'BadRequestException',
      /floecat\.upstream\.locations and floecat\.upstream\.s3\.loc/,
    ],
    [`s3://${bucket}/int`, 400, 'BadRequestException', /outside/],
    [`s3://${bucket}/in/../out/t`, 400, 'BadRequestException', /\.\. segment/],
    ['data/t', 400, 'BadRequestException', /outside floecat\.upstream\.locations/],
  ];
  for (const [location, status, type, told] of cases) {
    const answer = await register(properties, location);
    assert.deepEqual([answer.status, answer.type], [status, type], answer.message);
    assert.match(answer.message, told);
  }
});

upstreamTest(
  'a table whose files are outside the allowed places is refused there, and only there',
  async (upstream) => {
    const bucket = await upstream.bucket();
    const { metadataLocation, files } = await tableIn(upstream, bucket, 'outside');
    // The metadata alone is copied to where it may be read; all that it points to stays outside.
    const key = metadataLocation.replace(`s3://${bucket}/`, '');
    assert.ok(files.includes(key));
    await upstream.s3.copyObject({
      Bucket: bucket,
      Key: 'in/t.metadata.json',
      CopySource: `${bucket}/${key}`,
    });
    await using proxy = await startRecordingProxy(upstream.endpoint);
    await using world = await openWorld(upstream.properties(`s3://${bucket}/in`, proxy.endpoint));
    const registered = await registerOverRest(world, 't', `s3://${bucket}/in/t.metadata.json`);
    assert.equal(registered.statusCode, 200, registered.body);
    const { snapshots } = parseJson(
      (await world.app.inject('/floecat/v1/default/namespaces/tpch/tables/t/snapshots')).body,
    ) as { snapshots: { problems: { code: string; message: string }[] }[] };
    assert.equal(snapshots.length, 2);
    for (const { problems } of snapshots) {
      assert.deepEqual(
        problems.map(({ code }) => code),
        ['REFUSED'],
      );
      assert.match(problems[0]?.message ?? '', /floecat\.upstream\.s3\.locations/);
    }
    assert.deepEqual(
      proxy.requests.map(({ path }) => path.split('?')[0]),
      [`/${bucket}/in/t.metadata.json`],
    );
  },
);

upstreamTest('a table under odd keys registers by its folder, and all of it is read', async (upstream) => {
  const bucket = await upstream.bucket();
  const odd = 'a b/c+d%20e/ünï 数/x=1&y';
  const { location, metadataLocation } = await tableIn(upstream, bucket, odd);
  await using world = await openWorld(upstream.properties(`s3://${bucket}/${odd}/`));
  const { statusCode, body } = await registerOverRest(world, 't', location);
  assert.equal(statusCode, 200, body);
  assert.equal((JSON.parse(body) as { 'metadata-location': string })['metadata-location'], metadataLocation);
  for (const document of (await served(world, 't')).values())
    assert.doesNotMatch(document, /"problems":\[\{/);
});
