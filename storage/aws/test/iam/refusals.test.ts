import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import type { PolicyDocument, StoragePolicies } from '@floecat/storage-aws';
import { storagePolicies } from '@floecat/storage-aws';

import type { Context } from './evaluate.ts';
import { allowing } from './evaluate.ts';

const PLACE = { region: 'eu-west-1', accountId: '123456789012' };
const ROLE_ARN = 'arn:aws:iam::123456789012:role/floecat-secrets';
const TABLE = 'arn:aws:dynamodb:eu-west-1:123456789012:table/pointers';
const BUCKET = 'arn:aws:s3:::lake';
const OBJECT = `${BUCKET}/one/accounts/a/tables/t/x.pb`;
const MARKER = `${BUCKET}/one/.floecat/store.json`;
const SECRET = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:accounts/a/t/i-a1B2c3';
const STORE = {
  pointers: { tableName: 'pointers' },
  blobs: { objects: { bucket: 'lake', keyPrefix: 'one/' } },
  secrets: { role: { roleArn: ROLE_ARN, externalId: 'x1' } },
};
const policies = storagePolicies(STORE, PLACE);

type Name = Exclude<keyof StoragePolicies, 'secretsRole'>;
const NAMES: readonly Name[] = ['runtime', 'collector', 'bootstrap', 'recovery'];

function allows(policy: PolicyDocument, action: string, resource: string, context: Context = {}): boolean {
  return allowing(policy, { action, resource, context }).length > 0;
}

function whoMay(action: string, resource: string, context: Context = {}): readonly Name[] {
  return NAMES.filter((name) => allows(policies[name], action, resource, context));
}

/** Of a request that gives a secret the tag of an account, and these beside. */
function tags(account: string, ...more: readonly string[]): Context {
  return { 'aws:RequestTag/AccountId': account, 'aws:TagKeys': ['AccountId', ...more] };
}

/** The policy of the service where one key encrypts everything. */
function withKey(key: string): PolicyDocument {
  const encryption = { algorithm: 'aws:kms', keyId: key } as const;
  const blobs = { objects: { ...STORE.blobs.objects, encryption }, bucket: { encryption } };
  const pointers = { tableName: 'pointers', table: { kmsKeyId: key } };
  return storagePolicies({ pointers, blobs, secrets: { kmsKeyId: key } }, PLACE).runtime;
}

