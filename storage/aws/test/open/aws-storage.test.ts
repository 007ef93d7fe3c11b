import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, suite, test } from 'node:test';

import { AwsBootstrap, AwsClients, openAwsStorage } from '@floecat/storage-aws';
import type { AwsStorageConfig } from '@floecat/storage-aws';
import { StorageMisconfiguredError } from '@floecat/storage-spi';

import { startEndpoint } from '../s3/endpoint.ts';

const server = await startEndpoint();
const skip = 'skip' in server ? server : undefined;
const endpoint = 'skip' in server ? '' : server.endpoint;
const clients = new AwsClients({
  region: 'us-east-1',
  endpoints: { dynamodb: endpoint, s3: endpoint, secretsManager: endpoint, sts: endpoint },
  accessKeyId: 'test',
  secretAccessKey: 'test',
  pathStyleAccess: true,
});
after(async () => {
  await clients.close();
  if (!('skip' in server)) await server[Symbol.asyncDispose]();
});

const VALUE = { kind: 'value', value: 'x' } as const;

/** Names that no other test has. */
function place(): { table: string; bucket: string } {
  const name = randomBytes(6).toString('hex');
  return { table: `pointers-${name}`, bucket: `lake-${name}` };
}

function config(
  { table, bucket }: { table: string; bucket: string },
  create = true,
  keyPrefix = '',
): AwsStorageConfig {
  return {
    aws: clients,
    pointers: { tableName: table, autoCreate: create },
    blobs: { objects: { bucket, keyPrefix }, autoCreate: create },
  };
}

async function refusal(work: Promise<unknown>): Promise<string> {
  let said = '';
  await assert.rejects(work, (error: Error) => {
    said = error.message;
    return error instanceof StorageMisconfiguredError;
  });
  return said;
}

function blobUri(): string {
  return `/accounts/a/tables/t/${randomBytes(4).toString('hex')}.txt`;
}

