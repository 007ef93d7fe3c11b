import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import type { AwsStorageConfig, PolicyDocument } from '@floecat/storage-aws';
import { AwsBootstrap, AwsClients, openAwsStorage, storagePolicies } from '@floecat/storage-aws';
import type { Storage } from '@floecat/storage-spi';

import type { UserKey } from './enforcing-endpoint.ts';
import { startEnforcingEndpoint } from './enforcing-endpoint.ts';

const server = await startEnforcingEndpoint();
after(async () => {
  if (!('skip' in server)) await server[Symbol.asyncDispose]();
});

// The table has no tags: this emulator does not know which table they are asked of. Nor does it fill in variables, on
// which the policy of the accounts' role depends, or know the leading keys of a request, to which the bootstrap is held.
const STORE = {
  pointers: { tableName: 'pointers' },
  blobs: { objects: { bucket: 'lake', keyPrefix: 'one/' }, bucket: { tags: { team: 'lake' } } },
  secrets: {},
};
const policies = storagePolicies(STORE, { region: 'us-east-1', accountId: '000000000000' });
const VALUE = { kind: 'value', value: 'x' } as const;
const SECRET = { account: 'a', type: 't', id: '1' };

/** This emulator does not know in how many days a secret is to be deleted. */
function withoutDays({ Statement, ...policy }: PolicyDocument): PolicyDocument {
  const days = Statement.find(({ Sid }) => Sid === 'DeleteSecrets');
  assert.deepEqual(days?.Condition, {
    NumericGreaterThanEquals: { 'secretsmanager:RecoveryWindowInDays': '30' },
  });
  return {
    ...policy,
    Statement: Statement.map((each) => (each === days ? { ...each, Condition: {} } : each)),
  };
}

/** The error of what S3 denies. */
function denied(action: string): { readonly code: string; readonly message: RegExp } {
  return { code: 'STORAGE_ACCESS_DENIED', message: new RegExp(`s3:${action} on bucket lake was denied`) };
}

