import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import type { LifecycleRule } from '@aws-sdk/client-s3';

import {
  actionsOf,
  bucketBench,
  EVERYTHING,
  OWN_RULES,
  putRules,
  refusedAs,
  rulesOf,
  usedBucket,
} from './bucket-fixture.ts';
import { startEndpoint } from './endpoint.ts';
import { s3Error } from './faults.ts';

const server = await startEndpoint();
const endpoint = 'skip' in server ? '' : server.endpoint;
const OPTIONS = 'skip' in server ? { skip: server.skip } : {};
after(async () => {
  if (!('skip' in server)) await server[Symbol.asyncDispose]();
});

suite('a bucket that is there', OPTIONS, () => {
  test('each difference is found; what changes nothing for data is done, the rest is left to an operator', async () => {
    await using bench = bucketBench(endpoint);
    const { bucket: Bucket, s3 } = bench;
    await s3.createBucket({ Bucket });
    await s3.putObject({ Bucket, Key: 'somebodys', Body: 'x' });
    await s3.putBucketTagging({
      Bucket,
      Tagging: {
        TagSet: [
          { Key: 'team', Value: 'sea' },
          { Key: 'kept', Value: 'as it is' },
        ],
      },
    });
    const encryption = { algorithm: 'aws:kms', keyId: 'alias/lake' } as const;
    const bootstrap = bench.bootstrap({ encryption, tags: { team: 'lake', env: 'prod' } });
    const plan = await bootstrap.plan();
    assert.deepEqual(actionsOf(plan), [
      'enable-versioning by hand',
      'encrypt by hand',
      'block-public-access by hand',
      'expire-versions by hand',
      'abort-uploads',
      'add-tags',
      'change-tags by hand',
    ]);
    assert.match(plan[0]?.description ?? '', /is off, would be switched on/);
    assert.match(plan[1]?.description ?? '', /AES256, would get aws:kms with key alias\/lake/);
    assert.match(plan[3]?.description ?? '', /never removed, would be removed after 30 days/);
    assert.match(plan[6]?.description ?? '', /team is "sea", would be "lake"/);
    assert.deepEqual(await bootstrap.ensure(), plan, 'a start leaves all of it alone');
    assert.deepEqual(await bootstrap.plan(), plan);
    const left = await bootstrap.apply(plan);
    assert.deepEqual(
      left,
      plan.filter(({ safe }) => !safe),
    );
    assert.deepEqual(await bootstrap.plan(), left);
    const { TagSet } = await s3.getBucketTagging({ Bucket });
    assert.deepEqual(Object.fromEntries((TagSet ?? []).map(({ Key, Value }) => [Key, Value])), {
      team: 'sea',
      kept: 'as it is',
      env: 'prod',
    });
    assert.equal((await s3.getBucketVersioning({ Bucket })).Status, undefined);
    await assert.rejects(bootstrap.verify(), refusedAs(/no versioning/));
  });

  test('encryption and public access that were changed are found', async () => {
    await using bench = bucketBench(endpoint);
    const { bucket: Bucket, s3 } = bench;
    await usedBucket(bench);
    assert.deepEqual(await bench.bootstrap().plan(), []);
    const arn = 'arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    await s3.putBucketEncryption({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: arn },
            BucketKeyEnabled: true,
          },
        ],
      },
    });
    const drift = async (keyId: string | undefined, bucketKey?: boolean): Promise<readonly string[]> => {
      const encryption = {
        algorithm: 'aws:kms',
        ...(keyId !== undefined && { keyId }),
        ...(bucketKey !== undefined && { bucketKey }),
      } as const;
      return actionsOf(await bench.bootstrap({ encryption }).plan());
    };
    for (const same of [arn, '1234abcd-12ab-34cd-56ef-1234567890ab', 'alias/lake', undefined])
      assert.deepEqual(await drift(same), [], same);
    for (const other of ['ffffabcd-12ab-34cd-56ef-1234567890ab', arn.replace('us-east-1', 'us-east-2')])
      assert.deepEqual(await drift(other), ['encrypt by hand'], other);
    assert.deepEqual(await drift(arn, true), []);
    assert.deepEqual(await drift(arn, false), ['encrypt by hand']);
    assert.deepEqual(actionsOf(await bench.bootstrap().plan()), ['encrypt by hand']);
    await s3.putPublicAccessBlock({
      Bucket,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        IgnorePublicAcls: true,
        BlockPublicPolicy: false,
        RestrictPublicBuckets: true,
      },
    });
    const [, open] = await bench.bootstrap().plan();
    assert.deepEqual([open?.action, open?.safe], ['block-public-access', false]);
    assert.match(open?.description ?? '', /^BlockPublicPolicy off/);
    assert.deepEqual(actionsOf(await bench.bootstrap({ blockPublicAccess: false }).plan()), [
      'encrypt by hand',
    ]);
  });

  test('lifecycle rules of others are kept, and ours put beside them', async () => {
    await using bench = bucketBench(endpoint);
    await bench.s3.createBucket({ Bucket: bench.bucket });
    const others: LifecycleRule[] = [
      {
        ID: 'cold',
        Status: 'Enabled',
        Filter: { Prefix: 'logs/' },
        Transitions: [{ Days: 30, StorageClass: 'STANDARD_IA' }],
      },
      {
        ID: 'tagged',
        Status: 'Disabled',
        Filter: { And: { Prefix: 'x/', Tags: [{ Key: 'a', Value: 'b' }], ObjectSizeGreaterThan: 0 } },
        Expiration: { Days: 3 },
      },
      {
        ID: 'markers',
        Status: 'Enabled',
        Filter: { Prefix: '' },
        Expiration: { ExpiredObjectDeleteMarker: true },
      },
    ];
    await putRules(bench, ...others);
    assert.deepEqual(await bench.bootstrap().ensure(), []);
    assert.deepEqual(await rulesOf(bench), [...others, ...OWN_RULES]);
    const minimum = bench.handler.takeRequests();
    assert.ok(minimum.some((request) => request.startsWith('PUT ') && request.includes('lifecycle')));
  });

  test('what S3 keeps beside the rules is put back with them', async () => {
    await using bench = bucketBench(endpoint);
    await bench.s3.createBucket({ Bucket: bench.bucket });
    const sent: unknown[] = [];
    const lifecycle = (method: string) => (request: string, headers: Readonly<Record<string, string>>) => {
      if (!request.startsWith(`${method} `) || !request.includes('lifecycle')) return false;
      if (method === 'PUT') sent.push(headers['x-amz-transition-default-minimum-object-size']);
      return method === 'GET';
    };
    bench.handler.inject(
      {
        name: 'another minimum',
        times: 1_000,
        on: lifecycle('GET'),
        after: (response) => {
          response.headers['x-amz-transition-default-minimum-object-size'] = 'varies_by_storage_class';
          return response;
        },
      },
      { name: 'seen', on: lifecycle('PUT') },
    );
    await putRules(bench, OWN_RULES[0]!);
    assert.deepEqual(actionsOf(await bench.bootstrap().plan()).includes('abort-uploads'), true);
    await bench.bootstrap().ensure();
    assert.ok(bench.handler.fired('another minimum') > 0);
    assert.deepEqual(sent, ['varies_by_storage_class']);
  });

  test('two stores below key prefixes of their own have rules of their own', async () => {
    await using bench = bucketBench(endpoint);
    await bench.bootstrap({}, { keyPrefix: 'one/' }).ensure();
    await bench.s3.putObject({ Bucket: bench.bucket, Key: 'one/x', Body: 'x' });
    const second = bench.bootstrap({ noncurrentDays: 60 }, { keyPrefix: 'two/' });
    assert.deepEqual(actionsOf(await second.plan()), ['expire-versions', 'abort-uploads']);
    assert.deepEqual(await second.ensure(), []);
    const rules = await rulesOf(bench);
    assert.equal(new Set(rules.map(({ ID }) => ID)).size, 4);
    assert.deepEqual(
      rules.map(({ Filter }) => Filter?.Prefix),
      ['one/', 'one/', 'two/', 'two/'],
    );
    assert.deepEqual(await bench.bootstrap({}, { keyPrefix: 'one/' }).plan(), []);
    assert.deepEqual(await second.plan(), []);
  });

  test('later removal is put, sooner removal is left to an operator', async () => {
    await using bench = bucketBench(endpoint);
    await usedBucket(bench);
    const later = bench.bootstrap({ noncurrentDays: 60, unfinishedUploadDays: 9 });
    assert.deepEqual(actionsOf(await later.plan()), ['expire-versions', 'abort-uploads']);
    assert.deepEqual(await later.apply(await later.plan()), []);
    assert.deepEqual(await later.plan(), []);
    const [version, upload] = await rulesOf(bench);
    assert.equal(version?.NoncurrentVersionExpiration?.NoncurrentDays, 60);
    assert.equal(upload?.AbortIncompleteMultipartUpload?.DaysAfterInitiation, 9);
    const sooner = bench.bootstrap({ noncurrentDays: 10 });
    assert.deepEqual(actionsOf(await sooner.plan()), ['expire-versions by hand', 'abort-uploads']);
    await putRules(bench, { ...OWN_RULES[0]!, Status: 'Disabled' }, OWN_RULES[1]!);
    const [off] = await bench.bootstrap().plan();
    assert.deepEqual([off?.action, off?.safe], ['expire-versions', false]);
  });

  test("others' rules that do the same will do, and others' that remove sooner are told", async () => {
    await using bench = bucketBench(endpoint);
    await usedBucket(bench);
    const named = OWN_RULES.map((rule) => ({ ...rule, ID: `mine-${rule.ID}` }));
    await putRules(bench, ...named);
    assert.deepEqual(await bench.bootstrap().plan(), []);
    await putRules(bench, ...OWN_RULES, {
      ID: 'hasty',
      Status: 'Enabled',
      Filter: { Tag: { Key: 'a', Value: 'b' } },
      NoncurrentVersionExpiration: { NoncurrentDays: 3 },
    });
    const [told, ...more] = await bench.bootstrap().plan();
    assert.deepEqual(more, []);
    assert.deepEqual([told?.action, told?.safe], ['expire-versions', false]);
    assert.match(told?.description ?? '', /"hasty" removes .* after 3 days, configured is 30/);
    // One that keeps some versions does not do what ours does.
    await putRules(bench, named[1]!, {
      ...named[0]!,
      NoncurrentVersionExpiration: { NoncurrentDays: 30, NewerNoncurrentVersions: 5 },
    });
    assert.deepEqual(actionsOf(await bench.bootstrap().plan()), ['expire-versions by hand']);
  });

  test('a setting that the endpoint does not have is not asked of it', async () => {
    await using bench = bucketBench(endpoint);
    await bench.s3.createBucket({ Bucket: bench.bucket });
    const settings = ['versioning', 'encryption', 'publicAccessBlock', 'lifecycle', 'tagging'];
    for (const [status, code] of [
      [501, 'NotImplemented'],
      [405, 'MethodNotAllowed'],
    ] as const) {
      bench.handler.inject(
        ...settings.map((setting) => ({
          name: `${setting} ${code}`,
          times: 1_000,
          on: (request: string) => request.includes(`?${setting}`) || request.includes(`&${setting}`),
          before: () => s3Error(status, code),
        })),
      );
      const bootstrap = bench.bootstrap({ tags: { team: 'lake' } });
      assert.deepEqual(await bootstrap.plan(), []);
      assert.deepEqual(await bootstrap.ensure(), []);
      await bootstrap.verify();
      for (const setting of settings) assert.ok(bench.handler.fired(`${setting} ${code}`) > 0, setting);
      bench.handler.inject();
    }
    const all = actionsOf(await bench.bootstrap().plan());
    assert.deepEqual(all, EVERYTHING.slice(1));
  });
});