void suite('a table and a bucket are one store', skip ?? {}, () => {
  void test('made at the first start, found at the next, with what was written', async () => {
    const where = place();
    const uri = blobUri();
    let storeId: string;
    {
      await using first = await openAwsStorage(config(where));
      storeId = first.layout.storeId;
      assert.equal(first.layout.epoch, 1);
      assert.equal(first.layout.shards, 64);
      await first.blobs.put(uri, Buffer.from('x'));
      assert.ok((await first.pointers.compareAndSet('/a/b', 0, VALUE)).applied);
      await first.secrets.put({ account: where.table, type: 't', id: '1' }, Buffer.from('s'));
    }
    await using again = await openAwsStorage(config(where, false));
    assert.equal(again.layout.storeId, storeId);
    assert.equal((await again.pointers.get('/a/b'))?.version, 1);
    assert.equal(Buffer.from((await again.blobs.get(uri)).bytes).toString(), 'x');
    const secret = await again.secrets.get({ account: where.table, type: 't', id: '1' });
    assert.equal(Buffer.from(secret ?? []).toString(), 's');
    assert.deepEqual(again.drift, []);
  });

  void test('eight starts at once make one store', async () => {
    const where = place();
    const opened = await Promise.all(Array.from({ length: 8 }, () => openAwsStorage(config(where))));
    const ids = new Set(opened.map(({ layout }) => `${layout.storeId} ${layout.tableId}`));
    assert.equal(ids.size, 1);
    for (const each of opened) await each.close();
  });

  void test('a start that was cut short after the marker is finished with its identity', async () => {
    const where = place();
    {
      await using first = await openAwsStorage(config(where));
      void first;
    }
    const { Body } = await clients.s3.getObject({ Bucket: where.bucket, Key: '.floecat/store.json' });
    const marker = JSON.parse(await Body!.transformToString()) as { storeId: string; tableId: string };
    await deleteTable(where.table);
    await using again = await openAwsStorage(config(where));
    assert.equal(again.layout.storeId, marker.storeId);
    assert.equal(again.layout.tableId, marker.tableId);
    assert.equal(again.layout.epoch, 1);
  });

  void test('without leave to make them, each that is missing is named, with what to do', async () => {
    const where = place();
    assert.match(await refusal(openAwsStorage(config(where, false))), /bucket .*lake-/);
    await versionedBucket(where.bucket);
    const said = await refusal(openAwsStorage(config(where, false)));
    assert.match(said, /pointers-\w+ does not exist .*floecat bootstrap.*floecat\.kv\.auto-create=true/);
  });

  void test('a lost table under a bucket with blobs is not made anew: the message names restore', async () => {
    const where = place();
    {
      await using first = await openAwsStorage(config(where));
      await first.blobs.put(blobUri(), Buffer.from('x'));
    }
    await deleteTable(where.table);
    for (const create of [true, false]) {
      const said = await refusal(openAwsStorage(config(where, create)));
      assert.match(said, /floecat restore .*floecat rebuild .*floecat bootstrap --adopt/);
    }
    await assert.rejects(
      clients.dynamodb.describeTable({ TableName: where.table }),
      /not found|non-existent/i,
    );
  });

  void test('blobs that were deleted since still count as blobs', async () => {
    const where = place();
    const uri = blobUri();
    {
      await using first = await openAwsStorage(config(where));
      await first.blobs.put(uri, Buffer.from('x'));
      await first.blobs.delete(uri);
    }
    await deleteTable(where.table);
    assert.match(await refusal(openAwsStorage(config(where))), /floecat restore/);
  });

  void test('adopt joins a new table to the bucket, raises the epoch, and shuts out the old table', async () => {
    const where = place();
    const uri = blobUri();
    await using old = await openAwsStorage(config(where));
    await old.blobs.put(uri, Buffer.from('x'));
    const moved = { ...where, table: `${where.table}-new` };
    const joined = await new AwsBootstrap(config(moved)).adopt();
    assert.equal(joined?.epoch, 2);
    assert.equal(joined.storeId, old.layout.storeId);
    assert.notEqual(joined.tableId, old.layout.tableId);
    await using now = await openAwsStorage(config(moved, false));
    assert.deepEqual(now.layout, joined);
    // The process that still has the old table may read, but not delete what the new one may refer to.
    assert.match(await refusal(old.blobs.deletePrefix('/accounts/a/')), /epoch 2.*epoch 1/);
    assert.match(await refusal(openAwsStorage(config(where, false))), /epoch 2.*epoch 1/);
    assert.equal((await now.blobs.list('')).blobs.length, 1);
    assert.equal(await new AwsBootstrap(config(moved)).adopt(), undefined);
  });

  void test('adopt that was cut short between table and bucket is finished by another', async () => {
    const where = place();
    {
      await using first = await openAwsStorage(config(where));
      await first.blobs.put(blobUri(), Buffer.from('x'));
    }
    const marker = await clients.s3.getObject({ Bucket: where.bucket, Key: '.floecat/store.json' });
    const before = await marker.Body!.transformToString();
    await deleteTable(where.table);
    const first = await new AwsBootstrap(config(where)).adopt();
    await clients.s3.putObject({ Bucket: where.bucket, Key: '.floecat/store.json', Body: before });
    assert.match(await refusal(openAwsStorage(config(where, false))), /names store .* epoch 1/);
    const second = await new AwsBootstrap(config(where)).adopt();
    assert.equal(second?.epoch, (first?.epoch ?? 0) + 1);
    assert.equal(second?.tableId, first?.tableId);
    await using again = await openAwsStorage(config(where, false));
    assert.equal(again.layout.epoch, second?.epoch);
  });

  void test('a table and a bucket of different stores are refused, and not joined', async () => {
    const [one, other] = [place(), place()];
    for (const where of [one, other]) {
      await using made = await openAwsStorage(config(where));
      await made.blobs.put(blobUri(), Buffer.from('x'));
    }
    const mixed = config({ table: one.table, bucket: other.bucket }, true);
    assert.match(await refusal(openAwsStorage(mixed)), /check bucket, key prefix and table/);
    assert.match(await refusal(new AwsBootstrap(mixed).adopt()), /do not belong together/);
    assert.match(await refusal(new AwsBootstrap(mixed).plan()), /check bucket, key prefix and table/);
  });

  void test('a table of a store with an empty bucket is refused, also by adopt', async () => {
    const [one, other] = [place(), place()];
    {
      await using made = await openAwsStorage(config(one));
      void made;
    }
    const mixed = config({ table: one.table, bucket: other.bucket }, true);
    assert.match(await refusal(openAwsStorage(mixed)), /does not exist, so this bucket belongs to no store/);
    assert.match(await refusal(new AwsBootstrap(mixed).adopt()), /would lead nowhere/);
  });

  void test('a bucket with objects of something else is refused; another key prefix of it is not', async () => {
    const where = place();
    await versionedBucket(where.bucket);
    await clients.s3.putObject({ Bucket: where.bucket, Key: 'photos/cat.jpg', Body: 'meow' });
    assert.match(
      await refusal(openAwsStorage(config(where))),
      /not of a store.*another floecat\.blob\.s3\.key-prefix/,
    );
    await using apart = await openAwsStorage(config(where, true, 'catalog/'));
    assert.deepEqual((await apart.blobs.list('')).blobs, []);
  });

  void test('a table with rows of something else is refused before the bucket is marked', async () => {
    const where = place();
    {
      await using made = await openAwsStorage(config({ ...where, bucket: `${where.bucket}-a` }));
      assert.ok((await made.pointers.compareAndSet('/a/b', 0, VALUE)).applied);
    }
    await clients.dynamodb.deleteItem({
      TableName: where.table,
      Key: { shard: { S: '_sys' }, key: { S: 'layout' } },
    });
    assert.match(await refusal(openAwsStorage(config(where))), /rows but no layout row/);
    assert.deepEqual((await clients.s3.listObjectsV2({ Bucket: where.bucket })).Contents ?? [], []);
  });

  void test('two stores share a bucket under different key prefixes', async () => {
    const [one, other] = [place(), place()];
    await using a = await openAwsStorage(config(one, true, 'a/'));
    await using b = await openAwsStorage(config({ ...other, bucket: one.bucket }, true, 'b/'));
    const uri = blobUri();
    await a.blobs.put(uri, Buffer.from('of a'));
    await assert.rejects(b.blobs.get(uri), { code: 'STORAGE_NOT_FOUND' });
    assert.notEqual(a.layout.storeId, b.layout.storeId);
  });
});

