import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { LightMyRequestResponse } from 'fastify';

import type { RestWorld } from './support.ts';
import { openRestWorld } from './support.ts';

const METADATA = Buffer.from('{"format-version":2}');

async function publish({ service }: RestWorld, levels: readonly string[], name: string): Promise<string> {
  const { namespaces, tables } = service.repositories;
  const namespace = await namespaces.require('default', levels);
  const staged = await tables.stage(namespace, name, {
    tableUuid: 'cc2317c6-1937-45fc-b29f-935ff34bcf22',
    location: `s3://lake/${name}`,
    metadataLocation: `s3://lake/${name}/metadata/v1.metadata.json`,
    formatVersion: 2,
    metadata: METADATA,
  });
  return (await tables.publish(namespace, staged)).owner.id;
}

function errorOf(response: LightMyRequestResponse): [status: number, type: string] {
  return [response.statusCode, response.json<{ error: { type: string } }>().error.type];
}

const NAMESPACE = '/v1/default/namespaces/tpch';
const TABLE = `${NAMESPACE}/tables/orders`;

suite('Iceberg REST: drops, renames and namespace properties', () => {
  test('a table is dropped once; its name is free, its upstream files are not ours to purge', async () => {
    await using world = await openRestWorld();
    await publish(world, ['tpch'], 'orders');
    const { app } = world;
    const purge = await app.inject({ method: 'DELETE', url: `${TABLE}?purgeRequested=true` });
    assert.deepEqual(errorOf(purge), [400, 'BadRequestException']);
    assert.equal((await app.inject({ method: 'HEAD', url: TABLE })).statusCode, 204);

    const headers = { 'content-type': 'application/json' };
    const dropped = await app.inject({ method: 'DELETE', url: `${TABLE}?purgeRequested=False`, headers });
    assert.deepEqual([dropped.statusCode, dropped.body], [204, '']);
    assert.equal((await app.inject({ method: 'HEAD', url: TABLE })).statusCode, 404);
    const again = await app.inject({ method: 'DELETE', url: TABLE });
    assert.deepEqual(errorOf(again), [404, 'NoSuchTableException']);
    const listed = await app.inject(`${NAMESPACE}/tables`);
    assert.deepEqual(listed.json<{ identifiers: unknown[] }>().identifiers, []);
    await publish(world, ['tpch'], 'orders');
    assert.equal((await app.inject(TABLE)).statusCode, 200);
  });

  test('a table is renamed and moved; what is missing or taken is told', async () => {
    await using world = await openRestWorld();
    const id = await publish(world, ['tpch'], 'orders');
    await publish(world, ['tpch'], 'taken');
    await world.service.repositories.namespaces.create('default', ['tpch', 'old']);
    const rename = (from: string, namespace: string[], name: string) =>
      world.app.inject({
        method: 'POST',
        url: '/v1/default/tables/rename',
        payload: {
          source: { namespace: ['tpch'], name: from },
          destination: { namespace, name },
        },
      });
    assert.deepEqual(errorOf(await rename('absent', ['nowhere'], 'x')), [404, 'NoSuchTableException']);
    assert.deepEqual(errorOf(await rename('orders', ['nowhere'], 'x')), [404, 'NoSuchNamespaceException']);
    assert.deepEqual(errorOf(await rename('orders', ['tpch'], 'taken')), [409, 'AlreadyExistsException']);
    assert.deepEqual(errorOf(await rename('orders', [], 'x')), [400, 'BadRequestException']);
    const moved = await rename('orders', ['tpch', 'old'], 'orders_2024');
    assert.deepEqual([moved.statusCode, moved.body], [204, '']);
    assert.equal((await world.app.inject(TABLE)).statusCode, 404);
    const found = await world.app.inject(`${NAMESPACE}%1Fold/tables/orders_2024`);
    assert.equal(found.json<{ metadata: object }>().metadata !== undefined, true);
    const { tables } = world.service.repositories;
    assert.equal((await tables.require('default', ['tpch', 'old'], 'orders_2024')).owner.id, id);
  });

  test('a namespace is dropped only when it is empty', async () => {
    await using world = await openRestWorld();
    await publish(world, ['tpch'], 'orders');
    const drop = (url: string) => world.app.inject({ method: 'DELETE', url });
    const full = await drop(NAMESPACE);
    assert.deepEqual(errorOf(full), [409, 'NamespaceNotEmptyException']);
    assert.equal((await world.app.inject(TABLE)).statusCode, 200);
    assert.equal((await drop(TABLE)).statusCode, 204);
    const empty = await drop(NAMESPACE);
    assert.deepEqual([empty.statusCode, empty.body], [204, '']);
    assert.deepEqual(errorOf(await drop(NAMESPACE)), [404, 'NoSuchNamespaceException']);
    assert.deepEqual(errorOf(await drop('/v1/pond/namespaces/x')), [404, 'NoSuchWarehouseException']);
    const listed = await world.app.inject('/v1/default/namespaces');
    assert.deepEqual(listed.json<{ namespaces: unknown[] }>().namespaces, []);
  });

  test('properties of a namespace are set and removed; what was not there is told', async () => {
    await using world = await openRestWorld();
    const post = (payload: object) =>
      world.app.inject({ method: 'POST', url: `${NAMESPACE}/properties`, payload });
    const first = await post({ updates: { owner: 'ann', team: 'x' } });
    assert.deepEqual(first.json(), { updated: ['owner', 'team'], removed: [], missing: [] });
    const second = await post({ removals: ['team', 'none'], updates: { owner: 'bob' } });
    assert.deepEqual(second.json(), { updated: ['owner'], removed: ['team'], missing: ['none'] });
    const loaded = await world.app.inject(NAMESPACE);
    assert.deepEqual(loaded.json<{ properties: object }>().properties, { owner: 'bob' });
    const both = await post({ removals: ['owner'], updates: { owner: 'eve' } });
    assert.deepEqual(errorOf(both), [422, 'UnprocessableEntityException']);
    assert.deepEqual(errorOf(await post({ updates: { n: 1 } })), [400, 'BadRequestException']);
  });

  test('of many that set properties at once, none is lost', async () => {
    await using world = await openRestWorld();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        world.app.inject({
          method: 'POST',
          url: `${NAMESPACE}/properties`,
          payload: { updates: { [`p${i}`]: 'set' } },
        }),
      ),
    );
    for (const { statusCode } of answers) assert.equal(statusCode, 200);
    const { properties } = (await world.app.inject(NAMESPACE)).json<{ properties: object }>();
    assert.equal(Object.keys(properties).length, 12);
  });
});
