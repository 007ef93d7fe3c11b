import assert from 'node:assert/strict';
import { test } from 'node:test';

import { InvalidArgumentError } from '@floecat/storage-spi';
import { FakeClock } from '@floecat/storage-testkit';

import { writeSyntheticTable } from '../../src/demo-lake/index.ts';
import { readManifests, readTable } from './lake-reader.ts';
import { tempFolder } from './temp-lake.ts';

const clock = new FakeClock();

test('a synthetic table has the snapshots asked for, each consistent and with a short manifest list', async () => {
  for (const [manifestsPerSnapshot, filesPerManifest] of [
    [1, 3],
    [3, 2],
    [8, 1],
  ] as const) {
    await using temp = await tempFolder();
    const options = { folder: temp.folder, snapshots: 25, manifestsPerSnapshot, filesPerManifest, clock };
    const { metadataLocation } = await writeSyntheticTable(options);
    const { snapshots } = await readTable(metadataLocation);
    assert.equal(snapshots.length, 25);
    assert.equal(snapshots.at(-1)?.['timestamp-ms'], clock.now());
    let live = new Set<string>();
    for (const snapshot of snapshots) {
      const manifests = await readManifests(snapshot);
      assert.ok(manifests.length <= Math.max(10, 2 * manifestsPerSnapshot));
      const entries = manifests.flatMap((manifest) => manifest.entries);
      const fresh = entries.filter(
        ({ status, snapshotId }) => status === 1 && snapshotId === snapshot['snapshot-id'],
      );
      const gone = entries.filter(({ status }) => status === 2);
      assert.equal(fresh.length, manifestsPerSnapshot * filesPerManifest);
      for (const { file } of fresh) live.add(file.file_path);
      for (const { file } of gone)
        assert.ok(live.delete(file.file_path), 'only a file that was there is deleted');
      const now = entries.filter(({ status }) => status !== 2).map(({ file }) => file.file_path);
      assert.deepEqual(new Set(now), live);
      assert.equal(now.length, live.size);
      assert.equal(snapshot.summary['total-data-files'], String(live.size));
      assert.equal(snapshot.summary['total-records'], String(live.size * 1000));
      live = new Set(now);
    }
  }
});

test('counts below 1 are refused before anything is written', async () => {
  await using temp = await tempFolder();
  for (const wrong of [{ snapshots: 0 }, { snapshots: 1.5 }, { snapshots: 1, filesPerManifest: 0 }])
    await assert.rejects(writeSyntheticTable({ folder: temp.folder, clock, ...wrong }), InvalidArgumentError);
});
