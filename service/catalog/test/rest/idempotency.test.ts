import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { writeDemoLake } from '@floecat/catalog';
import { IdempotencyKeyReusedError } from '@floecat/repository';
import { StorageUnavailableError, systemClock } from '@floecat/storage-spi';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';

import type { RestWorld } from './support.ts';
import { openRestWorld } from './support.ts';

const NAMESPACES = '/v1/default/namespaces';

/** Sends a request under an idempotency key. */
function send(
  { app }: RestWorld,
  key: string,
  method: 'POST' | 'DELETE',
  url: string,
  payload?: InjectOptions['payload'],
): Promise<LightMyRequestResponse> {
  return app.inject({
    method,
    url,
    headers: { 'idempotency-key': key },
    ...(payload !== undefined && { payload }),
  });
}

function told(response: LightMyRequestResponse): [status: number, body: string] {
  return [response.statusCode, response.body];
}

function errorOf(response: LightMyRequestResponse): [status: number, type: string] {
  return [response.statusCode, response.json<{ error: { type: string } }>().error.type];
}

suite('Iceberg REST: Idempotency-Key', () => {
  test('the configuration says for how long a key may be used again', async () => {
    await using world = await openRestWorld();
    const config = (await world.app.inject('/v1/config')).json<Record<string, unknown>>();
    assert.equal(config['idempotency-key-lifetime'], 'PT900S');
  });

  test('each change is made once for a key, and answered alike; without one, it is made again', async () => {
    await using world = await openRestWorld();
    const { namespaces } = world.service.repositories;
    const create = { namespace: ['hr'], properties: { owner: 'ann' } };
    const made = randomUUID();
    const first = await send(world, made, 'POST', NAMESPACES, create);
    assert.equal(first.statusCode, 200);
    assert.deepEqual(told(await send(world, made, 'POST', NAMESPACES, create)), told(first));
    assert.deepEqual(told(await send(world, made.toUpperCase(), 'POST', NAMESPACES, create)), told(first));
    const unkeyed = await world.app.inject({ method: 'POST', url: NAMESPACES, payload: create });
    assert.deepEqual(errorOf(unkeyed), [409, 'AlreadyExistsException']);

    const properties = `${NAMESPACES}/hr/properties`;
    const update = { removals: ['owner', 'none'], updates: { team: 'a' } };
    const changed = randomUUID();
    const second = await send(world, changed, 'POST', properties, update);
    assert.deepEqual(second.json(), { updated: ['team'], removed: ['owner'], missing: ['none'] });
    assert.deepEqual(told(await send(world, changed, 'POST', properties, update)), told(second));
    assert.equal(
      (await namespaces.require('default', ['hr'])).pointer.version,
      2,
      'created and changed once',
    );

    const dropped = randomUUID();
    for (let i = 0; i < 2; i++)
      assert.deepEqual(told(await send(world, dropped, 'DELETE', `${NAMESPACES}/hr`)), [204, '']);
    assert.equal((await world.app.inject({ method: 'DELETE', url: `${NAMESPACES}/hr` })).statusCode, 404);
  });

  test('a table is registered, renamed and dropped once', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'floecat-idempotency-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const [demo] = await writeDemoLake({ folder, clock: systemClock });
    assert.ok(demo);
    await using world = await openRestWorld([{ prefix: `file://${folder}`, folder }]);
    const { tables } = world.service.repositories;
    const register = { name: 'orders', 'metadata-location': demo.metadataLocation };
    const [registered, renamed, dropped] = [randomUUID(), randomUUID(), randomUUID()];
    const first = await send(world, registered, 'POST', `${NAMESPACES}/tpch/register`, register);
    assert.equal(first.statusCode, 200, first.body);
    const again = await send(world, registered, 'POST', `${NAMESPACES}/tpch/register`, register);
    assert.deepEqual(told(again), told(first));
    assert.equal(again.headers['etag'], first.headers['etag']);
    const { owner } = await tables.require('default', ['tpch'], 'orders');

    const rename = {
      source: { namespace: ['tpch'], name: 'orders' },
      destination: { namespace: ['tpch'], name: 'old' },
    };
    for (let i = 0; i < 2; i++)
      assert.deepEqual(told(await send(world, renamed, 'POST', '/v1/default/tables/rename', rename)), [
        204,
        '',
      ]);
    assert.equal((await tables.require('default', ['tpch'], 'old')).owner.id, owner.id);
    // As it is now, not as it was then.
    const later = await send(world, registered, 'POST', `${NAMESPACES}/tpch/register`, register);
    assert.equal(later.json<Record<string, unknown>>()['metadata-location'], demo.metadataLocation);

    for (let i = 0; i < 2; i++)
      assert.deepEqual(told(await send(world, dropped, 'DELETE', `${NAMESPACES}/tpch/tables/old`)), [
        204,
        '',
      ]);
    const gone = await send(world, registered, 'POST', `${NAMESPACES}/tpch/register`, register);
    assert.deepEqual(errorOf(gone), [404, 'NoSuchTableException']);
    assert.match(gone.body, /dropped since/);
  });

  test('a registration of the command is made once for its key, and told again', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'floecat-idempotency-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const [demo] = await writeDemoLake({ folder, clock: systemClock });
    assert.ok(demo);
    await using world = await openRestWorld([{ prefix: `file://${folder}`, folder }]);
    const { service } = world;
    const location = demo.metadataLocation;
    const request = { catalog: 'default', namespace: ['tpch'], name: 'orders', location };
    const first = await service.registerOnce('nightly 17', request);
    const again = await service.registerOnce('nightly 17', request);
    assert.deepEqual([first.replayed, again.replayed], [false, true]);
    assert.equal(again.table.owner.id, first.table.owner.id);
    assert.ok(first.snapshots > 0 && first.snapshots === again.snapshots);
    assert.deepEqual([first.problems, again.problems], [[], undefined]);
    const other = service.registerOnce('nightly 17', { ...request, name: 'other' });
    await assert.rejects(other, IdempotencyKeyReusedError);
  });

  test('a refusal is answered again, though things have changed; a failure is not', async () => {
    await using world = await openRestWorld();
    const key = randomUUID();
    const create = { namespace: ['tpch'] };
    const refused = await send(world, key, 'POST', NAMESPACES, create);
    assert.deepEqual(errorOf(refused), [409, 'AlreadyExistsException']);
    await world.app.inject({ method: 'DELETE', url: `${NAMESPACES}/tpch` });
    assert.deepEqual(told(await send(world, key, 'POST', NAMESPACES, create)), told(refused));

    const other = randomUUID();
    const { namespaces } = world.service.repositories;
    const real = namespaces.create.bind(namespaces);
    namespaces.create = () => Promise.reject(new StorageUnavailableError('down'));
    const failed = await send(world, other, 'POST', NAMESPACES, create);
    assert.deepEqual(errorOf(failed), [503, 'ServiceUnavailableException']);
    namespaces.create = real;
    assert.equal((await send(world, other, 'POST', NAMESPACES, create)).statusCode, 200);
  });

  test('a key is a UUID, and of one request alone', async () => {
    await using world = await openRestWorld();
    const bad = await send(world, 'mine', 'POST', NAMESPACES, { namespace: ['a'] });
    assert.deepEqual(errorOf(bad), [400, 'BadRequestException']);
    const key = randomUUID();
    await send(world, key, 'POST', NAMESPACES, { namespace: ['a'], properties: { x: '1', y: '2' } });
    const reordered = { properties: { y: '2', x: '1' }, namespace: ['a'] };
    assert.equal((await send(world, key, 'POST', NAMESPACES, reordered)).statusCode, 200);
    for (const other of [
      await send(world, key, 'POST', NAMESPACES, { namespace: ['b'] }),
      await send(world, key, 'DELETE', `${NAMESPACES}/a`),
    ])
      assert.deepEqual(errorOf(other), [422, 'UnprocessableEntityException']);
    const listed = (await world.app.inject(NAMESPACES)).json<{ namespaces: string[][] }>();
    assert.deepEqual(listed.namespaces, [['a'], ['tpch']]);
  });

  test('of requests at once under one key, one makes the change', async () => {
    await using world = await openRestWorld();
    const key = randomUUID();
    const all = await Promise.all(
      Array.from({ length: 8 }, () => send(world, key, 'POST', NAMESPACES, { namespace: ['a'] })),
    );
    for (const response of all) assert.ok([200, 503].includes(response.statusCode), response.body);
    assert.ok(all.some(({ statusCode }) => statusCode === 200));
    const { pointer } = await world.service.repositories.namespaces.require('default', ['a']);
    assert.equal(pointer.version, 1);
  });
});
