import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import { actionsOf, bucketBench, EVERYTHING, OWN_RULES, refusedAs, rulesOf } from './bucket-fixture.ts';
import { startEndpoint } from './endpoint.ts';
import { s3Error, withBody, without } from './faults.ts';

const server = await startEndpoint();
const endpoint = 'skip' in server ? '' : server.endpoint;
const OPTIONS = 'skip' in server ? { skip: server.skip } : {};
after(async () => {
  if (!('skip' in server)) await server[Symbol.asyncDispose]();
});

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
