import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { writeSyntheticTable } from '@floecat/catalog';
import { openStorage } from '@floecat/config';
import { loadSettings } from '@floecat/config';
import { openRepositories, repositoryContext, sweepUnfinished } from '@floecat/repository';
import type { Storage } from '@floecat/storage-spi';
import { systemClock } from '@floecat/storage-spi';
import type { SeededRandom } from '@floecat/storage-testkit';
import { seededRandom } from '@floecat/storage-testkit';

import type { Server } from './support.ts';
import { serve, storageVariables, temporaryFolder } from './support.ts';

const SOAK = process.env['FLOECAT_SOAK'] !== undefined;
const REGISTRATIONS = SOAK ? 2_000 : 200;
const KILLS = SOAK ? 200 : 20;
const CLIENTS = 4;
const SNAPSHOTS = 3;
const FILES_PER_SNAPSHOT = 2;

suite('kill -9 of the server', () => {
  test(`${KILLS} kills within ${REGISTRATIONS} registrations lose nothing acknowledged and leave nothing half`, async (t) => {
    const seed = Number(process.env['FLOECAT_SEED'] ?? 20_261_123);
    t.diagnostic(`seed ${seed} (set FLOECAT_SEED to repeat another)`);
    const random = seededRandom(seed);
    using folder = temporaryFolder();
    const upstream = `${folder.path}/upstream`;
    const { metadataLocation } = await writeSyntheticTable({
      folder: upstream,
      baseLocation: 's3://upstream/t',
      snapshots: SNAPSHOTS,
      manifestsPerSnapshot: 1,
      filesPerManifest: FILES_PER_SNAPSHOT,
      random,
      clock: systemClock,
    });
    const properties = [
      '-D',
      `floecat.data-dir=${folder.path}/store`,
      '-D',
      `floecat.upstream.locations=s3://upstream/t=${upstream}`,
      '-D',
      'floecat.seed.enabled=false',
    ];
    const acknowledged = new Map<string, string>();
    const waiting = Array.from({ length: REGISTRATIONS }, (_, i) => `t${i}`);
    let kills = 0;
    while (waiting.length > 0) {
      await using server = await serve(properties);
      await createNamespace(server);
      const killAfter = kills < KILLS ? aMoment(random, waiting.length, KILLS - kills) : Infinity;
      const killed = await registerUntilKilled(
        server,
        waiting,
        acknowledged,
        metadataLocation,
        killAfter,
        random,
      );
      if (killed) kills++;
      else assert.equal(await server.stop(), 0, server.log());
    }
    assert.equal(kills, KILLS, 'the run was long enough to be killed this often');
    assert.equal(acknowledged.size, REGISTRATIONS);

    const settings = loadSettings({ args: properties, env: storageVariables(properties), cwd: folder.path });
    await using storage = await openStorage(settings);
    const swept = await sweepLater(storage);
    t.diagnostic(`${REGISTRATIONS} registrations, ${kills} kills, ${swept} unfinished registrations swept`);
    assert.ok(swept > 0, 'at least one kill came in the middle of a registration');
    await assertEveryTableIsWhole(storage, acknowledged);
    await assertNothingElseIsThere(storage);
  });
});

/** How many acknowledgements to wait for before the kill, so that the kills spread over what is left. */
function aMoment(random: SeededRandom, registrationsLeft: number, killsLeft: number): number {
  return random.below(Math.max(1, Math.floor((registrationsLeft * 1.6) / killsLeft)));
}

/** Registers what waits until the server is killed (true) or nothing waits any more. */
async function registerUntilKilled(
  server: Server,
  waiting: string[],
  acknowledged: Map<string, string>,
  metadataLocation: string,
  killAfter: number,
  random: SeededRandom,
): Promise<boolean> {
  let acks = 0;
  let killing: Promise<void> | undefined;
  const maybeKill = (): void => {
    if (acks < killAfter || killing) return;
    // Not at an acknowledgement, but somewhere in the work after it: a few turns of the event loop, by the seed.
    const turns = random.below(40);
    killing = (async () => {
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setTimeout(resolve, 1));
      await server.kill();
    })();
  };
  const client = async (): Promise<void> => {
    for (;;) {
      maybeKill();
      const name = waiting.pop();
      if (name === undefined) return;
      try {
        const response = await fetch(`${server.url}/v1/default/namespaces/k/register`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ name, 'metadata-location': metadataLocation }),
        });
        const body = await response.text();
        // 409: an earlier attempt was published, and the kill took its answer.
        assert.ok(response.status === 200 || response.status === 409, body);
        acknowledged.set(name, body);
        acks++;
      } catch (error) {
        waiting.push(name);
        if (error instanceof assert.AssertionError || !killing) throw error;
        await killing;
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  if (!killing) return false;
  await killing;
  return true;
}

async function createNamespace({ url }: Server): Promise<void> {
  const response = await fetch(`${url}/v1/default/namespaces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ namespace: ['k'] }),
  });
  assert.ok([200, 409].includes(response.status), await response.text());
}

/** Sweeps as a service would once the grace has passed. */
async function sweepLater(storage: Storage): Promise<number> {
  const later = { ...systemClock, now: () => Date.now() + 2 * storage.layout.pointerGraceMs };
  const { swept, failed } = await sweepUnfinished(repositoryContext(storage, 'default', { clock: later }));
  assert.deepEqual(failed, []);
  return swept;
}

async function assertEveryTableIsWhole(
  storage: Storage,
  acknowledged: ReadonlyMap<string, string>,
): Promise<void> {
  const { tables, snapshots } = openRepositories(repositoryContext(storage, 'default'));
  const { items } = await tables.listNames('default', ['k']);
  assert.deepEqual([...items].toSorted(), [...acknowledged.keys()].toSorted());
  for (const name of acknowledged.keys()) {
    const table = await tables.require('default', ['k'], name);
    assert.equal(table.pointer.state, 'LIVE');
    assert.ok((await tables.metadata(table)).length > 0);
    const stored = await snapshots.list(table);
    assert.equal(stored.items.length, SNAPSHOTS);
    for (const { resource } of stored.items) {
      assert.deepEqual(resource.problems, []);
      const bundle = await snapshots.bundle(table, resource.snapshotId);
      assert.ok(bundle);
      assert.equal((await snapshots.files(bundle)).items.length, Number(resource.table?.dataFileCount));
    }
  }
}

/** Every row belongs to an account, a catalog, a namespace or one of the tables, and each leads to a blob that verifies. */
async function assertNothingElseIsThere(storage: Storage): Promise<void> {
  const expected = 1 + 2 + 2 + REGISTRATIONS * (2 + 2 * SNAPSHOTS);
  assert.equal(await storage.pointers.countByPrefix(''), expected);
  let pageToken: string | undefined;
  do {
    const page = await storage.pointers.listPointersByPrefix(
      '',
      pageToken === undefined ? {} : { pageToken },
    );
    const uris = page.pointers.flatMap((pointer) => (pointer.kind === 'blob' ? [pointer.blobUri] : []));
    const blobs = await storage.blobs.getBatch(uris);
    assert.ok(blobs.every((blob) => blob !== undefined));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}
