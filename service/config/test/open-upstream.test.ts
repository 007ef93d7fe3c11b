import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { suite, test } from 'node:test';

import { openUpstream } from '@floecat/config';
import { openMemoryStorage } from '@floecat/storage-memory';

import { load } from './support.ts';

/** Packages that were looked for since the start of this file. */
const resolved: string[] = [];
registerHooks({
  resolve: (specifier, context, next) => {
    resolved.push(specifier);
    return next(specifier, context);
  },
});

const loadedAws = (): boolean => resolved.some((each) => /^@aws-sdk\/|^@floecat\/storage-aws$/.test(each));

suite('opening upstream tables in S3', () => {
  test('without a location there is no source, and nothing of AWS is loaded', async () => {
    await using storage = openMemoryStorage();
    assert.equal(await openUpstream(load(), storage.secrets), undefined);
    assert.equal(loadedAws(), false);
  });

  test('with one there is a source, and no secret is read for it yet', async () => {
    await using storage = openMemoryStorage();
    const env = {
      FLOECAT_UPSTREAM_S3_LOCATIONS: 's3://lake/',
      FLOECAT_UPSTREAM_S3_REGION: 'eu-west-1',
      FLOECAT_UPSTREAM_S3_SECRET: 'upstream/absent',
    };
    const source = await openUpstream(load({ env }), storage.secrets);
    assert.ok(source);
    assert.equal(loadedAws(), true);
    await assert.rejects(source.read('lake', 'x', { maxBytes: 1 }), {
      code: 'STORAGE_MISCONFIGURED',
      message: /upstream\/absent does not exist/,
    });
    await source[Symbol.asyncDispose]();
  });

  test('the settings go to the client: endpoint, region, path style, connections', async () => {
    await using storage = openMemoryStorage();
    const seen: Record<string, unknown>[] = [];
    const env = {
      FLOECAT_UPSTREAM_S3_LOCATIONS: 's3://lake/',
      FLOECAT_UPSTREAM_S3_REGION: 'eu-west-1',
      FLOECAT_UPSTREAM_S3_ENDPOINT: 'http://127.0.0.1:9',
      FLOECAT_UPSTREAM_S3_ACCESS_KEY_ID: 'upstream',
      FLOECAT_UPSTREAM_S3_SECRET_ACCESS_KEY: 'hidden',
      FLOECAT_UPSTREAM_S3_SESSION_TOKEN: 'token',
      FLOECAT_UPSTREAM_S3_PATH_STYLE_ACCESS: 'true',
      FLOECAT_FILEIO_OVERRIDE_S3_ACCESS_KEY_ID: 'catalog',
      FLOECAT_FILEIO_OVERRIDE_S3_SECRET_ACCESS_KEY: 'catalog',
      FLOECAT_FILEIO_OVERRIDE_S3_REGION: 'us-east-2',
      FLOECAT_FILEIO_OVERRIDE_S3_ENDPOINT: 'http://127.0.0.1:10',
    };
    const { defaultBuilders } = await import('@floecat/storage-aws');
    await using source = await openUpstream(load({ env }), storage.secrets, {
      builders: {
        s3: (settings) => {
          const { region, endpoint, credentials, forcePathStyle, maxAttempts } = settings;
          seen.push({ region, endpoint, credentials, forcePathStyle, maxAttempts });
          return defaultBuilders.s3(settings);
        },
      },
    });
    assert.ok(source);
    assert.deepEqual(seen, [
      {
        region: 'eu-west-1',
        endpoint: 'http://127.0.0.1:9',
        credentials: { accessKeyId: 'upstream', secretAccessKey: 'hidden', sessionToken: 'token' },
        forcePathStyle: true,
        maxAttempts: 1,
      },
    ]);
  });
});
