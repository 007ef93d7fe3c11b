import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { writeSyntheticTable } from '@floecat/catalog';
import { loadSettings, openStorage } from '@floecat/config';
import { openRepositories, repositoryContext, sweepUnfinished } from '@floecat/repository';
import { systemClock } from '@floecat/storage-spi';
import { seededRandom } from '@floecat/storage-testkit';

import { floecat, serve, storageVariables, temporaryFolder } from './support.ts';

const SNAPSHOTS = 1_000;

suite('a table of 1,000 snapshots', () => {
  test('its registration is killed midway and repeated: whole once', async (t) => {
    using folder = temporaryFolder();
    const upstream = `${folder.path}/upstream`;
    const random = seededRandom(1_000);
    const { location, metadataLocation } = await writeSyntheticTable({
      folder: upstream,
      baseLocation: 's3://upstream/big',
      snapshots: SNAPSHOTS,
      manifestsPerSnapshot: 4,
      filesPerManifest: 2,
      random,
      clock: systemClock,
    });
    const properties = [
      '-D',
      `floecat.data-dir=${folder.path}/store`,
      '-D',
      `floecat.upstream.locations=s3://upstream/big=${upstream}`,
      '-D',
      'floecat.seed.enabled=false',
    ];
    const settings = loadSettings({ args: properties, env: storageVariables(properties), cwd: folder.path });
    await floecat([...properties, 'namespaces', 'create', 'k']);
    {
      await using server = await serve(properties);
      const registration = fetch(`${server.url}/v1/default/namespaces/k/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'big', 'metadata-location': metadataLocation }),
      }).then(
        () => 'answered',
        () => 'cut off',
      );
      // Another process beside the server watches how far it has come.
      await using storage = await openStorage(settings);
      let stored = 0;
      while (stored < SNAPSHOTS / 4) {
        stored = await storage.pointers.countByPrefix('/accounts/default/tables/');
        await new Promise((resolve) => setImmediate(resolve));
      }
      await server.kill();
      assert.equal(await registration, 'cut off');
      const { tables } = openRepositories(repositoryContext(storage, 'default'));
      assert.equal(await tables.get('default', ['k'], 'big'), undefined);
      const half = await storage.pointers.countByPrefix('/accounts/default/tables/');
      t.diagnostic(`killed with ${half} of ${2 * SNAPSHOTS + 1} rows stored`);
      assert.ok(half > SNAPSHOTS / 4 && half < 2 * SNAPSHOTS);
    }
    const again = await floecat([...properties, 'register', 'k.big', location, '--json']);
    assert.equal(again.code, 0, again.stderr);

    await using storage = await openStorage(settings);
    const later = { ...systemClock, now: () => Date.now() + 2 * storage.layout.pointerGraceMs };
    const swept = await sweepUnfinished(repositoryContext(storage, 'default', { clock: later }));
    assert.deepEqual([swept.swept, swept.failed], [1, []]);
    assert.equal(await storage.pointers.countByPrefix('/accounts/default/tables/'), 2 * SNAPSHOTS + 1);

    const { tables, snapshots } = openRepositories(repositoryContext(storage, 'default'));
    assert.deepEqual((await tables.listNames('default', ['k'])).items, ['big']);
    const table = await tables.require('default', ['k'], 'big');
    const ids = new Set<bigint>();
    let pageToken: string | undefined;
    do {
      const page = await snapshots.list(table, pageToken === undefined ? {} : { pageToken });
      for (const { resource } of page.items) {
        assert.deepEqual(resource.problems, []);
        ids.add(resource.snapshotId);
        const bundle = await snapshots.bundle(table, resource.snapshotId);
        assert.ok(bundle);
        const { items } = await snapshots.files(bundle);
        assert.equal(items.length, Number(resource.table?.dataFileCount));
        assert.ok(items.length > 0);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    assert.equal(ids.size, SNAPSHOTS);
    assert.equal(table.resource.snapshotCount, BigInt(SNAPSHOTS));
  });
});
