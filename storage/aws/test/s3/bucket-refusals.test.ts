import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import type { LifecycleRule } from '@aws-sdk/client-s3';
import { StorageAccessDeniedError } from '@floecat/storage-spi';

import { bucketBench, putRules, refusedAs, rulesOf } from './bucket-fixture.ts';
import { startEndpoint } from './endpoint.ts';
import { s3Error, withBody, without } from './faults.ts';

const server = await startEndpoint();
const endpoint = 'skip' in server ? '' : server.endpoint;
const OPTIONS = 'skip' in server ? { skip: server.skip } : {};
after(async () => {
  if (!('skip' in server)) await server[Symbol.asyncDispose]();
});

suite('a bucket that does not fit is refused', OPTIONS, () => {
  test('in another region, whether S3 says it when asked for it or when asked for anything', async () => {
    await using bench = bucketBench(endpoint, { region: 'eu-west-1' });
    await bench.bootstrap({ region: 'eu-west-1' }).ensure();
    const wrong = bench.bootstrap({ region: 'us-east-1' });
    for (const work of [wrong.verify(), wrong.plan(), wrong.ensure()])
      await assert.rejects(work, refusedAs(/is in eu-west-1, not in us-east-1/));
    await using other = bucketBench(endpoint, { region: 'us-east-1', bucket: bench.bucket });
    await assert.rejects(
      other.bootstrap().verify(),
      refusedAs(/it is in .*eu-west-1|it is in another region/),
    );
    const legacy =
      '<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">EU</LocationConstraint>';
    bench.handler.inject({
      name: 'old name',
      on: (request) => request.includes('location'),
      after: (response) => withBody(response, () => Buffer.from(legacy), without('content-length')),
    });
    await bench.bootstrap({ region: 'eu-west-1' }).verify();
    assert.equal(bench.handler.fired('old name'), 1);
  });

  test('with its versioning suspended, or with a second factor for deletes', async () => {
    await using bench = bucketBench(endpoint);
    const { bucket: Bucket, s3, handler } = bench;
    await bench.bootstrap().ensure();
    handler.inject({
      name: 'second factor',
      times: 3,
      on: (request) => request.startsWith('GET ') && request.includes('versioning'),
      after: (response) =>
        withBody(
          response,
          (body) =>
            Buffer.from(body.toString().replace('</Status>', '</Status><MfaDelete>Enabled</MfaDelete>')),
          without('content-length'),
        ),
    });
    const bootstrap = bench.bootstrap();
    for (const work of [() => bootstrap.verify(), () => bootstrap.plan(), () => bootstrap.ensure()])
      await assert.rejects(work, refusedAs(/MFA delete/));
    assert.equal(handler.fired('second factor'), 3);
    await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Suspended' } });
    for (const work of [() => bootstrap.verify(), () => bootstrap.plan(), () => bootstrap.ensure()])
      await assert.rejects(work, refusedAs(/versioning suspended/));
    assert.equal((await s3.getBucketVersioning({ Bucket })).Status, 'Suspended');
  });

  const EXPIRES: Partial<LifecycleRule> = { Expiration: { Days: 365 } };
  const DATED: Partial<LifecycleRule> = { Expiration: { Date: new Date('2030-01-01') } };
  const ARCHIVES: Partial<LifecycleRule> = { Transitions: [{ Days: 90, StorageClass: 'GLACIER' }] };
  const unfit: readonly [string, Partial<LifecycleRule>, RegExp][] = [
    ['everything after days', { ...EXPIRES, Filter: { Prefix: '' } }, /"theirs" expires current objects/],
    ['everything at a date', { ...DATED, Filter: { Prefix: '' } }, /expires current objects/],
    ['what is around the prefix', { ...EXPIRES, Filter: { Prefix: 'on' } }, /expires current objects/],
    ['a part of it', { ...EXPIRES, Filter: { Prefix: 'one/accounts/' } }, /expires current objects/],
    ['what has a tag', { ...EXPIRES, Filter: { Tag: { Key: 'a', Value: 'b' } } }, /expires current objects/],
    [
      'by several things',
      { ...EXPIRES, Filter: { And: { Prefix: 'one/', ObjectSizeGreaterThan: 5 } } },
      /expires/,
    ],
    ['to an archive', { ...ARCHIVES, Filter: { Prefix: '' } }, /archives current objects to GLACIER/],
  ];
  for (const [what, rule, message] of unfit)
    test(`with a rule that takes away blobs that are alive: ${what}`, async () => {
      await using bench = bucketBench(endpoint);
      const bootstrap = bench.bootstrap({}, { keyPrefix: 'one/' });
      await bootstrap.ensure();
      await putRules(bench, { ID: 'theirs', Status: 'Enabled', Filter: { Prefix: '' }, ...rule });
      for (const work of [() => bootstrap.verify(), () => bootstrap.plan(), () => bootstrap.ensure()])
        await assert.rejects(work, refusedAs(message));
      assert.equal((await rulesOf(bench)).length, 1, 'and it is left alone');
    });

  test('a rule that does not reach the store, or is off, or spares current objects, is no reason', async () => {
    await using bench = bucketBench(endpoint);
    const bootstrap = bench.bootstrap({}, { keyPrefix: 'one/' });
    await bootstrap.ensure();
    const theirs = { ID: 'theirs', Status: 'Enabled', Filter: { Prefix: '' } } as const;
    for (const rule of [
      { ...theirs, ...EXPIRES, Filter: { Prefix: 'two/' } },
      { ...theirs, ...EXPIRES, Status: 'Disabled' as const },
      { ...theirs, Expiration: { ExpiredObjectDeleteMarker: true } },
      { ...theirs, Transitions: [{ Days: 90, StorageClass: 'GLACIER_IR' as const }] },
      { ...theirs, NoncurrentVersionTransitions: [{ NoncurrentDays: 9, StorageClass: 'GLACIER' as const }] },
    ]) {
      await putRules(bench, rule);
      await bootstrap.verify();
    }
  });

  test('of another AWS account, whether it is asked for or to be made', async () => {
    await using owner = bucketBench(endpoint, { accessKeyId: '111111111111' });
    await owner.bootstrap().ensure();
    const { bucket } = owner;
    await using bench = bucketBench(endpoint, { accessKeyId: '222222222222', bucket });
    const bootstrap = bench.bootstrap();
    for (const work of [() => bootstrap.verify(), () => bootstrap.plan(), () => bootstrap.ensure()])
      await assert.rejects(
        work,
        refusedAs(
          /s3:GetBucketLocation was denied.*belongs to another AWS account/,
          StorageAccessDeniedError,
        ),
      );
    // It was made between the look and the attempt.
    const step = { action: 'create-bucket', description: '', safe: true } as const;
    await assert.rejects(bootstrap.apply([step]), refusedAs(/belongs to another AWS account.*another name/));
  });

  test('what may not be looked at or changed is named, and is not taken for missing', async () => {
    await using bench = bucketBench(endpoint);
    await bench.s3.createBucket({ Bucket: bench.bucket });
    const denials = [
      ['GET', 'location', 's3:GetBucketLocation'],
      ['GET', 'versioning', 's3:GetBucketVersioning'],
      ['GET', 'lifecycle', 's3:GetLifecycleConfiguration'],
      ['GET', 'encryption', 's3:GetEncryptionConfiguration'],
      ['GET', 'publicAccessBlock', 's3:GetBucketPublicAccessBlock'],
      ['GET', 'tagging', 's3:GetBucketTagging'],
      ['GET', 'versions', 's3:ListBucketVersions'],
      ['PUT', 'versioning', 's3:PutBucketVersioning'],
      ['PUT', 'publicAccessBlock', 's3:PutBucketPublicAccessBlock'],
      ['PUT', 'lifecycle', 's3:PutLifecycleConfiguration'],
      ['PUT', 'tagging', 's3:PutBucketTagging'],
    ] as const;
    const bootstrap = bench.bootstrap({ tags: { team: 'lake' } });
    for (const [method, setting, action] of denials) {
      bench.handler.inject({
        name: action,
        on: (request) =>
          request.startsWith(`${method} `) && new RegExp(`[?&]${setting}(&|=|$)`).test(request),
        before: () => s3Error(403, 'AccessDenied', 'no'),
      });
      await assert.rejects(
        bootstrap.ensure(),
        refusedAs(new RegExp(`${action} was denied`), StorageAccessDeniedError),
      );
      assert.equal(bench.handler.fired(action), 1);
    }
    bench.handler.inject({
      name: 'a 404 of something else',
      on: (request) => request.includes('location'),
      before: () => s3Error(404, 'NoSuchThing'),
    });
    await assert.rejects(bootstrap.ensure(), refusedAs(/refused s3:GetBucketLocation/));
  });

  test('settings that S3 would refuse are refused before any request', async () => {
    await using bench = bucketBench(endpoint);
    const tags = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`t${i}`, 'x']));
    for (const settings of [
      { noncurrentDays: 0 },
      { noncurrentDays: 1.5 },
      { unfinishedUploadDays: -1 },
      { tags },
      { encryption: { algorithm: 'AES256', keyId: 'x' } as never },
    ])
      assert.throws(() => bench.bootstrap(settings), { code: 'INVALID_ARGUMENT' });
    assert.deepEqual(bench.handler.takeRequests(), []);
  });
});