void suite('bootstrap', skip ?? {}, () => {
  void test('plans everything where there is nothing, changes nothing, then makes it', async () => {
    const where = place();
    const bootstrap = new AwsBootstrap(config(where));
    const steps = await bootstrap.plan();
    const actions = steps.map(({ target, action }) => `${target} ${action}`);
    assert.equal(actions[0], 'bucket create-bucket');
    assert.ok(actions.includes('table create-table'));
    assert.equal(actions.at(-1), 'store create-store');
    await assert.rejects(clients.s3.headBucket({ Bucket: where.bucket }));
    await assert.rejects(clients.dynamodb.describeTable({ TableName: where.table }));
    assert.deepEqual(await bootstrap.apply(steps), []);
    assert.deepEqual(await bootstrap.plan(), []);
    await using storage = await openAwsStorage(config(where, false));
    assert.equal(storage.layout.epoch, 1);
  });

  void test('leaves the bucket to the operator unless it may make it', async () => {
    const where = place();
    const bootstrap = new AwsBootstrap(config(where, false));
    const steps = await bootstrap.plan();
    const left = await bootstrap.apply(steps);
    assert.ok(left.some(({ description }) => description.includes('floecat.blob.s3.auto-create=true')));
    await assert.rejects(clients.s3.headBucket({ Bucket: where.bucket }));
  });
});

async function versionedBucket(Bucket: string): Promise<void> {
  await clients.s3.createBucket({ Bucket });
  await clients.s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Enabled' } });
}

async function deleteTable(table: string): Promise<void> {
  await clients.dynamodb.updateTable({ TableName: table, DeletionProtectionEnabled: false });
  await clients.dynamodb.deleteTable({ TableName: table });
}
