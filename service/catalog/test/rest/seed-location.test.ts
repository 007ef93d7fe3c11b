import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MARKER_NAME, runCatalog } from '@floecat/catalog';
import { seedKey } from '@floecat/repository';
import { openMemoryStorage } from '@floecat/storage-memory';
import type { Storage } from '@floecat/storage-spi';

import { uploadLake } from '../../../../tools/localstack/upload-lake.ts';
import type { RecordingProxy } from './recording-proxy.ts';
import { startRecordingProxy } from './recording-proxy.ts';
import type { Properties } from './upstream-world.ts';
import { settingsOf, startUpstream, Upstream } from './upstream-world.ts';

const { upstreamTest } = await startUpstream();

const TABLES = ['cafe.cats', 'cafe.visits', 'cafe.clinic.checkups'];

interface Lake extends AsyncDisposable {
  readonly location: string;
  readonly bucket: string;
  readonly proxy: RecordingProxy;
  readonly dataDir: string;
  readonly properties: Properties;
}

/** A lake in a bucket of its own, and settings that seed a catalog from there. */
async function openLake(upstream: Upstream): Promise<Lake> {
  const bucket = await upstream.bucket();
  const location = `s3://${bucket}/demo lake/v1`;
  await uploadLake({ s3: upstream.s3, location });
  const proxy = await startRecordingProxy(upstream.endpoint);
  const folder = mkdtempSync(join(tmpdir(), 'floecat-seed-'));
  const dataDir = join(folder, 'data');
  return {
    location,
    bucket,
    proxy,
    dataDir,
    properties: {
      ...upstream.properties(location, proxy.endpoint),
      'floecat.seed.location': location,
      'floecat.data-dir': dataDir,
      'floecat.http.port': '0',
      'floecat.log.level': 'silent',
    },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts a catalog and stops it again; answers what it said while it started. */
async function start(
  storage: Storage,
  properties: Properties,
  whileUp: (url: string) => Promise<void> = async () => undefined,
): Promise<string> {
  const { signal } = new AbortController();
  let said = '';
  const onProgress = (text: string): void => void (said += text);
  await using running = await runCatalog(storage, settingsOf(properties), {
    signal,
    log: process.stderr,
    onProgress,
  });
  await whileUp(running.url);
  return said;
}

upstreamTest(
  'the demonstration lake is registered from where it lies, once, and nothing is written here',
  async (upstream) => {
    await using lake = await openLake(upstream);
    await using storage = openMemoryStorage();
    const said = await start(storage, lake.properties, async (url) => {
      const answer = await fetch(`${url}/v1/default/namespaces/cafe%1Fclinic/tables/checkups`);
      const { metadata } = (await answer.json()) as { metadata: { location: string } };
      assert.equal(metadata.location, `${lake.location}/cafe/clinic/checkups`);
      const snapshots = await (
        await fetch(`${url}/floecat/v1/default/namespaces/cafe/tables/cats/snapshots`)
      ).text();
      assert.match(snapshots, /"problems":\[\]/);
      assert.doesNotMatch(snapshots, /"problems":\[\{/);
    });
    for (const table of TABLES) assert.ok(said.includes(table), said);
    assert.ok(
      lake.proxy.requests.every(({ method, signer }) => method === 'GET' && signer === 'upstream-key'),
    );
    assert.ok(!existsSync(lake.dataDir));
    // The connections to upstream ended with the service.
    await lake.proxy.left();

    const before = await storage.pointers.countByPrefix('');
    const requests = lake.proxy.requests.length;
    assert.equal(await start(storage, lake.properties), '');
    assert.equal(await storage.pointers.countByPrefix(''), before);
    assert.equal(lake.proxy.requests.length, requests, 'a later start does not need upstream');
  },
);

upstreamTest('a start that was interrupted is gone on with, wherever it was', async (upstream) => {
  await using lake = await openLake(upstream);
  const Bucket = lake.bucket;
  const Key = `${lake.location.replace(`s3://${Bucket}/`, '')}/${MARKER_NAME}`;
  const whole = await (await upstream.s3.getObject({ Bucket, Key })).Body?.transformToString();
  const marker = JSON.parse(whole ?? '') as { tables: { metadataLocation: string }[] };
  const putMarker = async (tables: typeof marker.tables): Promise<void> => {
    const Body = Buffer.from(JSON.stringify({ ...marker, tables }));
    await upstream.s3.putObject({ Bucket, Key, Body });
  };
  for (const [i, broken] of marker.tables.entries()) {
    await using storage = openMemoryStorage();
    // The first start fails at this table: its namespace is there then, the table is not.
    const absent = { ...broken, metadataLocation: `${lake.location}/absent.metadata.json` };
    await putMarker(marker.tables.with(i, absent));
    await assert.rejects(start(storage, lake.properties), { code: 'STORAGE_NOT_FOUND' });
    await putMarker(marker.tables);
    const said = await start(storage, lake.properties);
    assert.deepEqual(
      TABLES.filter((table) => said.includes(table)),
      TABLES.slice(i),
    );
  }
  for (const count of [1, 2]) {
    await using storage = openMemoryStorage();
    // As if it had ended between two tables.
    await putMarker(marker.tables.slice(0, count));
    await start(storage, lake.properties);
    const row = await storage.system.get(seedKey('default', 'default'));
    assert.ok(row?.kind === 'value' && row.value === 'done');
    await storage.system.compareAndSet(row.key, row, { kind: 'value', value: 'begun' });
    await putMarker(marker.tables);
    const said = await start(storage, lake.properties);
    assert.deepEqual(
      TABLES.filter((table) => said.includes(table)),
      TABLES.slice(count),
    );
  }
});

upstreamTest('what was dropped since does not come back', async (upstream) => {
  await using lake = await openLake(upstream);
  await using storage = openMemoryStorage();
  const cats = '/v1/default/namespaces/cafe/tables/cats';
  await start(storage, lake.properties, async (url) => {
    assert.equal((await fetch(url + cats, { method: 'DELETE' })).status, 204);
  });
  assert.equal(
    await start(storage, lake.properties, async (url) => {
      assert.equal((await fetch(url + cats)).status, 404);
    }),
    '',
  );
});

upstreamTest(
  'a catalog with anything else in it is left alone, and upstream is not asked',
  async (upstream) => {
    await using lake = await openLake(upstream);
    await using storage = openMemoryStorage();
    await start(storage, { ...lake.properties, 'floecat.seed.enabled': 'false' }, async (url) => {
      const made = await fetch(`${url}/v1/default/namespaces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ namespace: ['mine'] }),
      });
      assert.equal(made.status, 200);
    });
    assert.equal(await start(storage, lake.properties), '');
    assert.deepEqual(lake.proxy.requests, []);
  },
);

upstreamTest(
  'a location without a lake, or with another, ends the start and says what to do',
  async (upstream) => {
    await using lake = await openLake(upstream);
    await using storage = openMemoryStorage();
    const ends = (location: string, code: string, message: RegExp): Promise<void> =>
      assert.rejects(
        start(storage, {
          ...lake.properties,
          'floecat.upstream.s3.locations': `s3://${lake.bucket}`,
          'floecat.seed.location': location,
        }),
        (error: { code?: string; message: string }) => {
          assert.equal(error.code, code, error.message);
          assert.match(error.message, message);
          return true;
        },
      );
    await ends(
      `s3://${lake.bucket}/empty`,
      'STORAGE_MISCONFIGURED',
      /does not exist; .*floecat\.seed\.location/,
    );
    await ends('s3://elsewhere/lake', 'INVALID_ARGUMENT', /floecat\.upstream\.s3\.locations/);
    const marker = lake.location.replace(`s3://${lake.bucket}/`, '') + `/${MARKER_NAME}`;
    const CopySource = encodeURI(`${lake.bucket}/${marker}`);
    await upstream.s3.copyObject({ Bucket: lake.bucket, Key: `copy/${MARKER_NAME}`, CopySource });
    await ends(
      `s3://${lake.bucket}/copy`,
      'STORAGE_MISCONFIGURED',
      /belongs to a lake at s3:\/\/.*\/demo lake\/v1/,
    );
    await upstream.s3.putObject({ Bucket: lake.bucket, Key: `bad/${MARKER_NAME}`, Body: Buffer.from('{') });
    await ends(`s3://${lake.bucket}/bad`, 'STORAGE_MISCONFIGURED', /is not JSON/);
  },
);

upstreamTest(
  'a lake is put whole, once, its marker last; an unfinished one is finished',
  async (upstream) => {
    const bucket = `made-${process.pid}-${Date.now()}`;
    const location = `s3://${bucket}/lake/`;
    await using proxy = await startRecordingProxy(upstream.endpoint);
    await using writer = new Upstream(proxy.endpoint);
    const files = await uploadLake({ s3: writer.s3, location });
    assert.ok(files > 40, `${files} files`);
    assert.equal(proxy.requests.at(-1)?.method, 'PUT');
    assert.match(proxy.requests.at(-1)?.path ?? '', new RegExp(`/lake/${MARKER_NAME}(\\?|$)`));
    assert.equal(await uploadLake({ s3: upstream.s3, location }), 0);
    const { Contents = [] } = await upstream.s3.listObjectsV2({ Bucket: bucket });
    assert.equal(Contents.length, files);
    await upstream.s3.deleteObject({ Bucket: bucket, Key: `lake/${MARKER_NAME}` });
    await upstream.s3.deleteObject({ Bucket: bucket, Key: Contents[0]?.Key ?? '' });
    assert.equal(await uploadLake({ s3: upstream.s3, location: location.slice(0, -1) }), files);
    const again = await upstream.s3.listObjectsV2({ Bucket: bucket });
    assert.deepEqual(
      again.Contents?.map(({ Key }) => Key),
      Contents.map(({ Key }) => Key),
    );
    for (const bad of ['s3://bucket', 's3://bucket/', '/folder', 'gs://b/x'])
      await assert.rejects(uploadLake({ s3: upstream.s3, location: bad }), /no place for a lake/);
  },
);
