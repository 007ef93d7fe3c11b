import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { openS3BlobStore } from '@floecat/storage-aws';
import type { BlobStore } from '@floecat/storage-spi';
import { systemClock } from '@floecat/storage-spi';

import { hang } from '../s3/faults.ts';
import { connect } from '../s3/s3-fixture.ts';
import { bytes, onGet, onPut, reads, rejects, s3FaultTest } from './s3-bench.ts';
import type { S3FaultBench } from './s3-bench.ts';
import { startSilentServer } from './silent-server.ts';

const IMPATIENT = { wire: { attemptTimeoutMs: 250, maxAttempts: 3 } };

export function s3SilenceFaults(): void {
  s3FaultTest(
    '[F9] a put that was done and never answered is made again, a get that never arrives is asked again',
    async ({ store, inject }) => {
      inject({ name: 'no answer to a put', on: onPut, after: (_response, signal) => hang(signal) });
      await store.put('/a', bytes);
      inject({ name: 'no answer to a get', on: onGet, before: (_request, signal) => hang(signal) });
      await reads(store, '/a');
      const always = {
        times: Infinity,
        before: (_: unknown, signal: AbortSignal | undefined) => hang(signal),
      };
      inject({ name: 'never an answer to a get', on: onGet, ...always });
      await rejects(store.get('/a'), 'STORAGE_UNAVAILABLE', /no answer/);
      inject({ name: 'never an answer to a put', on: onPut, ...always });
      await rejects(store.put('/b', bytes), 'STORAGE_UNKNOWN_OUTCOME', /no answer/);
    },
    {},
    IMPATIENT,
  );

  s3FaultTest('[F9] an attempt given up ends its connection', async ({ happened }) => {
    await using silent = await startSilentServer();
    await using client = connect(silent.endpoint, IMPATIENT);
    const call = {
      operation: 'get',
      key: '/a',
      action: 's3:GetObject',
      resource: 'bucket any',
      write: false,
    };
    const asked = client.wire.send({ ...call, signal: undefined }, (attempt) =>
      client.s3.getObject({ Bucket: 'any', Key: 'a' }, { abortSignal: attempt.signal }),
    );
    await rejects(asked, 'STORAGE_UNAVAILABLE', /no answer/);
    assert.equal(silent.asked, IMPATIENT.wire.maxAttempts);
    await silent.allEnded();
    happened('a server that never answers', 'after');
  });

  s3FaultTest('[F14] an object that is corrupt where it is stored is told, and left alone', async (bench) => {
    const { store, client, bucket, happened } = bench;
    const { etag, versionId } = await store.put('/a', bytes);
    const other = Buffer.from('other bytes');
    await client.s3.putObject({ Bucket: bucket, Key: 'a', Body: other, Metadata: { sha256: etag } });
    await rejects(store.get('/a'), 'STORAGE_CORRUPTION', /SHA-256/);
    await rejects(store.getBatch(['/a']), 'STORAGE_CORRUPTION');
    happened('an object with the digest of another', 'server');
    assert.equal((await store.listVersions('/a')).versions.length, 2);
    assert.deepEqual(Buffer.from((await store.get('/a', { versionId })).bytes), bytes);
    assert.notEqual(createHash('sha256').update(other).digest('base64'), etag);
  });

  s3FaultTest(
    '[F24] [P21] a bucket that is deleted under the store is named, by every call',
    async (bench) => {
      const { store, client, bucket, identity, happened } = bench;
      await store.put('/a', bytes);
      await removeBucket(bench);
      const calls: readonly ((blobs: BlobStore) => Promise<unknown>)[] = [
        (blobs) => blobs.get('/a'),
        (blobs) => blobs.head('/a'),
        (blobs) => blobs.getBatch(['/a']),
        (blobs) => blobs.list(''),
        (blobs) => blobs.listVersions(''),
        (blobs) => blobs.put('/b', bytes),
        (blobs) => blobs.delete('/a'),
        (blobs) => blobs.deletePrefix('/a/'),
        (blobs) => blobs.supportsVersionedDeletes(),
      ];
      for (const call of calls) {
        await rejects(call(store), 'STORAGE_MISCONFIGURED', new RegExp(bucket));
        happened('bucket deleted', 'server');
      }

      // Made anew, it is not this store's any more: nothing is deleted in it, and no store is opened on it.
      const Bucket = bucket;
      await client.s3.createBucket({ Bucket });
      await client.s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Enabled' } });
      await client.s3.putObject({ Bucket, Key: 'a/theirs', Body: bytes });
      await rejects(store.supportsVersionedDeletes(), 'STORAGE_MISCONFIGURED', /belongs to no store/);
      await rejects(store.deletePrefix('/a/'), 'STORAGE_MISCONFIGURED', /belongs to no store/);
      const { s3, wire } = client;
      const opened = openS3BlobStore({ s3, wire, clock: systemClock, settings: { bucket }, identity });
      await rejects(opened, 'STORAGE_MISCONFIGURED', /belongs to no store/);
      happened('bucket made anew', 'server');
      await client.s3.headObject({ Bucket, Key: 'a/theirs' });
    },
  );
}

async function removeBucket({ client: { s3 }, bucket }: S3FaultBench): Promise<void> {
  const { Versions = [], DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket: bucket });
  for (const { Key, VersionId } of [...Versions, ...DeleteMarkers])
    await s3.deleteObject({ Bucket: bucket, Key: Key ?? '', VersionId });
  await s3.deleteBucket({ Bucket: bucket });
}
