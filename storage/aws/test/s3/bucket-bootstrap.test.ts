import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import type { LifecycleRule } from '@aws-sdk/client-s3';
import { StorageAccessDeniedError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { BucketBench } from './bucket-fixture.ts';
import { actionsOf, bucketBench } from './bucket-fixture.ts';
import { startEndpoint } from './endpoint.ts';
import { s3Error, withBody, without } from './faults.ts';

const server = await startEndpoint();
const endpoint = 'skip' in server ? '' : server.endpoint;
after(async () => {
  if (!('skip' in server)) await server[Symbol.asyncDispose]();
});

const OPTIONS = 'skip' in server ? { skip: server.skip } : {};
const EVERYTHING = [
  'create-bucket',
  'enable-versioning',
  'block-public-access',
  'expire-versions',
  'abort-uploads',
];
const OWN_RULES: readonly LifecycleRule[] = [
  {
    ID: 'floecat-noncurrent-versions',
    Status: 'Enabled',
    Filter: { Prefix: '' },
    NoncurrentVersionExpiration: { NoncurrentDays: 30 },
  },
  {
    ID: 'floecat-unfinished-uploads',
    Status: 'Enabled',
    Filter: { Prefix: '' },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
  },
];

async function rulesOf({ s3, bucket }: BucketBench): Promise<readonly LifecycleRule[]> {
  return (await s3.getBucketLifecycleConfiguration({ Bucket: bucket })).Rules ?? [];
}

async function putRules({ s3, bucket }: BucketBench, ...rules: readonly LifecycleRule[]): Promise<void> {
  await s3.putBucketLifecycleConfiguration({
    Bucket: bucket,
    LifecycleConfiguration: { Rules: [...rules] },
  });
}

/** A bucket that fits, with an object in it. */
async function usedBucket(bench: BucketBench): Promise<void> {
  await bench.bootstrap().ensure();
  await bench.s3.putObject({ Bucket: bench.bucket, Key: 'somebodys', Body: 'x' });
}

function refusedAs(
  pattern: RegExp,
  type: typeof StorageMisconfiguredError | typeof StorageAccessDeniedError = StorageMisconfiguredError,
) {
  return (error: Error): boolean => {
    assert.ok(error instanceof type, `${error.name}: ${error.message}`);
    assert.match(error.message, pattern);
    return true;
  };
}

suite('a bucket that is missing', OPTIONS, () => {
  test('is planned, and made only by applying, with the production defaults', async () => {
    await using bench = bucketBench(endpoint);
    const { bucket: Bucket, s3 } = bench;
    const bootstrap = bench.bootstrap({ tags: { team: 'lake' } });
    const plan = await bootstrap.plan();
    assert.deepEqual(actionsOf(plan), [...EVERYTHING, 'add-tags']);
    assert.match(plan[0]?.description ?? '', new RegExp(Bucket));
    assert.deepEqual(await bootstrap.plan(), plan);
    await assert.rejects(bootstrap.verify(), refusedAs(/does not exist.*floecat\.blob\.s3\.auto-create/));
    await assert.rejects(s3.headBucket({ Bucket }), { name: 'NotFound' });

    assert.deepEqual(await bootstrap.apply(plan), []);
    assert.equal((await s3.getBucketVersioning({ Bucket })).Status, 'Enabled');
    const { PublicAccessBlockConfiguration: block = {} } = await s3.getPublicAccessBlock({ Bucket });
    assert.deepEqual(Object.values(block), [true, true, true, true]);
    assert.deepEqual(await rulesOf(bench), OWN_RULES);
    assert.deepEqual((await s3.getBucketTagging({ Bucket })).TagSet, [{ Key: 'team', Value: 'lake' }]);
    const { ServerSideEncryptionConfiguration: sse } = await s3.getBucketEncryption({ Bucket });
    assert.equal(sse?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm, 'AES256');
    assert.deepEqual(await bootstrap.plan(), []);
    await bootstrap.verify();
  });

  test('is made with everything that can be set', async () => {
    await using bench = bucketBench(endpoint, { region: 'eu-west-1' });
    const { bucket: Bucket, s3 } = bench;
    const keyId = 'arn:aws:kms:eu-west-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    const settings = {
      region: 'eu-west-1',
      encryption: { algorithm: 'aws:kms', keyId, bucketKey: true },
      blockPublicAccess: false,
      noncurrentDays: 90,
      unfinishedUploadDays: 2,
    } as const;
    const bootstrap = bench.bootstrap(settings, { keyPrefix: 'one/' });
    assert.deepEqual(await bootstrap.ensure(), []);
    assert.equal((await s3.getBucketLocation({ Bucket })).LocationConstraint, 'eu-west-1');
    const { ServerSideEncryptionConfiguration: sse } = await s3.getBucketEncryption({ Bucket });
    assert.deepEqual(sse?.Rules, [
      {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyId },
        BucketKeyEnabled: true,
      },
    ]);
    await assert.rejects(s3.getPublicAccessBlock({ Bucket }), {
      name: 'NoSuchPublicAccessBlockConfiguration',
    });
    const rules = await rulesOf(bench);
    assert.deepEqual(
      rules.map((rule) => [
        rule.Filter?.Prefix,
        rule.NoncurrentVersionExpiration?.NoncurrentDays ??
          rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation,
      ]),
      [
        ['one/', 90],
        ['one/', 2],
      ],
    );
    assert.deepEqual(await bootstrap.plan(), []);
  });

  for (const region of ['us-east-1', 'eu-west-1'])
    test(`is made once by eight that start at once, in ${region}`, async () => {
      await using bench = bucketBench(endpoint, { region });
      const all = Array.from({ length: 8 }, () => bench.bootstrap({ region, tags: { team: 'lake' } }));
      await Promise.all(
        all.map(async (each) => {
          await each.ensure();
          await each.verify();
        }),
      );
      for (const each of all) assert.deepEqual(await each.plan(), []);
      assert.deepEqual(await rulesOf(bench), OWN_RULES);
    });

  test('is made although S3 is busy with the same name, or loses an answer', async () => {
    await using bench = bucketBench(endpoint, { region: 'eu-west-1' });
    const { bucket, handler } = bench;
    const create = (request: string): boolean =>
      request === `PUT /${bucket}/` || request === `PUT /${bucket}`;
    const bootstrap = bench.bootstrap();
    handler.inject({
      name: 'made, and the answer lost',
      on: create,
      after: () => {
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      },
    });
    const plan = await bootstrap.plan();
    assert.deepEqual(await bootstrap.apply(plan), []);
    handler.inject({
      name: 'busy',
      times: 6,
      on: create,
      before: () => s3Error(409, 'OperationAborted'),
    });
    assert.deepEqual(await bootstrap.apply(plan.slice(0, 1)), []);
    assert.deepEqual([handler.fired('busy'), handler.fired('made, and the answer lost')], [6, 1]);
    assert.deepEqual(await bootstrap.plan(), []);
  });

  test('that another process only began to make is finished', async () => {
    await using bench = bucketBench(endpoint);
    const { bucket: Bucket, s3 } = bench;
    await s3.createBucket({ Bucket });
    const bootstrap = bench.bootstrap();
    await assert.rejects(bootstrap.verify(), refusedAs(/no versioning/));
    assert.deepEqual(actionsOf(await bootstrap.plan()), EVERYTHING.slice(1));
    assert.deepEqual(await bootstrap.ensure(), []);
    await bootstrap.verify();
    assert.deepEqual(await bootstrap.plan(), []);
  });

  test('is not made where it may not be, and then nothing else is done', async () => {
    await using bench = bucketBench(endpoint);
    const bootstrap = bench.bootstrap();
    const plan = (await bootstrap.plan()).map((step) => ({
      ...step,
      safe: step.action !== 'create-bucket' && step.safe,
    }));
    assert.deepEqual(await bootstrap.apply(plan), plan);
    await assert.rejects(bench.s3.headBucket({ Bucket: bench.bucket }), { name: 'NotFound' });
  });

  test('serves once S3 says that it is versioned, and not before', async () => {
    await using bench = bucketBench(endpoint);
    const { handler } = bench;
    const stale = {
      on: (request: string) => request.startsWith('GET ') && request.includes('versioning'),
      after: (response: Parameters<typeof withBody>[0]) =>
        withBody(
          response,
          () => Buffer.from('<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'),
          without('content-length'),
        ),
    };
    handler.inject({ ...stale, name: 'still as before', times: 3 });
    await bench.bootstrap().ensure();
    assert.equal(handler.fired('still as before'), 3);
    assert.deepEqual(await bench.bootstrap().plan(), []);

    handler.inject({ ...stale, name: 'for ever as before', times: Infinity });
    const step = { action: 'enable-versioning', description: '', safe: true } as const;
    await assert.rejects(bench.bootstrap().apply([step]), {
      code: 'STORAGE_UNAVAILABLE',
      message: /versioning of bucket .* was switched on, but S3 does not answer so after 120000 ms/,
    });
  });
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
