import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { openRestWorld } from './support.ts';

suite('Iceberg REST: configuration, namespaces and paging', () => {
  test('config answers the prefix of the default catalog, and the endpoints that are served', async () => {
    await using world = await openRestWorld();
    const response = await world.app.inject('/v1/config');
    assert.equal(response.statusCode, 200);
    const body = response.json<{ overrides: { prefix: string }; defaults: object; endpoints: string[] }>();
    assert.equal(body.overrides.prefix, 'default');
    assert.deepEqual(body.defaults, {});
    for (const endpoint of body.endpoints) {
      const [method = '', path = ''] = endpoint.split(' ');
      const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        name === 'prefix' ? 'default' : 'absent',
      );
      const served = await world.app.inject({
        method: method as 'GET',
        url,
        ...(method === 'POST' && { payload: {} }),
      });
      // 404 with an error of the protocol (or none, for HEAD) means the route is there and the thing is not.
      assert.notEqual(served.statusCode, 406, endpoint);
      assert.doesNotMatch(served.body, /no such endpoint/, endpoint);
    }
  });

  test('a warehouse is a catalog; an unknown one is not found; a name that needs it is encoded', async () => {
    await using world = await openRestWorld();
    await world.service.repositories.catalogs.create('büro/2', { properties: { clients: '4' } });
    const found = await world.app.inject(`/v1/config?warehouse=${encodeURIComponent('büro/2')}`);
    assert.deepEqual(found.json<{ defaults: object }>().defaults, { clients: '4' });
    const prefix = found.json<{ overrides: { prefix: string } }>().overrides.prefix;
    assert.equal((await world.app.inject(`/v1/${prefix}/namespaces`)).statusCode, 200);
    const missing = await world.app.inject('/v1/config?warehouse=pond');
    assert.equal(missing.statusCode, 404);
    assert.deepEqual(missing.json(), {
      error: { message: 'no catalog pond', type: 'NoSuchWarehouseException', code: 404 },
    });
  });

  test('a namespace is created, loaded, found to exist and listed below its parent', async () => {
    await using world = await openRestWorld();
    const create = (namespace: string[], properties?: object) =>
      world.app.inject({ method: 'POST', url: '/v1/default/namespaces', payload: { namespace, properties } });
    const made = await create(['tpch', 'tiny'], { owner: 'ann' });
    assert.deepEqual(
      [made.statusCode, made.json()],
      [200, { namespace: ['tpch', 'tiny'], properties: { owner: 'ann' } }],
    );
    const path = '/v1/default/namespaces/tpch%1Ftiny';
    assert.deepEqual((await world.app.inject(path)).json(), made.json());
    const head = await world.app.inject({ method: 'HEAD', url: path });
    assert.deepEqual([head.statusCode, head.body], [204, '']);
    assert.equal((await world.app.inject({ method: 'HEAD', url: path + 'x' })).statusCode, 404);
    const children = await world.app.inject('/v1/default/namespaces?parent=tpch');
    assert.deepEqual(children.json(), { namespaces: [['tpch', 'tiny']], 'next-page-token': null });

    const again = await create(['tpch', 'tiny']);
    assert.deepEqual(
      [again.statusCode, again.json<{ error: { type: string } }>().error.type],
      [409, 'AlreadyExistsException'],
    );
    const orphan = await create(['nowhere', 'tiny']);
    assert.deepEqual(
      [orphan.statusCode, orphan.json<{ error: { type: string } }>().error.type],
      [404, 'NoSuchNamespaceException'],
    );
    const unknown = await world.app.inject('/v1/default/namespaces?parent=nowhere');
    assert.equal(unknown.statusCode, 404);
  });

  test('pages carry the token of the pointer store byte for byte; without pageToken everything comes at once', async () => {
    await using world = await openRestWorld();
    const { namespaces, catalogs } = world.service.repositories;
    for (let i = 0; i < 5; i++) await namespaces.create('default', ['tpch', `n${i}`]);
    const first = await world.app.inject('/v1/default/namespaces?parent=tpch&pageToken=&pageSize=2');
    const body = first.json<{ namespaces: string[][]; 'next-page-token': string }>();
    assert.deepEqual(body.namespaces, [
      ['tpch', 'n0'],
      ['tpch', 'n1'],
    ]);
    const catalog = await catalogs.require('default');
    const prefix = `/accounts/default/catalogs/${catalog.owner.id}/namespaces/by-path/tpch/`;
    assert.equal(
      body['next-page-token'],
      await world.storage.pointers.pageTokenAfterKey(prefix, `${prefix}n1`),
    );

    const rest = await world.app.inject(
      `/v1/default/namespaces?parent=tpch&pageToken=${body['next-page-token']}`,
    );
    assert.deepEqual(rest.json(), {
      namespaces: [
        ['tpch', 'n2'],
        ['tpch', 'n3'],
        ['tpch', 'n4'],
      ],
      'next-page-token': null,
    });
    const all = await world.app.inject('/v1/default/namespaces?parent=tpch&pageSize=2');
    assert.equal(all.json<{ namespaces: string[][] }>().namespaces.length, 5);
  });

  test('bad input at the surface: 400 with the reason in the shape of the protocol', async () => {
    await using world = await openRestWorld();
    const { nextPageToken = '' } = await world.storage.pointers.listPointersByPrefix('', { limit: 1 });
    const long = 'x'.repeat(1_025);
    const cases: [url: string, payload: unknown, message: RegExp][] = [
      ['/v1/default/namespaces?pageToken=abc', undefined, /page token is damaged/],
      [`/v1/default/namespaces?pageToken=${nextPageToken}`, undefined, /another prefix/],
      [`/v1/default/namespaces?pageToken=${'A'.repeat(5_000)}`, undefined, /no token is longer/],
      ['/v1/default/namespaces?pageToken=&pageSize=0', undefined, /pageSize "0"/],
      ['/v1/default/namespaces?pageToken=&pageSize=ten', undefined, /pageSize "ten"/],
      ['/v1/default/namespaces?parent=a&parent=b', undefined, /given 2 times/],
      ['/v1/default/namespaces?parent=a%1F', undefined, /empty level/],
      [`/v1/default/namespaces/${long}`, undefined, /1024/],
      ['/v1/default/namespaces', { namespace: [] }, /must NOT have fewer than 1 items/],
      ['/v1/default/namespaces', { namespace: 'tpch' }, /must be array/],
      ['/v1/default/namespaces', { namespace: ['a\u001fb'] }, /U\+001F/],
      ['/v1/default/namespaces', { namespace: ['a'], properties: { n: 1 } }, /must be string/],
      ['/v1/default/namespaces', { namespace: [long] }, /1024/],
      ['/v1/default/namespaces', '{"namespace": ["a"', /JSON/],
      ['/v1/default/namespaces/tpch/register', { name: 'x' }, /metadata-location/],
      [
        '/v1/default/namespaces/tpch/register',
        { name: 'x', 'metadata-location': 's3://elsewhere/t' },
        /floecat\.upstream\.locations/,
      ],
      [
        '/v1/default/namespaces/tpch/register',
        { name: 'x', 'metadata-location': 's3://floecat/../secret' },
        /\.\./,
      ],
      [
        '/v1/default/namespaces/tpch/register',
        { name: 'x', 'metadata-location': 's3://floecat/a', overwrite: true },
        /overwrite/,
      ],
      ['/v1/default/namespaces/%zz', undefined, /./],
      [`/v1/default/namespaces/${'x'.repeat(5_000)}`, undefined, /./],
      ['/v1/default/namespaces/tpch/tables/t?snapshots=some', undefined, /"all" or "refs"/],
    ];
    for (const [url, payload, message] of cases) {
      const response = await world.app.inject({
        method: payload === undefined ? 'GET' : 'POST',
        url,
        ...(payload !== undefined && {
          payload: payload as object,
          headers: { 'content-type': 'application/json' },
        }),
      });
      const { error } = response.json<{ error: { message: string; type: string; code: number } }>();
      assert.equal(response.statusCode, 400, `${url} ${JSON.stringify(payload)}: ${response.body}`);
      assert.deepEqual([error.type, error.code], ['BadRequestException', 400]);
      assert.match(error.message, message);
    }
  });

  test('what is not there, and what is not served', async () => {
    await using world = await openRestWorld();
    const cases: [method: 'GET' | 'POST' | 'DELETE' | 'HEAD', url: string, status: number, type?: string][] =
      [
        ['GET', '/v1/pond/namespaces', 404, 'NoSuchWarehouseException'],
        ['GET', '/v1/default/namespaces/absent', 404, 'NoSuchNamespaceException'],
        ['GET', '/v1/default/namespaces/absent/tables', 404, 'NoSuchNamespaceException'],
        ['GET', '/v1/default/namespaces/tpch/tables/absent', 404, 'NoSuchTableException'],
        ['HEAD', '/v1/default/namespaces/tpch/tables/absent', 404],
        ['GET', '/floecat/v1/default/namespaces/tpch/tables/absent/snapshots', 404, 'NoSuchTableException'],
        ['GET', '/nothing', 404, 'NotFoundException'],
        ['DELETE', '/v1/default/namespaces/tpch/register', 406, 'UnsupportedOperationException'],
        ['POST', '/v1/default/transactions/commit', 406, 'UnsupportedOperationException'],
      ];
    for (const [method, url, status, type] of cases) {
      const response = await world.app.inject({ method, url });
      assert.equal(response.statusCode, status, `${method} ${url}`);
      if (type) assert.equal(response.json<{ error: { type: string } }>().error.type, type, url);
    }
  });

  test('health: ready while the stores answer, down with the reason once they do not', async () => {
    await using world = await openRestWorld();
    assert.deepEqual((await world.app.inject('/health/ready')).json(), { status: 'UP' });
    await world.storage.close();
    const down = await world.app.inject('/health/ready');
    assert.equal(down.statusCode, 503);
    assert.match(down.json<{ reason: string }>().reason, /closed/);
    assert.equal((await world.app.inject('/health/live')).statusCode, 200);
  });

  test('the index leads a newcomer to the tables', async () => {
    await using world = await openRestWorld();
    const body = (await world.app.inject('/')).json<{ links: { tables: string[] } }>();
    assert.deepEqual(body.links.tables, ['/v1/default/namespaces/tpch/tables']);
    for (const link of body.links.tables) assert.equal((await world.app.inject(link)).statusCode, 200);
  });
});
