import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';

import {
  CreateBucketCommand,
  ListBucketsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';

import type { Recorded, RecordingProxy } from '../../../service/catalog/test/rest/recording-proxy.ts';
import { startRecordingProxy } from '../../../service/catalog/test/rest/recording-proxy.ts';
import { startOwnEngine } from '../../localstack/engine.ts';
import type { TiedServer } from '../../localstack/tied-server.ts';
import { uploadLake } from '../../localstack/upload-lake.ts';
import { LAKE_TABLES, lakeOver } from './support/catalog-view.ts';
import { copyOfCheckout } from './support/checkout-copy.ts';
import { noEngine } from './support/no-engine.ts';
import type { Variables } from './support/run-process.ts';
import { RunProcess } from './support/run-process.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const LOCAL = { key: 'AKIALOCALSTACKSIDE00', region: 'us-west-2' };
const REAL = { key: 'AKIAREALSIDEREALSIDE', region: 'eu-west-1', token: 'token-of-the-real-side' };

/** Two endpoints, of which one plays AWS, each behind a proxy that keeps a log. */
class TwoSides implements AsyncDisposable {
  readonly local: RecordingProxy;
  readonly real: RecordingProxy;
  /** To the endpoint itself, past the log. */
  readonly realS3: S3Client;

  private constructor(local: RecordingProxy, real: RecordingProxy, realEndpoint: string) {
    this.local = local;
    this.real = real;
    this.realS3 = new S3Client({
      endpoint: realEndpoint,
      region: REAL.region,
      credentials: { accessKeyId: REAL.key, secretAccessKey: 'real' },
      forcePathStyle: true,
    });
  }

  static async between(local: TiedServer, real: TiedServer): Promise<TwoSides> {
    const proxies = [await startRecordingProxy(local.endpoint), await startRecordingProxy(real.endpoint)];
    return new TwoSides(...(proxies as [RecordingProxy, RecordingProxy]), real.endpoint);
  }

  get env(): Variables {
    return {
      LOCALSTACK_ENDPOINT: this.local.endpoint,
      LOCALSTACK_ACCESS_KEY: LOCAL.key,
      LOCALSTACK_SECRET_KEY: 'local',
      LOCALSTACK_REGION: LOCAL.region,
      AWS_ENDPOINT_URL_S3: this.real.endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: this.real.endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: this.real.endpoint,
      AWS_ENDPOINT_URL_STS: this.real.endpoint,
      AWS_ACCESS_KEY_ID: REAL.key,
      AWS_SECRET_ACCESS_KEY: 'real',
      AWS_SESSION_TOKEN: REAL.token,
      AWS_REGION: 'ap-south-1',
      REAL_AWS_REGION: REAL.region,
    };
  }

  /** What was asked of a side, each with the key of that side and no other. */
  asked(side: 'local' | 'real'): readonly Recorded[] {
    // Beside them there is the question who is there at all, which nobody signs.
    const requests = this[side].requests.filter(({ path }) => path !== '/_localstack/health');
    const { key, region } = side === 'local' ? LOCAL : REAL;
    assert.ok(requests.length > 0, `nothing was asked of the ${side} side`);
    for (const request of requests) {
      assert.deepEqual(
        [request.signer, request.region],
        [key, region],
        `${side}: ${JSON.stringify(request)}`,
      );
      assert.equal(request.sessionToken, side === 'local' ? undefined : REAL.token);
    }
    return requests;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.realS3.destroy();
    await Promise.all([this.local[Symbol.asyncDispose](), this.real[Symbol.asyncDispose]()]);
  }
}

suite('the targets that mix LocalStack and AWS', { skip: await noEngine(), timeout: 240_000 }, () => {
  const root = copyOfCheckout();

  let engines: readonly [TiedServer, TiedServer];
  before(async () => {
    engines = await Promise.all([startOwnEngine(), startOwnEngine()]);
  });
  after(() => Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]())));

  test('run-localstack-aws: LocalStack is asked for the upstream bucket alone, AWS for the catalog alone', async (t) => {
    using folder = temporaryFolder();
    await using sides = await TwoSides.between(...engines);
    const env = {
      ...sides.env,
      REAL_AWS_BUCKET: 'catalog-1',
      REAL_AWS_TABLE: 'pointers-1',
      ...AUTO_CREATE,
    };
    await using target = new RunProcess(t, 'run-localstack-aws', { env, cwd: folder.path, root });
    const lake = await lakeOver(await target.url());
    assert.equal(await target.stop(), 0, target.output);
    await using again = new RunProcess(t, 'run-localstack-aws', { env, cwd: folder.path, root });
    assert.deepEqual(await lakeOver(await again.url()), lake);
    assert.equal(await again.stop(), 0, again.output);

    for (const table of LAKE_TABLES)
      assert.match(lake[table] ?? '', /s3:\/\/floecat-dev-upstream\/demo-lake\//);
    assert.deepEqual(bucketsOf(sides.asked('local')), ['floecat-dev-upstream']);
    const asked = sides.asked('real');
    assert.deepEqual(servicesOf(asked), ['dynamodb', 's3']);
    assert.deepEqual(bucketsOf(asked), ['catalog-1']);
    const { output } = target;
    const upstream = `upstream  LocalStack at ${sides.local.endpoint}, bucket floecat-dev-upstream`;
    assert.ok(output.includes(upstream), output);
    assert.match(
      output,
      /catalog {3}AWS in eu-west-1 at AWS_ENDPOINT_URL_S3 http:\/\/\S+, .*, bucket catalog-1, keys below floecat\/, table pointers-1/,
    );
    assert.doesNotMatch(output, new RegExp(`${LOCAL.key}|${REAL.key}|${REAL.token}`));
  });

  test('run-aws-localstack: AWS is asked for the upstream bucket alone, and only read', async (t) => {
    using folder = temporaryFolder();
    await using sides = await TwoSides.between(...engines);
    const location = 's3://upstream-2/lake';
    await uploadLake({ s3: sides.realS3, location });
    const env = { ...sides.env, REAL_AWS_BUCKET: 'upstream-2', FLOECAT_SEED_LOCATION: location };
    await using target = new RunProcess(t, 'run-aws-localstack', { env, cwd: folder.path, root });
    const lake = await lakeOver(await target.url());
    assert.equal(await target.stop(), 0, target.output);

    for (const table of LAKE_TABLES) assert.match(lake[table] ?? '', /s3:\/\/upstream-2\/lake\//);
    const asked = sides.asked('real');
    assert.deepEqual(servicesOf(asked), ['s3']);
    assert.deepEqual(bucketsOf(asked), ['upstream-2']);
    assert.deepEqual(
      asked.filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
      [],
    );
    const ours = sides.asked('local');
    assert.deepEqual(servicesOf(ours), ['dynamodb', 's3']);
    assert.deepEqual(bucketsOf(ours), ['floecat-dev']);
    assert.doesNotMatch(target.output, new RegExp(`${LOCAL.key}|${REAL.key}|${REAL.token}`));
  });

  test('run-aws-aws: LocalStack is not asked at all; one bucket holds tables and blobs', async (t) => {
    using folder = temporaryFolder();
    await using sides = await TwoSides.between(...engines);
    const location = 's3://shared-3/lake';
    await uploadLake({ s3: sides.realS3, location });
    const versioned = { Bucket: 'shared-3', VersioningConfiguration: { Status: 'Enabled' } } as const;
    await sides.realS3.send(new PutBucketVersioningCommand(versioned));
    const env = {
      ...sides.env,
      REAL_AWS_BUCKET: 'shared-3',
      REAL_AWS_TABLE: 'pointers-3',
      FLOECAT_SEED_LOCATION: location,
      ...AUTO_CREATE,
    };
    await using target = new RunProcess(t, 'run-aws-aws', { env, cwd: folder.path, root });
    await lakeOver(await target.url());
    assert.equal(await target.stop(), 0, target.output);
    assert.deepEqual(sides.local.requests, []);
    const asked = sides.asked('real');
    assert.deepEqual(bucketsOf(asked), ['shared-3']);
    const written = asked.filter(({ service, method }) => service === 's3' && method === 'PUT');
    const elsewhere = written.filter(
      ({ path }) => !path.startsWith('/shared-3/floecat/') && !path.includes('?'),
    );
    assert.ok(written.length > 0);
    assert.deepEqual(elsewhere, []);
  });

  test('on AWS nothing is made unless it is asked for: the error says what is missing', async (t) => {
    using folder = temporaryFolder();
    await using sides = await TwoSides.between(...engines);
    const env = { ...sides.env, REAL_AWS_BUCKET: 'catalog-4', REAL_AWS_TABLE: 'pointers-4' };
    await using target = new RunProcess(t, 'run-localstack-aws', { env, cwd: folder.path, root });
    assert.equal(await target.ended(), 1);
    assert.match(target.output, /catalog-4/);
    assert.match(target.output, /floecat bootstrap/);
    const { Buckets = [] } = await sides.realS3.send(new ListBucketsCommand());
    assert.equal(
      Buckets.some(({ Name }) => Name === 'catalog-4'),
      false,
    );
    await sides.realS3.send(new CreateBucketCommand({ Bucket: 'catalog-4', ...IN_REGION }));
    await using withBucket = new RunProcess(t, 'run-localstack-aws', { env, cwd: folder.path, root });
    assert.equal(await withBucket.ended(), 1);
    assert.match(withBucket.output, /pointers-4.*floecat bootstrap|floecat bootstrap.*pointers-4/s);
    const changing = sides
      .asked('real')
      .filter(({ service, method }) => service === 's3' && method === 'PUT');
    assert.deepEqual(changing, []);
  });
});

const AUTO_CREATE = { FLOECAT_KV_AUTO_CREATE: 'true', FLOECAT_BLOB_S3_AUTO_CREATE: 'true' };
const IN_REGION = { CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } } as const;

function servicesOf(requests: readonly Recorded[]): string[] {
  return [...new Set(requests.map(({ service }) => service))].toSorted();
}

/** The bucket stands first in the path. */
function bucketsOf(requests: readonly Recorded[]): string[] {
  const inS3 = requests.filter(({ service }) => service === 's3');
  return [...new Set(inS3.map(({ path }) => /^\/([^/?]*)/.exec(path)?.[1] ?? ''))].toSorted();
}
