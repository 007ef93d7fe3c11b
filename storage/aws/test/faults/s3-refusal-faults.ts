import assert from 'node:assert/strict';

import type { BlobStore } from '@floecat/storage-spi';

import type { Fault } from '../s3/faults.ts';
import { answer, s3Error } from '../s3/faults.ts';
import { bytes, onBulkDelete, onGet, onPut, reads, rejects, s3FaultTest } from './s3-bench.ts';

export function s3RefusalFaults(): void {
  for (const [status, code, row] of [
    [500, 'InternalError', '[F8] '],
    [503, 'SlowDown', '[F7] '],
    [503, 'ServiceUnavailable', '[F8] '],
    [504, 'GatewayTimeout', '[F8] '],
    [400, 'RequestTimeout', '[P27] '],
    [429, 'TooManyRequestsException', '[F7] [P27] '],
    [409, 'OperationAborted', ''],
  ] as const)
    s3FaultTest(
      `${row}${status} ${code} once: every call goes through all the same`,
      async ({ store, inject }) => {
        const name = `${status} ${code}`;
        const once = (on: Fault['on']): void => inject({ name, on, before: () => s3Error(status, code) });
        once(onPut);
        const { versionId } = await store.put('/a/b', bytes);
        once(onGet);
        await reads(store, '/a/b');
        // An answer to HEAD has no body, so a 400 says no more.
        if (status !== 400) {
          once((request) => request.startsWith('HEAD '));
          await store.head('/a/b');
        }
        once((request) => request.includes('list-type=2'));
        assert.equal((await store.list('/')).blobs.length, 1);
        once((request) => request.includes('versions'));
        assert.equal((await store.listVersions('/')).versions.length, 1);
        once((request) => request.includes('tagging'));
        await store.markLost('/a/b', versionId);
        once((request) => request.includes('versioning'));
        assert.equal(await store.supportsVersionedDeletes(), true);
        once(onBulkDelete);
        assert.deepEqual(await store.deletePrefix('/a/'), { deleted: 1, failed: [] });
        const { versionId: second } = await store.put('/a/b', bytes);
        once((request) => request.startsWith('DELETE '));
        await store.deleteVersion('/a/b', second);
        await rejects(store.get('/a/b'), 'STORAGE_NOT_FOUND');
      },
    );

  s3FaultTest(
    '[F7] [F8] 500 forever on a put is an unknown outcome, 503 SlowDown unavailable',
    async ({ store, inject }) => {
      inject({
        name: '500 forever',
        on: onPut,
        times: Infinity,
        before: () => s3Error(500, 'InternalError'),
      });
      await rejects(store.put('/a', bytes), 'STORAGE_UNKNOWN_OUTCOME');
      inject({
        name: 'SlowDown forever',
        on: onPut,
        times: Infinity,
        before: () => s3Error(503, 'SlowDown'),
      });
      await rejects(store.put('/a', bytes), 'STORAGE_UNAVAILABLE');
      inject({
        name: 'SlowDown forever on reads',
        on: onGet,
        times: Infinity,
        before: () => s3Error(503, 'SlowDown'),
      });
      await rejects(store.get('/a'), 'STORAGE_UNAVAILABLE');
    },
  );

  s3FaultTest(
    '[F21] [F22] [P27] expired credentials and a skewed clock are tried once more, then named',
    async ({ store, inject }) => {
      await store.put('/a', bytes);
      inject({ name: 'credentials expired', on: onGet, before: () => s3Error(400, 'ExpiredToken') });
      await reads(store, '/a');
      inject({ name: 'clock skewed', on: onGet, before: () => s3Error(403, 'RequestTimeTooSkewed') });
      await reads(store, '/a');
      inject({
        name: 'credentials stay expired',
        on: onGet,
        times: 2,
        before: () => s3Error(400, 'ExpiredToken'),
      });
      await rejects(store.get('/a'), 'STORAGE_ACCESS_DENIED', /expired/);
    },
  );

  s3FaultTest('an object in an archive class is named as such', async ({ store, inject }) => {
    await store.put('/a', bytes);
    inject({ name: 'object archived', on: onGet, before: () => s3Error(403, 'InvalidObjectState') });
    await rejects(store.get('/a'), 'STORAGE_MISCONFIGURED', /archive/);
  });

  const denials = [
    ['get', 's3:GetObject', onGet, (store: BlobStore) => store.get('/a')],
    [
      'head',
      's3:GetObject',
      (r: string) => r.startsWith('HEAD ') || onGet(r, {}),
      (s: BlobStore) => s.head('/a'),
    ],
    ['getBatch', 's3:GetObject', onGet, (store: BlobStore) => store.getBatch(['/a', '/absent'])],
    ['put', 's3:PutObject', onPut, (store: BlobStore) => store.put('/b', bytes)],
    ['list', 's3:ListBucket', (r: string) => r.includes('list-type=2'), (s: BlobStore) => s.list('')],
    [
      'listVersions',
      's3:ListBucketVersions',
      (r: string) => r.includes('?versions'),
      (s: BlobStore) => s.listVersions(''),
    ],
    ['delete', 's3:DeleteObject', (r: string) => r.startsWith('DELETE '), (s: BlobStore) => s.delete('/a')],
    [
      'deleteVersion',
      's3:DeleteObjectVersion',
      (r: string) => r.startsWith('DELETE '),
      (s: BlobStore) => s.deleteVersion('/a', 'v'),
    ],
    [
      'deletePrefix',
      's3:DeleteObjectVersion',
      onBulkDelete,
      (s: BlobStore) => s.deletePrefix('/', { everything: true }),
    ],
    [
      'markLost',
      's3:GetObjectVersionTagging',
      (r: string) => r.includes('tagging'),
      (s: BlobStore) => s.markLost('/a', 'v'),
    ],
    [
      'supportsVersionedDeletes',
      's3:GetBucketVersioning',
      (r: string) => r.includes('versioning'),
      (s: BlobStore) => s.supportsVersionedDeletes(),
    ],
  ] as const satisfies readonly (readonly [
    string,
    string,
    (r: string, h: Readonly<Record<string, string>>) => boolean,
    (s: BlobStore) => Promise<unknown>,
  ])[];

  for (const [operation, action, on, call] of denials)
    s3FaultTest(
      `[F23] [P21] AccessDenied on ${operation} is fatal, names ${action}, and is no missing blob`,
      async (bench) => {
        const { store, inject } = bench;
        await store.put('/a', bytes);
        inject({
          name: `AccessDenied on ${operation}`,
          on,
          times: Infinity,
          // As S3 does it: an answer to HEAD has no body.
          before: (request) => (request.method === 'HEAD' ? answer(403, '') : s3Error(403, 'AccessDenied')),
        });
        await rejects(call(store), 'STORAGE_ACCESS_DENIED', new RegExp(action));
      },
    );
}