suite('what each policy allows and what not', () => {
  test('nobody deletes table or bucket, changes who may reach them, or switches protection off by another way', () => {
    for (const action of ['DeleteTable', 'DeleteBackup', 'PutResourcePolicy', 'UntagResource', 'UpdateItem'])
      assert.deepEqual(whoMay(`dynamodb:${action}`, TABLE), [], action);
    for (const action of ['DeleteBucket', 'DeleteBucketPolicy', 'PutBucketPolicy', 'PutBucketAcl'])
      assert.deepEqual(whoMay(`s3:${action}`, BUCKET), [], action);
    for (const action of ['PutObjectAcl', 'BypassGovernanceRetention'])
      assert.deepEqual(whoMay(`s3:${action}`, OBJECT), [], action);
  });

  test('only collectors and recovery delete blobs, only the service and recovery put them', () => {
    for (const action of ['DeleteObject', 'DeleteObjectVersion'])
      assert.deepEqual(whoMay(`s3:${action}`, OBJECT), ['collector', 'recovery']);
    assert.deepEqual(whoMay('s3:PutObject', OBJECT), ['runtime', 'recovery']);
    assert.deepEqual(whoMay('s3:GetObject', OBJECT), ['runtime', 'collector', 'recovery']);
    assert.deepEqual(whoMay('s3:ListBucketVersions', BUCKET, { 's3:prefix': 'one/a' }), [
      'collector',
      'bootstrap',
      'recovery',
    ]);
    assert.deepEqual(whoMay('dynamodb:BatchWriteItem', TABLE), ['recovery']);
  });

  test('only the bootstrap changes table and bucket, and it reaches neither pointers nor blobs', () => {
    for (const action of ['CreateTable', 'UpdateTable', 'UpdateTimeToLive', 'UpdateContinuousBackups'])
      assert.deepEqual(whoMay(`dynamodb:${action}`, TABLE), ['bootstrap'], action);
    for (const action of ['CreateBucket', 'PutBucketVersioning', 'PutLifecycleConfiguration'])
      assert.deepEqual(whoMay(`s3:${action}`, BUCKET), ['bootstrap'], action);
    const { bootstrap } = policies;
    for (const action of ['dynamodb:GetItem', 'dynamodb:PutItem']) {
      assert.ok(allows(bootstrap, action, TABLE, { 'dynamodb:LeadingKeys': ['_sys'] }));
      assert.ok(!allows(bootstrap, action, TABLE, { 'dynamodb:LeadingKeys': ['0001'] }));
    }
    for (const action of ['s3:GetObject', 's3:PutObject']) {
      assert.ok(allows(bootstrap, action, MARKER));
      assert.ok(!allows(bootstrap, action, OBJECT));
    }
  });

  test('nothing reaches another table, bucket, prefix, region or account', () => {
    const others = [
      ['dynamodb:GetItem', TABLE + '2'],
      ['dynamodb:GetItem', TABLE.replace('eu-west-1', 'eu-west-2')],
      ['dynamodb:GetItem', TABLE.replace('123456789012', '210987654321')],
      ['dynamodb:Query', `${TABLE}/index/all`],
      ['s3:GetObject', `${BUCKET}/two/x.pb`],
      ['s3:GetObject', `${BUCKET}2/one/x.pb`],
      ['s3:GetBucketVersioning', `${BUCKET}2`],
      ['secretsmanager:GetSecretValue', SECRET],
      ['sts:AssumeRole', `${ROLE_ARN}2`],
    ] as const;
    for (const [action, resource] of others)
      assert.deepEqual(whoMay(action, resource, { 'dynamodb:LeadingKeys': ['_sys'] }), [], resource);
    assert.deepEqual(whoMay('s3:ListBucket', BUCKET, { 's3:prefix': 'one/accounts' }).length, 4);
    for (const prefix of ['', 'two/', 'on', undefined])
      assert.deepEqual(whoMay('s3:ListBucket', BUCKET, { 's3:prefix': prefix }), [], prefix);
  });

  test('a key prefix with what IAM gives a meaning to means itself', () => {
    const objects = { bucket: 'lake', keyPrefix: 'a*b?c$/' };
    const { runtime } = storagePolicies({ ...STORE, blobs: { objects } }, PLACE);
    assert.ok(allows(runtime, 's3:GetObject', `${BUCKET}/a*b?c$/x.pb`));
    assert.ok(!allows(runtime, 's3:GetObject', `${BUCKET}/aXXbYc$/x.pb`));
    assert.ok(allows(runtime, 's3:ListBucket', BUCKET, { 's3:prefix': 'a*b?c$/x' }));
    assert.ok(!allows(runtime, 's3:ListBucket', BUCKET, { 's3:prefix': 'aXXbYc$/x' }));
  });

  test('an account reaches its own secrets and none of another', () => {
    const { policy } = policies.secretsRole!;
    const session = { 'aws:PrincipalTag/AccountId': 'a' };
    const may = (action: string, context: Context): boolean =>
      allows(policy, `secretsmanager:${action}`, SECRET, { ...session, ...context });
    const days = { 'secretsmanager:RecoveryWindowInDays': '30' };
    const actions = ['GetSecretValue', 'PutSecretValue', 'DescribeSecret', 'RestoreSecret', 'DeleteSecret'];
    for (const action of actions) {
      assert.ok(may(action, { ...days, 'aws:ResourceTag/AccountId': 'a' }), action);
      assert.ok(!may(action, { ...days, 'aws:ResourceTag/AccountId': 'b' }), action);
      assert.ok(may(action, days), `${action} of a secret that does not exist is told so`);
      assert.ok(!allows(policy, `secretsmanager:${action}`, SECRET, { 'aws:ResourceTag/AccountId': 'a' }));
    }
    assert.ok(!may('DeleteSecret', { 'aws:ResourceTag/AccountId': 'a' }), 'not without a time to restore it');
    assert.ok(
      !may('DeleteSecret', {
        'aws:ResourceTag/AccountId': 'a',
        'secretsmanager:RecoveryWindowInDays': '7',
      }),
    );
    assert.ok(may('CreateSecret', tags('a')));
    assert.ok(!may('CreateSecret', tags('b')));
    assert.ok(!may('CreateSecret', {}), 'not without the tag');
    assert.ok(!may('CreateSecret', tags('a', 'other')));
    assert.ok(may('TagResource', { ...tags('a'), 'aws:ResourceTag/AccountId': 'a' }));
    assert.ok(!may('TagResource', { ...tags('a'), 'aws:ResourceTag/AccountId': 'b' }), 'no taking over');
    assert.ok(!may('TagResource', { ...tags('b'), 'aws:ResourceTag/AccountId': 'a' }), 'no giving away');
    assert.ok(!may('UntagResource', { 'aws:ResourceTag/AccountId': 'a' }));
    assert.ok(
      !allows(policy, 'secretsmanager:GetSecretValue', SECRET.replace('accounts/', 'others/'), session),
    );
  });

  test('the role is assumed for one account, with its tag, by who knows the external id', () => {
    const { trust } = policies.secretsRole!;
    const asked = {
      'aws:RequestTag/AccountId': 'a',
      'aws:TagKeys': ['AccountId'],
      'sts:ExternalId': 'x1',
      'sts:RoleSessionName': 'floecat-a-0123456789abcdef',
    };
    const may = (context: Context): boolean =>
      ['sts:AssumeRole', 'sts:TagSession'].every((action) => allows(trust, action, ROLE_ARN, context));
    assert.ok(may(asked));
    assert.ok(!may({ ...asked, 'sts:ExternalId': undefined }));
    assert.ok(!may({ ...asked, 'sts:ExternalId': 'x2' }));
    assert.ok(!may({ ...asked, 'aws:RequestTag/AccountId': undefined, 'aws:TagKeys': [] }));
    assert.ok(!may({ ...asked, 'aws:TagKeys': ['AccountId', 'Team'] }));
    assert.ok(!may({ ...asked, 'sts:RoleSessionName': 'somebody' }));
    assert.deepEqual(trust.Statement[0]?.Principal, { AWS: ['arn:aws:iam::123456789012:root'] });
    const trustedArns = ['arn:aws:iam::123456789012:role/floecat'];
    const narrowed = storagePolicies(STORE, { ...PLACE, trustedArns }).secretsRole?.trust;
    for (const { Principal } of narrowed?.Statement ?? []) assert.deepEqual(Principal, { AWS: trustedArns });
  });

  test('keys are used through their service, for what they encrypt, however they are named', () => {
    const id = '1234abcd-12ab-34cd-56ef-1234567890ab';
    const arn = `arn:aws:kms:eu-west-1:123456789012:key/${id}`;
    for (const key of [id, arn, 'alias/lake', 'arn:aws:kms:eu-west-1:123456789012:alias/lake']) {
      const policy = withKey(key);
      const s3 = {
        'kms:ViaService': 's3.eu-west-1.amazonaws.com',
        'kms:EncryptionContext:aws:s3:arn': OBJECT,
        'kms:ResourceAliases': ['alias/lake', 'alias/other'],
      };
      assert.equal(policy.Statement.filter(({ Sid }) => Sid.startsWith('BlobKey')).length, 1);
      assert.ok(allows(policy, 'kms:GenerateDataKey', arn, s3), key);
      assert.ok(allows(policy, 'kms:Decrypt', arn, { ...s3, 'kms:EncryptionContext:aws:s3:arn': BUCKET }));
      const other = { 'kms:EncryptionContext:aws:s3:arn': `${BUCKET}/two/x`, 'kms:ViaService': undefined };
      for (const [name, value] of Object.entries(other))
        assert.ok(!allows(policy, 'kms:Decrypt', arn, { ...s3, [name]: value }), name);
      const elsewhere = key.includes('alias') ? { ...s3, 'kms:ResourceAliases': ['alias/other'] } : s3;
      const otherKey = key.includes('alias') ? arn : arn.replace('1234abcd', 'ffffffff');
      assert.ok(!allows(policy, 'kms:Decrypt', otherKey, elsewhere), key);
      assert.ok(
        allows(policy, 'kms:Decrypt', arn, { ...s3, 'kms:ViaService': 'dynamodb.eu-west-1.amazonaws.com' }),
      );
      assert.ok(
        !allows(policy, 'kms:CreateGrant', arn, { 'kms:ViaService': 'dynamodb.eu-west-1.amazonaws.com' }),
      );
      assert.ok(
        allows(policy, 'kms:Decrypt', arn, {
          ...s3,
          'kms:ViaService': 'secretsmanager.eu-west-1.amazonaws.com',
          'kms:EncryptionContext:SecretARN': SECRET,
        }),
      );
    }
  });

  test('other partitions and places to be filled in are as given', () => {
    const china = storagePolicies(
      { ...STORE, pointers: { tableName: 'p', table: { kmsKeyId: 'k' } } },
      { partition: 'aws-cn', region: 'cn-north-1', accountId: '*' },
    );
    const text = JSON.stringify(china);
    assert.ok(!/arn:aws:(?!iam)/.test(text), text);
    assert.match(text, /arn:aws-cn:dynamodb:cn-north-1:\*:table\/p"/);
    assert.match(text, /dynamodb\.cn-north-1\.amazonaws\.com\.cn/);
  });

  test('each is small enough for a managed policy, and each statement has an id of its own', () => {
    const long = 'x'.repeat(255);
    const encryption = { algorithm: 'aws:kms', keyId: `alias/${long}` } as const;
    const table = { tags: { a: 'b' }, kmsKeyId: `alias/${long}` };
    const largest = storagePolicies(
      {
        pointers: { tableName: long, table },
        blobs: {
          objects: { bucket: 'b'.repeat(63), keyPrefix: `${long}/`, encryption },
          bucket: { tags: { a: 'b' } },
        },
        secrets: { kmsKeyId: `alias/${long}` },
      },
      PLACE,
    );
    for (const name of NAMES) {
      assert.ok(JSON.stringify(largest[name]).length <= 6_144, name);
      const ids = largest[name].Statement.map(({ Sid }) => Sid);
      assert.equal(new Set(ids).size, ids.length);
      for (const id of ids) assert.match(id, /^[A-Za-z0-9]+$/);
    }
  });
});