suite('the policies, enforced by an endpoint', { skip: 'skip' in server ? server.skip : false }, () => {
  const endpoint = 'skip' in server ? '' : server.endpoint;
  let made = 0;

  function clientsOf(key: UserKey): AwsClients {
    return new AwsClients({
      region: 'us-east-1',
      endpoints: { dynamodb: endpoint, s3: endpoint, secretsManager: endpoint, sts: endpoint },
      pathStyleAccess: true,
      ...key,
    });
  }

  /** Clients of somebody that may do what the policy says. */
  async function somebody(policy: PolicyDocument): Promise<AwsClients> {
    assert.ok(!('skip' in server));
    const name = `user-${++made}`;
    const { [name]: key } = await server.users({ [name]: policy });
    assert.ok(key);
    return clientsOf(key);
  }

  async function opened(policy: PolicyDocument): Promise<Storage> {
    return openAwsStorage({ ...STORE, aws: await somebody(policy) });
  }

  test('the bootstrap makes table, bucket and store, and finds them as they should be', async () => {
    await using aws = await somebody(policies.bootstrap);
    const config: AwsStorageConfig = { ...STORE, aws, blobs: { ...STORE.blobs, autoCreate: true } };
    const bootstrap = new AwsBootstrap(config);
    assert.deepEqual(await bootstrap.apply(await bootstrap.plan()), []);
    assert.deepEqual(await bootstrap.plan(), []);
    await using storage = await openAwsStorage(config);
    await assert.rejects(storage.blobs.put('/accounts/a/b', Buffer.from('x')), denied('PutObject'));
    await assert.rejects(storage.blobs.get('/accounts/a/b'), denied('GetObject'));
    await assert.rejects(storage.secrets.get(SECRET), { code: 'STORAGE_ACCESS_DENIED' });
  });

  test('the service commits and reads and keeps secrets, and deletes no blob', async () => {
    await using storage = await opened(withoutDays(policies.runtime));
    const { pointers, blobs, secrets } = storage;
    const key = '/accounts/a/tables/by-id/1';
    assert.ok((await pointers.compareAndSet(key, 0, VALUE)).applied);
    assert.equal((await pointers.listPointersByPrefix('/accounts/')).pointers.length, 1);
    assert.ok((await pointers.compareAndDelete(key, 1)).applied);
    const { versionId } = await blobs.put('/accounts/a/b', Buffer.from('x'), { tags: { a: 'b' } });
    assert.equal(Buffer.from((await blobs.get('/accounts/a/b')).bytes).toString(), 'x');
    await blobs.markLost('/accounts/a/b', versionId);
    assert.equal((await blobs.list('/accounts/')).blobs.length, 1);
    await assert.rejects(blobs.get('/accounts/a/absent'), { code: 'STORAGE_NOT_FOUND' });
    await secrets.put(SECRET, Buffer.from('s'));
    await secrets.delete(SECRET);
    await secrets.put(SECRET, Buffer.from('t'));
    assert.equal(Buffer.from((await secrets.get(SECRET)) ?? []).toString(), 't');
    assert.equal(await secrets.get({ ...SECRET, id: 'none' }), undefined);
    await assert.rejects(blobs.delete('/accounts/a/b'), denied('DeleteObject'));
    await assert.rejects(blobs.deleteVersion('/accounts/a/b', versionId), denied('DeleteObjectVersion'));
    await assert.rejects(blobs.listVersions('/accounts/'), denied('ListBucketVersions'));
  });

  test('the collectors delete exact versions, and put nothing', async () => {
    await using storage = await opened(policies.collector);
    const { pointers, blobs, secrets } = storage;
    const { versions } = await blobs.listVersions('/accounts/');
    assert.equal(versions.length, 1);
    const [{ uri, versionId } = { uri: '', versionId: '' }] = versions;
    assert.ok(await blobs.supportsVersionedDeletes());
    await assert.rejects(blobs.put('/accounts/a/c', Buffer.from('x')), denied('PutObject'));
    await blobs.deleteVersion(uri, versionId);
    await assert.rejects(blobs.get(uri), { code: 'STORAGE_NOT_FOUND' });
    const lease = await pointers.compareAndSet('/leases/gc', 0, VALUE);
    assert.ok(lease.applied);
    assert.ok((await pointers.compareAndDelete('/leases/gc', 1)).applied);
    await assert.rejects(secrets.get(SECRET), { code: 'STORAGE_ACCESS_DENIED' });
  });

  test('recovery brings pointers and blobs back, and may clear what was there', async () => {
    await using storage = await opened(policies.recovery);
    const { pointers, blobs, secrets } = storage;
    const first = await pointers.compareAndSet('/accounts/r/tables/by-id/1', 0, VALUE);
    assert.ok(first.applied);
    const imported = await pointers.importPointers(
      [{ ...first.pointer, key: '/accounts/r/tables/by-id/2' }],
      'if-absent',
    );
    assert.equal(imported.imported, 1);
    const { deleted } = await pointers.deleteByPrefix('/accounts/r/tables/by-id/', { unconditional: true });
    assert.equal(deleted, 2);
    await blobs.put('/accounts/r/b', Buffer.from('x'));
    assert.deepEqual(await blobs.deletePrefix('/accounts/r/'), { deleted: 1, failed: [] });
    await assert.rejects(secrets.get(SECRET), { code: 'STORAGE_ACCESS_DENIED' });
  });

  test('without one of its statements a process is told which action it lacks', async () => {
    for (const [sid, action] of [
      ['LookAtBucket', 's3:GetBucketLocation'],
      ['Pointers', 'dynamodb:DescribeTable'],
      ['Blobs', 's3:GetObject'],
    ] as const) {
      const Statement = policies.runtime.Statement.filter(({ Sid }) => Sid !== sid);
      await assert.rejects(opened({ ...policies.runtime, Statement }), {
        code: 'STORAGE_ACCESS_DENIED',
        message: new RegExp(action),
      });
    }
  });
});
