import type { Fault } from '../s3/faults.ts';
import { cut, flipByte, s3Error, withBody, without } from '../s3/faults.ts';
import { bytes, onGet, onListing, reads, rejects, s3FaultTest } from './s3-bench.ts';

const flippedBody: NonNullable<Fault['after']> = (response) => withBody(response, flipByte);

export function s3ReadFaults(): void {
  s3FaultTest('[F12] a body that ends early is read again, never answered', async ({ store, inject }) => {
    await store.put('/a', bytes);
    inject({ name: 'body cut, by its length', on: onGet, after: (response) => withBody(response, cut) });
    await reads(store, '/a');
    inject({
      name: 'body cut, chunked',
      on: onGet,
      after: (response) => withBody(response, cut, without('content-length')),
    });
    await reads(store, '/a');
    const always = { name: 'body cut every time', on: onGet, times: Infinity };
    inject({ ...always, after: (response) => withBody(response, cut) });
    await rejects(store.get('/a'), 'STORAGE_UNAVAILABLE', /10 of 33 bytes/);
  });

  s3FaultTest(
    '[F13] a flipped byte is read again once, then STORAGE_CORRUPTION',
    async ({ store, inject }) => {
      await store.put('/a', bytes);
      inject({ name: 'body flipped once', on: onGet, after: flippedBody });
      await reads(store, '/a');
      inject({ name: 'body flipped every time', on: onGet, times: Infinity, after: flippedBody });
      await rejects(store.get('/a'), 'STORAGE_CORRUPTION', /SHA-256/);
      await rejects(store.getBatch(['/a']), 'STORAGE_CORRUPTION');
    },
  );

  // Pages of one blob, or the second page would never be asked for.
  s3FaultTest('[F20] a listing whose page k fails, fails', async ({ store, inject }) => {
    for (const uri of ['/a', '/b', '/c']) await store.put(uri, bytes);
    inject({
      name: 'page 3 of a listing fails',
      on: (request) => request.includes('list-type=2') && request.includes('start-after=b'),
      times: Infinity,
      before: () => s3Error(500, 'InternalError'),
    });
    const first = await store.list('', { limit: 2 });
    await rejects(store.list('', { limit: 2, pageToken: first.nextPageToken ?? '' }), 'STORAGE_UNAVAILABLE');
  });

  s3FaultTest('[F20] a listing that is cut off, or does not say that it is whole, fails', async (bench) => {
    const { store, inject } = bench;
    await store.put('/a', bytes);
    for (const [name, change] of [
      ['listing cut off', (body: string) => body.slice(0, body.length >> 1)],
      ['listing without IsTruncated', (body: string) => body.replace(/<IsTruncated>.*?<\/IsTruncated>/, '')],
      ['listing empty', () => ''],
    ] as const) {
      const spoil: NonNullable<Fault['after']> = (response) =>
        withBody(response, (body) => Buffer.from(change(body.toString())), without('content-length'));
      inject({ name, on: onListing, times: Infinity, after: spoil });
      await rejects(store.list(''), 'STORAGE_UNAVAILABLE');
      await rejects(store.listVersions(''), 'STORAGE_UNAVAILABLE');
    }
  });
}
