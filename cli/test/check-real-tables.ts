import assert from 'node:assert/strict';

import { parseJson } from '@floecat/catalog';

import { EXIT } from '../src/exit-codes.ts';
import type { RunOptions, Server } from './support.ts';
import { floecat, REAL_TABLES, serve } from './support.ts';

/** How the tables are registered. */
export type Way = 'the command line' | 'HTTP';

/**
 * Registers the five real tables in an empty catalog, serves them, and checks that a restart finds all of it: every
 * document that is served and every pointer with its version and write id.
 */
export async function checkRealTables(
  way: Way,
  args: readonly string[],
  options: RunOptions = {},
): Promise<void> {
  if (way === 'the command line')
    for (const [table, location, , missing] of REAL_TABLES) {
      const { code, stderr } = await floecat(
        [...args, 'register', table, location, '--create-namespace'],
        options,
      );
      assert.equal(code, missing > 0 ? EXIT.incomplete : EXIT.ok, stderr);
    }
  let before: Map<string, string>;
  {
    await using server = await serve(args, options);
    if (way === 'HTTP') await registerRealTables(server);
    before = await loadRealTables(server);
    assert.equal(await server.stop(), EXIT.ok, server.log());
  }
  const pointers = await pointersOf(args, options);
  {
    await using server = await serve(args, options);
    assert.deepEqual(await loadRealTables(server), before);
    // A second process beside the running server sees the same rows.
    assert.deepEqual(await pointersOf(args, options), pointers);
  }
  const versions = new Map(pointers.map((pointer) => [pointer.key, pointer.version]));
  assert.equal(versions.size, pointers.length);
  assert.ok(pointers.every(({ state }) => state === undefined || state === 'LIVE'));
}

export async function registerRealTables({ url }: Server): Promise<void> {
  for (const [table, location] of REAL_TABLES) {
    const [namespace = '', name] = table.split('.');
    await post(`${url}/v1/default/namespaces`, { namespace: [namespace] });
    const response = await post(`${url}/v1/default/namespaces/${namespace}/register`, {
      name,
      'metadata-location': location,
    });
    assert.equal(response.status, 200, await response.text());
  }
}

/** Everything that is served of each table: its metadata, its snapshots, their bundles. */
export async function loadRealTables({ url }: Server): Promise<Map<string, string>> {
  const loaded = new Map<string, string>();
  const read = async (path: string): Promise<string> => {
    const response = await fetch(url + path);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    loaded.set(path, text);
    return text;
  };
  for (const [table, , snapshots, missing] of REAL_TABLES) {
    const path = `/namespaces/${table.replace('.', '/tables/')}`;
    await read(`/v1/default${path}`);
    const body = parseJson(await read(`/floecat/v1/default${path}/snapshots`)) as {
      snapshots: { 'snapshot-id': bigint | number; problems: unknown[] }[];
    };
    assert.equal(body.snapshots.length, snapshots);
    assert.equal(body.snapshots.filter(({ problems }) => problems.length > 0).length, missing);
    for (const each of body.snapshots)
      await read(`/floecat/v1/default${path}/snapshots/${each['snapshot-id']}/scan-bundle`);
  }
  return loaded;
}

async function pointersOf(
  args: readonly string[],
  options: RunOptions,
): Promise<{ key: string; version: number; writeId: string; state?: string }[]> {
  const { stdout, code, stderr } = await floecat([...args, 'pointers', 'ls', '--json'], options);
  assert.equal(code, EXIT.ok, stderr);
  return (
    JSON.parse(stdout) as { pointers: { key: string; version: number; writeId: string; state?: string }[] }
  ).pointers;
}

function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
