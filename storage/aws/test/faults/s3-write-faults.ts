import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { storeMarkerOf } from '@floecat/storage-aws';

import type { Fault } from '../s3/faults.ts';
import {
  flipByte,
  s3Error,
  socketHangUp,
  unreachable,
  withBody,
  withHeaders,
  without,
} from '../s3/faults.ts';
import { newIdentity } from '../s3/s3-fixture.ts';
import { bytes, onGet, onPut, reads, rejects, s3FaultTest } from './s3-bench.ts';

const bare: NonNullable<Fault['after']> = (response) =>
  withHeaders(response, without('x-amz-checksum-sha256', 'etag'));

export function s3WriteFaults(): void {
  s3FaultTest(
    '[F10] a put whose reply is lost is put again, and both versions verify',
    async ({ store, inject }) => {
      inject({ name: 'reply to a put lost', on: onPut, after: socketHangUp });
      await store.put('/a', bytes);
      await reads(store, '/a');
      const { versions } = await store.listVersions('/a');
      assert.equal(versions.length, 2);
      for (const { versionId } of versions)
        assert.deepEqual(Buffer.from((await store.get('/a', { versionId })).bytes), bytes);
    },
  );

  s3FaultTest('[F10] a put whose replies are all lost is an unknown outcome', async ({ store, inject }) => {
    inject({ name: 'every reply to a put lost', on: onPut, times: Infinity, after: socketHangUp });
    await rejects(store.put('/a', bytes), 'STORAGE_UNKNOWN_OUTCOME');
    inject();
    await reads(store, '/a');
  });

  for (const [code, syscall] of [
    ['ECONNREFUSED', 'connect'],
    ['ENOTFOUND', 'getaddrinfo'],
    ['EAI_AGAIN', 'getaddrinfo'],
    ['ECONNRESET', 'connect'],
  ] as const)
    s3FaultTest(`[F10] a put that never gets out (${code} in ${syscall}) is not applied`, async (bench) => {
      const { store, inject } = bench;
      const name = `${code} in ${syscall}`;
      inject({ name, on: onPut, before: () => unreachable(code, syscall) });
      await store.put('/b', bytes);
      inject({ name, on: onPut, times: Infinity, before: () => unreachable(code, syscall) });
      await rejects(store.put('/a', bytes), 'STORAGE_UNAVAILABLE');
      inject();
      await rejects(store.get('/a'), 'STORAGE_NOT_FOUND');
    });

  for (const [status, code] of [
    [500, 'InternalError'],
    [503, 'ServiceUnavailable'],
    [504, 'GatewayTimeout'],
  ] as const)
    s3FaultTest(`[F8] a put that was done although it is answered ${status} ${code}`, async (bench) => {
      const { store, inject } = bench;
      const name = `${status} ${code} after a put`;
      const answered = async (): Promise<ReturnType<typeof s3Error>> => s3Error(status, code);
      inject({ name, on: onPut, after: answered });
      await store.put('/a', bytes);
      await reads(store, '/a');
      inject({ name, on: onPut, times: Infinity, after: answered });
      await rejects(store.put('/b', bytes), 'STORAGE_UNKNOWN_OUTCOME');
      inject();
      await reads(store, '/b');
    });

  s3FaultTest('[F22] a put behind a clock that is off is corrected, and made once', async (bench) => {
    const { store, inject } = bench;
    inject({ name: 'clock skewed on a put', on: onPut, before: () => s3Error(403, 'RequestTimeTooSkewed') });
    await store.put('/a', bytes);
    assert.equal((await store.listVersions('/a')).versions.length, 1);
  });

  s3FaultTest(
    '[F15] bytes damaged on their way up are refused by S3 and put again',
    async ({ store, inject, client }) => {
      inject({
        name: 'put damaged in transit',
        on: onPut,
        before: (request) => {
          request.body = flipByte(Buffer.from(request.body as Uint8Array));
          // The emulator does not check the signature, so the checksum is all that stands in the way.
          return undefined;
        },
      });
      await store.put('/a', bytes);
      await reads(store, '/a');
      assert.equal(client.handler.takeRequests().filter((request) => onPut(request, {})).length, 2);
    },
  );

  s3FaultTest('the answered checksum is compared with the bytes', async ({ store, inject }) => {
    const other = createHash('sha256').update('other').digest('base64');
    inject({
      name: 'wrong checksum answered',
      on: onPut,
      after: (response) => withHeaders(response, (sent) => ({ ...sent, 'x-amz-checksum-sha256': other })),
    });
    await rejects(store.put('/a', bytes), 'STORAGE_ABORT_RETRYABLE', /put it again/);
  });

  s3FaultTest('without a checksum the MD5 proves the bytes, with no second request', async (bench) => {
    const { store, inject, client } = bench;
    inject({
      name: 'no checksum answered',
      on: onPut,
      after: (response) => withHeaders(response, without('x-amz-checksum-sha256')),
    });
    await store.put('/a', bytes);
    assert.equal(client.handler.takeRequests().length, 1);
  });

  s3FaultTest('without checksum and MD5 the bytes are read back', async ({ store, inject, client }) => {
    inject({ name: 'neither checksum nor MD5 answered', on: onPut, after: bare });
    await store.put('/a', bytes);
    assert.deepEqual(
      client.handler.takeRequests().map((request) => request.split(' ')[0]),
      ['PUT', 'GET'],
    );
    inject(
      { name: 'neither checksum nor MD5 answered', on: onPut, after: bare },
      { name: 'read back damaged', on: onGet, after: (response) => withBody(response, flipByte) },
    );
    await rejects(store.put('/a', bytes), 'STORAGE_ABORT_RETRYABLE', /read back/);
  });

  s3FaultTest(
    'an ETag that is the MD5 of something else proves nothing',
    async ({ store, inject, client }) => {
      const etag = `"${'0'.repeat(32)}"`;
      inject({
        name: 'ETag of another kind',
        on: onPut,
        after: (response) =>
          withHeaders(response, (sent) => ({ ...without('x-amz-checksum-sha256')(sent), etag })),
      });
      await store.put('/a', bytes);
      assert.equal(client.handler.takeRequests().length, 2);
    },
  );

  s3FaultTest(
    '[F16] [F17] a marker put whose reply is lost is recognised behind its own 412, and a 409 is put again',
    async ({ client, inject, bucket }) => {
      const marker = storeMarkerOf({ ...client, settings: { bucket, keyPrefix: 'other/' } });
      const identity = newIdentity();
      inject({ name: 'reply to a conditional put lost', on: onPut, after: socketHangUp });
      assert.deepEqual(await marker.create(identity), identity);
      assert.deepEqual(await marker.create(newIdentity()), identity, 'the first one stays');
      const raised = { ...identity, epoch: 2 };
      inject({ name: 'reply to a replacing put lost', on: onPut, after: socketHangUp });
      await marker.replace(identity, raised);
      assert.deepEqual(await marker.read(), raised);
      await rejects(
        marker.replace(identity, { ...identity, epoch: 3 }),
        'STORAGE_MISCONFIGURED',
        /another process/,
      );
      inject({
        name: '409 to a conditional put',
        on: onPut,
        before: () => s3Error(409, 'ConditionalRequestConflict'),
      });
      await marker.replace(raised, { ...identity, epoch: 3 });
    },
  );
}
