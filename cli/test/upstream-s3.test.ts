import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';

import { Upstream } from '../../service/catalog/test/rest/upstream-world.ts';
import { EXIT } from '../src/exit-codes.ts';
import { startAwsEndpoint } from './aws-endpoint.ts';
import { checkRealTables } from './check-real-tables.ts';
import { floecat, LAKE, LAKE_MISSING, temporaryFolder } from './support.ts';

const server = await startAwsEndpoint();
after(async () => {
  if (!('skip' in server)) await server[Symbol.asyncDispose]();
});
const skip = 'skip' in server ? server.skip : false;

/** Relative locations, and buckets that are not this lake's, stand for places in one bucket. */
const PLACES = ['s3://yb-iceberg-tpcds', 's3://floecat', 'lineitem_iceberg', 'data/persistent'];

suite('upstream tables in S3, over the command line', { skip }, () => {
  test(
    'the five real tables register from an upstream bucket, and are there at the same versions after a restart',
    { skip: LAKE_MISSING },
    async () => {
      assert.ok(!('skip' in server));
      using folder = temporaryFolder();
      await using upstream = new Upstream(server.endpoint);
      const bucket = await upstream.bucket();
      await upstream.put(bucket, 'real/', LAKE);
      const mapped = PLACES.map((place) => `${place}=s3://${bucket}/real/${place.replace('s3://', '')}`);
      const env = {
        ...server.store(),
        ...upstream.environment(`s3://${bucket}/real/`),
        FLOECAT_UPSTREAM_LOCATIONS: mapped.join(', '),
        FLOECAT_KV_AUTO_CREATE: 'true',
        FLOECAT_BLOB_S3_AUTO_CREATE: 'true',
        FLOECAT_DATA_DIR: folder.path,
        FLOECAT_SEED_ENABLED: 'false',
      };
      await checkRealTables('the command line', [], { env });
    },
  );

  test('what cannot be registered is told in one line, without the key', async () => {
    assert.ok(!('skip' in server));
    using folder = temporaryFolder();
    await using upstream = new Upstream(server.endpoint);
    const bucket = await upstream.bucket();
    const register = async (location: string, more: Record<string, string> = {}): Promise<string> => {
      const env = { ...upstream.environment('s3://'), FLOECAT_DATA_DIR: folder.path, ...more };
      const { code, stdout, stderr } = await floecat(['register', 'a.b', location, '--create-namespace'], {
        env,
      });
      assert.notEqual(code, EXIT.ok, stdout);
      assert.doesNotMatch(stderr, /upstream-secret| {4}at /);
      return stderr;
    };
    assert.match(await register(`s3://${bucket}/absent`), /has no metadata file/);
    assert.match(await register('s3://no-such-bucket-here/t'), /bucket no-such-bucket-here does not exist/);
    assert.match(
      await register(`s3://${bucket}/t`, { FLOECAT_UPSTREAM_S3_REGION: 'us-west-2' }),
      /is in region eu-central-1; set floecat\.upstream\.s3\.region=eu-central-1/,
    );
    assert.match(
      await register(`s3://${bucket}/t`, {
        FLOECAT_UPSTREAM_S3_ENDPOINT: 'http://127.0.0.1:9',
        FLOECAT_AWS_S3_DEADLINE: '300ms',
      }),
      /s3:GetObject on bucket .* gave up after .*ECONNREFUSED/,
    );
  });
});
