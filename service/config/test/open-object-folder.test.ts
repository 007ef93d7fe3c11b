import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';

import { folderBesideStore, openObjectFolder } from '@floecat/config';

import { load } from './support.ts';

const ON_S3 = {
  FLOECAT_KV: 'dynamodb',
  FLOECAT_BLOB: 's3',
  FLOECAT_BLOB_S3_BUCKET: 'lake',
  FLOECAT_BLOB_S3_KEY_PREFIX: 'floecat/',
  FLOECAT_FILEIO_OVERRIDE_S3_REGION: 'eu-west-1',
};

void suite('folders of a bucket beside the store', () => {
  test('one is opened with the settings of the store, and makes no request', async () => {
    const settings = load({ env: ON_S3 });
    for (const [location, opened] of [
      ['s3://backups', 's3://backups'],
      ['s3://backups/', 's3://backups'],
      ['s3://backups/a/b/', 's3://backups/a/b'],
      ['s3://lake/backups', 's3://lake/backups'],
      ['s3://lake/floecat2', 's3://lake/floecat2'],
      ['s3://other/floecat', 's3://other/floecat'],
    ] as const) {
      await using folder = await openObjectFolder(settings, location);
      assert.equal(folder.location, opened);
    }
    await using folder = await openObjectFolder(load(), 's3://lake/floecat');
    assert.equal(folder.location, 's3://lake/floecat', 'of the embedded store, every bucket is another');
  });

  test("where the store's own blobs lie, and what is no place, is refused", async () => {
    const settings = load({ env: ON_S3 });
    for (const location of ['s3://lake', 's3://lake/floecat', 's3://lake/floecat/backups'])
      await assert.rejects(openObjectFolder(settings, location), {
        code: 'INVALID_ARGUMENT',
        message: /overlaps with the store's own blobs, which lie at s3:\/\/lake\/floecat\//,
      });
    const whole = load({ env: { ...ON_S3, FLOECAT_BLOB_S3_KEY_PREFIX: '' } });
    await assert.rejects(openObjectFolder(whole, 's3://lake/backups'), { code: 'INVALID_ARGUMENT' });
    for (const location of ['s3://', 's3:///x', 's3://lake//x', 's3://lake/a//b', '/folder', 's3://UPPER/x'])
      await assert.rejects(openObjectFolder(settings, location), { code: 'INVALID_ARGUMENT' }, location);
  });

  test('a folder of this machine is taken beside the store, and refused inside of it, also by another way', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'floecat-beside-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await mkdir(join(folder, 'store/blobs'), { recursive: true });
    await symlink(join(folder, 'store'), join(folder, 'link'));
    const settings = load({ env: { FLOECAT_DATA_DIR: join(folder, 'store') } });
    for (const location of ['backups', 'store2', 'store2/store', '.'])
      assert.equal(await folderBesideStore(settings, location, folder), join(folder, location));
    for (const location of [
      'store',
      'store/backups',
      'link',
      'link/new/deep',
      `${folder}/store/blobs`,
      '../' + folder.split('/').at(-1) + '/store',
    ])
      await assert.rejects(folderBesideStore(settings, location, folder), {
        code: 'INVALID_ARGUMENT',
        message: /lies in the folder of the store/,
      });
    const inMemory = load({
      env: { FLOECAT_KV: 'memory', FLOECAT_BLOB: 'memory', FLOECAT_SECRETS: 'memory' },
    });
    assert.equal(await folderBesideStore(inMemory, 'x', '/a'), '/a/x');
  });
});
