import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { suite, test } from 'node:test';

import { ownerById } from '@floecat/repository';
import { AwsClients } from '@floecat/storage-aws';
import type { Storage } from '@floecat/storage-spi';

import { AwsStub } from '../../../storage/aws/test/support/aws-stub/aws-stub.ts';
import {
  openStubStorage,
  stubSettings,
} from '../../../storage/aws/test/support/aws-stub/open-stub-storage.ts';
import { assertClean } from './support/oracle.ts';
import { putStrayRoot } from './support/raw-roots.ts';
import { World } from './support/world.ts';

const NOBODY = ownerById('acme', 'tables', 'nobody');
const BUCKET = 'floecat-stub';
const MARKER = '.floecat/store.json';

interface OnAws {
  readonly world: World;
  /** The store as the collectors are to see it: without grace and retention, since time passes as it does. */
  readonly storage: Storage;
  readonly s3: AwsClients['s3'];
}

async function openOnAws(t: TestContext): Promise<OnAws> {
  const stub = await AwsStub.start();
  t.after(() => stub[Symbol.asyncDispose]());
  const clients = new AwsClients(stubSettings(stub.endpoint));
  t.after(() => clients.close());
  const opened = await openStubStorage(stub.endpoint);
  t.after(() => opened.close());
  const world = await World.open({ open: async () => opened });
  const layout = { ...opened.layout, casGraceMs: 0, casRetentionMs: 0, pointerGraceMs: 0 };
  return { world, storage: { ...opened, layout }, s3: clients.s3 };
}

suite('collectors over the protocols of AWS', () => {
  test('exactly the condemned versions go, for good, and no delete marker is left', async (t) => {
    const { world, storage, s3 } = await openOnAws(t);
    await world.addTable('orders', 'one');
    await world.setMetadata('orders', 'two');
    await world.setMetadata('orders', 'one');
    await world.setMetadata('orders', 'two');
    const { deleted } = await world.pass({ storage });
    // Staged, published, twice changed: four roots; the chunk "one" was put twice, "two" once too often.
    assert.equal(deleted, 7);
    assert.equal(await world.metadataOf('orders'), 'two');
    await assertClean(world);
    const { Versions = [], DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket: BUCKET });
    assert.deepEqual(DeleteMarkers, []);
    const prefix = 'accounts/acme/tables/';
    assert.equal(Versions.filter(({ Key }) => Key?.startsWith(prefix)).length, 2);
  });

  test('2. a bucket whose versioning was suspended: nothing is deleted', async (t) => {
    const { world, storage, s3 } = await openOnAws(t);
    await putStrayRoot(world.storage, NOBODY, 'garbage');
    await s3.putBucketVersioning({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Suspended' } });
    const report = await world.collect('cas', { storage });
    assert.equal(report.outcome, 'refused');
    assert.match(report.problems[0]?.message ?? '', /enable versioning/);
    assert.equal((await world.uris(NOBODY.blobPrefix)).length, 1);
  });

  test('8. a bucket whose marker names another table, or has none: nothing is deleted', async (t) => {
    const { world, storage, s3 } = await openOnAws(t);
    await putStrayRoot(world.storage, NOBODY, 'garbage');
    const { Body } = await s3.getObject({ Bucket: BUCKET, Key: MARKER });
    const marker = (await Body?.transformToString()) ?? '';
    const changed = JSON.stringify({ ...(JSON.parse(marker) as object), epoch: 2 });
    await s3.putObject({ Bucket: BUCKET, Key: MARKER, Body: changed });
    for (const collector of ['cas', 'pointer'] as const) {
      const report = await world.collect(collector, { storage });
      if (collector === 'cas')
        assert.deepEqual([report.outcome, report.problems[0]?.code], ['failed', 'STORAGE_MISCONFIGURED']);
    }
    await s3.deleteObject({ Bucket: BUCKET, Key: MARKER });
    assert.equal((await world.collect('cas', { storage })).outcome, 'failed');
    assert.equal((await world.uris(NOBODY.blobPrefix)).length, 1);
    await s3.putObject({ Bucket: BUCKET, Key: MARKER, Body: marker });
    assert.ok(((await world.pass({ storage }))['deleted'] ?? 0) > 0);
    assert.deepEqual(await world.uris(NOBODY.blobPrefix), []);
  });

  test('a blob that has a delete marker above it is missing, and what is below the marker is left for a repair', async (t) => {
    const { world, storage } = await openOnAws(t);
    const { pointer, owner } = await world.addTable('orders', 'one');
    await world.pass({ storage });
    assert.ok(pointer.kind === 'blob');
    await world.storage.blobs.delete(pointer.blobUri);
    const before = await world.versions(owner.blobPrefix);
    const report = await world.collect('cas', { storage });
    assert.equal(report.outcome, 'failed');
    assert.match(report.problems[0]?.message ?? '', /is gone/);
    assert.deepEqual(await world.versions(owner.blobPrefix), before);
  });
});
