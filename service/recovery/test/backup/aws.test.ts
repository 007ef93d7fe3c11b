import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, suite, test } from 'node:test';

import { collectOnce, DEFAULT_GC_SETTINGS } from '@floecat/gc';
import { openRepositories, repositoryContext } from '@floecat/repository';
import {
  createBackup,
  findBackup,
  KeptBackups,
  listBackups,
  listBackupsAt,
  openBackup,
  removeBackup,
  verifyBackup,
} from '@floecat/recovery';
import type { RecoveryContext } from '@floecat/recovery';
import { AwsClients, openS3ObjectFolder } from '@floecat/storage-aws';
import type { AwsSettings, S3ObjectFolder } from '@floecat/storage-aws';
import type { Storage } from '@floecat/storage-spi';
import { systemClock } from '@floecat/storage-spi';
import { seededRandom } from '@floecat/storage-testkit';

import { startAwsBackend } from '../../../repository/test/support/aws-backend.ts';
import { startEndpoint } from '../../../../storage/aws/test/s3/endpoint.ts';
import { Crash, CrashPoint } from './support/crash.ts';
import {
  allPointers,
  contentOf,
  importAll,
  manyPointers,
  readAll,
  removePointer,
  setPointer,
  value,
} from './support/store.ts';

const backend = await startAwsBackend();
const endpoint = 'skip' in backend ? backend : await startEndpoint();
after(async () => {
  if (!('skip' in endpoint)) await endpoint[Symbol.asyncDispose]();
  if (!('skip' in backend)) await backend[Symbol.asyncDispose]();
});
const skip = 'skip' in backend ? backend : 'skip' in endpoint ? endpoint : {};
const SMALL = { segmentLines: 30, pageSize: 40 };

/** Opens a folder of a bucket that is not the store's. */
async function makeBucket(): Promise<() => Promise<S3ObjectFolder>> {
  const aws: AwsSettings = {
    region: 'us-east-1',
    endpoints: { s3: 'skip' in endpoint ? '' : endpoint.endpoint },
    accessKeyId: 'local',
    secretAccessKey: 'local',
    pathStyleAccess: true,
  };
  const bucket = `backups-${randomBytes(6).toString('hex')}`;
  const clients = new AwsClients(aws);
  await clients.s3.createBucket({ Bucket: bucket });
  await clients.close();
  return async () => openS3ObjectFolder({ aws, bucket, keyPrefix: 'floecat/' });
}

void suite('backups of DynamoDB into S3', skip, () => {
  test('full, interrupted, since that one, verified, found, removed; over all shards in the order of the keys', async () => {
    assert.ok(!('skip' in backend));
    await using fixture = await backend.open();
    const openTarget = await makeBucket();
    await using target = await openTarget();
    const { storage, clock } = fixture;
    const context: RecoveryContext = { storage, clock, random: seededRandom(3) };
    await importAll(storage, manyPointers(80, context.random, clock.now()));
    for (const key of ['/a', '/b/c', '/\uffff', '/\u{10000}']) await setPointer(storage, key, value(key));
    const crash = new CrashPoint(6, 'after');
    await assert.rejects(createBackup(crash.context(context), crash.target(target), SMALL), Crash);
    const [row] = await listBackups(context);
    assert.equal(row?.state, 'writing');
    const base = await createBackup(context, target, { ...SMALL, resume: row.id });
    const before = await allPointers(storage);
    assert.deepEqual(await contentOf(target, base.id), before);

    clock.advance(1_000);
    await setPointer(storage, '/b/c', value('changed'));
    await removePointer(storage, before[20]?.key ?? '');
    const next = await createBackup(context, target, { ...SMALL, since: base.id });
    assert.deepEqual([next.lines, next.gone], [2, 1]);
    assert.deepEqual(await contentOf(target, next.id), await allPointers(storage));
    assert.equal((await verifyBackup(target, next.id)).pointers, 83);
    assert.deepEqual(
      (await listBackupsAt(target)).map(({ id }) => id),
      [base.id, next.id],
    );
    assert.equal((await findBackup(target, { storeId: storage.layout.storeId }))?.id, next.id);
    assert.deepEqual(await removeBackup(context, base.id, { openTarget, withDependents: true }), [
      next.id,
      base.id,
    ]);
    assert.deepEqual(await Array.fromAsync(target.list('')), []);
  });

  test('the collector keeps what the backup refers to, and takes it once that is removed', async () => {
    assert.ok(!('skip' in backend));
    await using fixture = await backend.open();
    const openTarget = await makeBucket();
    await using target = await openTarget();
    const { storage, clock } = fixture;
    const random = seededRandom(4);
    const context: RecoveryContext = { storage, clock, random };
    const { accounts, catalogs, namespaces } = openRepositories(
      repositoryContext(storage, 'acme', { clock, random }),
    );
    await accounts.ensure('acme');
    await catalogs.create('lake');
    await namespaces.create('lake', ['sales']);
    const { id } = await createBackup(context, target, SMALL);
    const held = await readAll(await openBackup(target, id));
    await namespaces.rename(await namespaces.require('lake', ['sales']), ['sold']);
    const roots = held.flatMap((pointer) => (pointer.kind === 'blob' ? [pointer.blobUri] : []));
    const missing = async (): Promise<number> =>
      (await storage.blobs.getBatch(roots)).filter((blob) => blob === undefined).length;
    // Time of the blobs passes as it does: without grace and retention, so that two passes delete.
    const eager: Storage = { ...storage, layout: { ...storage.layout, casGraceMs: 0, casRetentionMs: 0 } };
    await using backups = new KeptBackups({ storage, random, openTarget });
    const collect = async (): Promise<void> => {
      const settings = { ...DEFAULT_GC_SETTINGS, maxDeleteRatio: 1 };
      for (let i = 0; i < 2; i++) {
        const [run] = await collectOnce(eager, settings, {
          clock: systemClock,
          random,
          only: ['cas'],
          readBackup: backups.read,
        });
        assert.ok(run?.ran && run.report.outcome === 'done', JSON.stringify(run));
      }
    };
    await collect();
    assert.equal(await missing(), 0);
    await removeBackup(context, id, { openTarget });
    await collect();
    assert.equal(await missing(), 1);
  });
});
