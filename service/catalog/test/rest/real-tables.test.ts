import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { parseJson } from '@floecat/catalog';

import type { RestWorld } from './support.ts';
import { LAKE, LAKE_MISSING, openRestWorld, REAL_TABLES, registerOverRest } from './support.ts';

interface SnapshotsBody {
  readonly snapshots: readonly {
    readonly 'snapshot-id': bigint;
    readonly statistics: Readonly<Record<string, bigint | number>>;
    readonly columns: readonly Readonly<Record<string, unknown>>[];
    readonly problems: readonly { readonly code: string; readonly location: string }[];
  }[];
}

suite('the real tables over REST', { skip: LAKE_MISSING }, () => {
  for (const { name, location, metadata, snapshots, missing } of REAL_TABLES)
    test(`${name}: registered by its location, loaded digit for digit, problems only where a list is missing`, async () => {
      await using world = await openRestWorld();
      const registered = await registerOverRest(world, name, location);
      assert.equal(registered.statusCode, 200, registered.body);
      const text = readFileSync(join(LAKE, metadata), 'utf8');
      const loaded = await world.app.inject(`/v1/default/namespaces/tpch/tables/${name}`);
      assert.equal(loaded.body, registered.body);
      // The response is the file's own text in a frame, so no digit of any id can differ.
      const frame = /^\{"metadata-location":("(?:[^"\\]|\\.)*"),"metadata":(.*),"config":\{\}\}$/s.exec(
        loaded.body,
      );
      assert.ok(frame);
      assert.equal(frame[2], text);
      assert.ok((JSON.parse(frame[1] ?? '') as string).endsWith(metadata.split('/').at(-1) ?? '?'));

      const body = await snapshotsOf(world, name);
      assert.equal(body.snapshots.length, snapshots);
      const ids = [
        ...text.matchAll(
          /"snapshot-id"\s*:\s*(\d+)\s*,\s*"(?:parent|timestamp|sequence)|"snapshot-id"\s*:\s*(\d+)/g,
        ),
      ];
      const inText = new Set(ids.map(([, a, b]) => a ?? b));
      for (const snapshot of body.snapshots) {
        const id = String(snapshot['snapshot-id']);
        assert.ok(inText.has(id), `${id} stands in the file`);
        assert.deepEqual(
          snapshot.problems.map(({ code }) => code),
          missing.includes(id) ? ['MISSING'] : [],
        );
      }
    });

  test('lineitem: both scan bundles hold the files and counts of their manifests', async () => {
    await using world = await openRestWorld();
    await registerOverRest(world, 'lineitem', './lineitem_iceberg');
    const body = await snapshotsOf(world, 'lineitem');
    const records = new Map(
      body.snapshots.map((each) => [String(each['snapshot-id']), Number(each.statistics['record-count'])]),
    );
    assert.deepEqual(
      records,
      new Map([
        ['2354745328521181395', 51_793],
        ['7817332053627255703', 60_175],
      ]),
    );
    for (const [id, count] of records) {
      const path = `/floecat/v1/default/namespaces/tpch/tables/lineitem/snapshots/${id}/scan-bundle`;
      const bundle = parseJson((await world.app.inject(path)).body) as {
        files: { 'record-count': number; 'file-path': string; content: string }[];
        'data-file-count': number;
      };
      assert.equal(bundle['data-file-count'], 1);
      assert.deepEqual(
        bundle.files.map((file) => [file.content, file['record-count']]),
        [['data', count]],
      );
      assert.match(bundle.files[0]?.['file-path'] ?? '', /^lineitem_iceberg\/data\/.*\.parquet$/);
    }
  });

  test('distinct counts show where a statistics file gives them', async () => {
    await using world = await openRestWorld();
    const file =
      's3://yb-iceberg-tpcds/trino_test/metadata/00001-084f601d-8c4e-4315-8747-5152a12ad2ea.metadata.json';
    assert.equal((await registerOverRest(world, 'with_ndv', file)).statusCode, 200);
    const body = await snapshotsOf(world, 'with_ndv');
    const distinct = body.snapshots.map((each) => [
      String(each['snapshot-id']),
      each.columns[0]?.['distinct-count'],
    ]);
    assert.deepEqual(
      distinct,
      [
        ['4703731101105413415', 3],
        ['909135298008832391', undefined],
      ].toSorted(byPaddedId),
    );
  });

  test('snapshots=refs leaves only what a branch or tag refers to, digit for digit', async () => {
    await using world = await openRestWorld();
    await registerOverRest(world, 'mytable', REAL_TABLES[4]?.location ?? '');
    const url = '/v1/default/namespaces/tpch/tables/mytable?snapshots=refs';
    const { metadata } = parseJson((await world.app.inject(url)).body) as {
      metadata: { snapshots: { 'snapshot-id': bigint }[] };
    };
    assert.deepEqual(
      metadata.snapshots.map((each) => each['snapshot-id']),
      [1_916_084_761_853_986_166n],
    );
  });

  test('a client that has the newest metadata gets 304, and another tag for another form of it', async () => {
    await using world = await openRestWorld();
    await registerOverRest(world, 'lineitem', './lineitem_iceberg');
    const url = '/v1/default/namespaces/tpch/tables/lineitem';
    const first = await world.app.inject(url);
    const { etag } = first.headers;
    assert.ok(etag);
    const again = await world.app.inject({ url, headers: { 'if-none-match': etag } });
    assert.deepEqual([again.statusCode, again.body], [304, '']);
    const refs = await world.app.inject({ url: `${url}?snapshots=refs`, headers: { 'if-none-match': etag } });
    assert.equal(refs.statusCode, 200);
    assert.notEqual(refs.headers.etag, etag);
  });

  test('the scan bundle comes page by page, whole once', async () => {
    await using world = await openRestWorld();
    await registerOverRest(world, 'hive', 'data/persistent/hive_partitioned_table');
    const base = '/floecat/v1/default/namespaces/tpch/tables/hive/snapshots/5128628767169163501/scan-bundle';
    const all = parseJson((await world.app.inject(base)).body) as { files: { 'file-path': string }[] };
    assert.equal(all.files.length, 6);
    const paged: string[] = [];
    let token = '';
    for (;;) {
      const page = parseJson((await world.app.inject(`${base}?pageSize=4&pageToken=${token}`)).body) as {
        files: { 'file-path': string }[];
        'next-page-token': string | null;
      };
      paged.push(...page.files.map((file) => file['file-path']));
      if (page['next-page-token'] === null) break;
      token = page['next-page-token'];
    }
    assert.deepEqual(
      paged,
      all.files.map((file) => file['file-path']),
    );
    assert.equal((await world.app.inject(base.replace('5128628767169163501', '12'))).statusCode, 404);
    assert.equal((await world.app.inject(base.replace('5128628767169163501', 'abc'))).statusCode, 400);
  });

  test('a second table of the same name is refused, naming the holder; the first is untouched', async () => {
    await using world = await openRestWorld();
    const first = await registerOverRest(world, 'lineitem', './lineitem_iceberg');
    const pointers = await world.storage.pointers.countByPrefix('');
    const second = await registerOverRest(world, 'lineitem', 's3://floecat/sales/us/trino_types');
    assert.equal(second.statusCode, 409);
    assert.match(second.body, /tpch\.lineitem exists already, as a table with the id/);
    assert.equal(await world.storage.pointers.countByPrefix(''), pointers);
    assert.equal((await world.app.inject('/v1/default/namespaces/tpch/tables/lineitem')).body, first.body);
  });
});

async function snapshotsOf(world: RestWorld, table: string): Promise<SnapshotsBody> {
  const response = await world.app.inject(`/floecat/v1/default/namespaces/tpch/tables/${table}/snapshots`);
  assert.equal(response.statusCode, 200, response.body);
  return parseJson(response.body) as SnapshotsBody;
}

function byPaddedId([a]: readonly unknown[], [b]: readonly unknown[]): number {
  return String(a).padStart(19, '0') < String(b).padStart(19, '0') ? -1 : 1;
}
