import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, suite, test } from 'node:test';

import type { StoreDescription } from '@floecat/storage-aws';
import { storagePolicies, storageTerraform } from '@floecat/storage-aws';

import { startEndpoint } from '../s3/endpoint.ts';
import { bootstrapped, bucketOf, tableOf } from './made-by-bootstrap.ts';
import { parseTerraform } from './parse-terraform.ts';

const server = await startEndpoint();
const endpoint = 'skip' in server ? '' : server.endpoint;
after(async () => {
  if (!('skip' in server)) await server[Symbol.asyncDispose]();
});

const REGION = 'eu-west-1';
const PLACE = { region: REGION, accountId: '123456789012' };
const KEY_ARN = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

function named(store: Omit<StoreDescription, 'pointers' | 'blobs'> & Parts = {}): StoreDescription {
  const name = randomBytes(6).toString('hex');
  return {
    pointers: { tableName: `pointers-${name}`, ...store.pointers },
    blobs: { ...store.blobs, objects: { bucket: `lake-${name}`, ...store.blobs?.objects } },
    ...(store.secrets && { secrets: store.secrets }),
  };
}

interface Parts {
  readonly pointers?: Partial<StoreDescription['pointers']>;
  readonly blobs?: Partial<StoreDescription['blobs']>;
}

const STORES: Readonly<Record<string, () => StoreDescription>> = {
  'with the production defaults': () => named(),
  'with everything set': () =>
    named({
      pointers: {
        table: {
          throughput: { mode: 'on-demand', maxReadUnits: 100 },
          recoveryDays: 7,
          kmsKeyId: KEY_ARN,
          tableClass: 'STANDARD_INFREQUENT_ACCESS',
          tags: { team: 'lake', 'aws region': 'a+b=c' },
        },
      },
      blobs: {
        objects: { bucket: `lake-${randomBytes(6).toString('hex')}`, keyPrefix: 'one/two/' },
        bucket: {
          encryption: { algorithm: 'aws:kms', keyId: KEY_ARN, bucketKey: true },
          noncurrentDays: 90,
          unfinishedUploadDays: 2,
          tags: { team: 'lake' },
        },
      },
      secrets: {
        role: { roleArn: 'arn:aws:iam::123456789012:role/lake/floecat-secrets', externalId: 'x1' },
        kmsKeyId: KEY_ARN,
      },
    }),
  'provisioned, and with nothing that can be left out': () =>
    named({
      pointers: {
        table: {
          throughput: { mode: 'provisioned', readUnits: 5, writeUnits: 6 },
          ttlEnabled: false,
          pointInTimeRecovery: false,
          deletionProtection: false,
          kmsKeyId: 'alias/lake',
        },
      },
      blobs: { bucket: { blockPublicAccess: false } },
      secrets: {},
    }),
};

suite('Terraform', { skip: 'skip' in server ? server.skip : false }, () => {
  for (const [what, make] of Object.entries(STORES))
    test(`makes what the bootstrap makes, field by field: ${what}`, async () => {
      const store = make();
      const text = storageTerraform(store, PLACE);
      const parsed = await parseTerraform(text);
      const made = await bootstrapped(store, endpoint, REGION);
      assert.deepEqual(parsed.provider['aws'], [{ region: REGION }]);
      const { aws_dynamodb_table: table, ...rest } = parsed.resources;
      assert.deepEqual(table, { pointers: tableOf(made) });

      const buckets = Object.entries(rest).filter(([type]) => type.startsWith('aws_s3_'));
      const expected = Object.entries(bucketOf(made, store.blobs));
      assert.deepEqual(
        Object.fromEntries(buckets),
        Object.fromEntries(expected.map(([type, body]) => [type, { blobs: body }])),
      );

      const { secretsRole, ...ofProcesses } = storagePolicies(store, PLACE);
      const { aws_iam_policy: policies = {}, aws_iam_role: roles, aws_iam_role_policy: inline } = rest;
      assert.deepEqual(Object.keys(policies).toSorted(), Object.keys(ofProcesses).toSorted());
      for (const [label, document] of Object.entries(ofProcesses)) {
        assert.deepEqual(JSON.parse(String(policies[label]?.['policy'])), document);
        assert.equal(policies[label]?.['name'], `${store.pointers.tableName}-${label}`);
      }
      assert.equal(roles === undefined, secretsRole === undefined);
      if (secretsRole) {
        assert.deepEqual(JSON.parse(String(inline?.['secrets']?.['policy'])), secretsRole.policy);
        assert.deepEqual(JSON.parse(String(roles?.['secrets']?.['assume_role_policy'])), secretsRole.trust);
        assert.deepEqual(
          [
            roles?.['secrets']?.['path'],
            roles?.['secrets']?.['name'],
            roles?.['secrets']?.['max_session_duration'],
          ],
          ['/lake/', 'floecat-secrets', 3_600],
        );
      }
      const others = Object.keys(rest).filter(
        (type) => !type.startsWith('aws_s3_') && !type.startsWith('aws_iam_'),
      );
      assert.deepEqual(others, [], 'and nothing else');
    });

  test('a key that has no ARN is looked up', async () => {
    const store = named({ pointers: { table: { kmsKeyId: 'alias/lake' } } });
    const { data } = await parseTerraform(storageTerraform(store, PLACE));
    assert.deepEqual(data, { aws_kms_key: { pointers: { key_id: 'alias/lake' } } });
    const byArn = named({ pointers: { table: { kmsKeyId: KEY_ARN } } });
    assert.deepEqual((await parseTerraform(storageTerraform(byArn, PLACE))).data, {});
  });

  test('text that means something to Terraform means itself', async () => {
    const odd = { team: 'la"ke ${x} \\ %{y} \u0008\n', '${a}': '$$' };
    const store = named({
      pointers: { table: { tags: odd } },
      blobs: { objects: { bucket: 'lake', keyPrefix: 'a*b?c$/' } },
    });
    const { resources } = await parseTerraform(storageTerraform(store, PLACE));
    assert.deepEqual(resources['aws_dynamodb_table']?.['pointers']?.['tags'], odd);
    const policy = String(resources['aws_iam_policy']?.['runtime']?.['policy']);
    assert.deepEqual(JSON.parse(policy), storagePolicies(store, PLACE).runtime);
    assert.ok(policy.includes('a${*}b${?}c${$}/*'));
  });

  test('settings that AWS would refuse are refused', () => {
    assert.throws(() => storageTerraform(named({ blobs: { bucket: { noncurrentDays: 0 } } }), PLACE), {
      code: 'INVALID_ARGUMENT',
    });
  });
});
