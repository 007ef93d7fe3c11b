import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import type {
  BlobHeader,
  BlobListing,
  BlobListOptions,
  BlobStore,
  BlobVersionListing,
} from '@floecat/storage-spi';

import type { ContractCase } from '../contract-case.ts';
import type { Capability, StorageFixture } from '../fixture.ts';

/** What a blob case works with: the store, and where in it. */
export interface BlobBench {
  readonly store: BlobStore;
  readonly fixture: StorageFixture;
  /** A URI of this case. */
  readonly at: (name: string) => string;
}

export function blobCase(
  name: string,
  body: (bench: BlobBench) => Promise<void>,
  ...needs: readonly Capability[]
): ContractCase {
  return {
    name,
    needs,
    run: (fixture) =>
      body({ store: fixture.storage.blobs, fixture, at: (suffix) => fixture.prefix + suffix }),
  };
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function sha256(bytes: Uint8Array, encoding: 'hex' | 'base64'): string {
  return createHash('sha256').update(bytes).digest(encoding);
}

/** The content-addressed URI of `bytes` below `folder`. */
export function addressOf(folder: string, bytes: Uint8Array): string {
  return `${folder}/${sha256(bytes, 'hex')}.pb`;
}

/** Compares bytes without printing megabytes of them. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.ok(actual instanceof Uint8Array, 'bytes are a Uint8Array');
  assert.equal(actual.length, expected.length, 'length');
  assert.ok(Buffer.compare(actual, expected) === 0, 'the bytes differ');
}

/** get, head and getBatch all answer `header` and `bytes`. */
export async function holds(store: BlobStore, header: BlobHeader, bytes: Uint8Array): Promise<void> {
  const { uri } = header;
  assert.deepEqual(await store.head(uri), header);
  const [batched] = await store.getBatch([uri]);
  for (const blob of [await store.get(uri), batched]) {
    assert.ok(blob, `${uri} is absent`);
    assert.deepEqual(blob.header, header);
    sameBytes(blob.bytes, bytes);
  }
}

type Page<Item> = { readonly items: readonly Item[]; readonly nextPageToken: string | undefined };

async function* walkPages<Item>(
  page: (options: BlobListOptions) => Promise<Page<Item>>,
  options: BlobListOptions,
): AsyncGenerator<readonly Item[]> {
  let pageToken = options.pageToken;
  for (let i = 0; i < 5_000; i++) {
    const answer = await page({ ...options, ...(pageToken !== undefined && { pageToken }) });
    assert.ok(answer.items.length <= (options.limit ?? 1_000), 'a page longer than its limit');
    yield answer.items;
    if (answer.nextPageToken === undefined) return;
    pageToken = answer.nextPageToken;
  }
  assert.fail('the listing did not end after 5,000 pages');
}

/** Every blob of a listing. */
export async function walkBlobs(
  store: BlobStore,
  prefix: string,
  options: BlobListOptions = {},
): Promise<readonly BlobListing[]> {
  const page = async (one: BlobListOptions): Promise<Page<BlobListing>> => {
    const { blobs, nextPageToken } = await store.list(prefix, one);
    return { items: blobs, nextPageToken };
  };
  return (await Array.fromAsync(walkPages(page, options))).flat();
}

/** Every version of a listing. */
export async function walkVersions(
  store: BlobStore,
  prefix: string,
  options: BlobListOptions = {},
): Promise<readonly BlobVersionListing[]> {
  const page = async (one: BlobListOptions): Promise<Page<BlobVersionListing>> => {
    const { versions, nextPageToken } = await store.listVersions(prefix, one);
    return { items: versions, nextPageToken };
  };
  return (await Array.fromAsync(walkPages(page, options))).flat();
}

export async function walkUris(
  store: BlobStore,
  prefix: string,
  options?: BlobListOptions,
): Promise<readonly string[]> {
  return (await walkBlobs(store, prefix, options)).map((blob) => blob.uri);
}

/** Puts the URI's own text at each, a few at a time. */
export async function fillBlobs(store: BlobStore, uris: readonly string[]): Promise<void> {
  for (let i = 0; i < uris.length; i += 50)
    await Promise.all(uris.slice(i, i + 50).map((uri) => store.put(uri, bytesOf(uri))));
}

/** The blob is absent to every read and every listing. */
export async function absent(store: BlobStore, uri: string): Promise<void> {
  await assert.rejects(store.get(uri), { code: 'STORAGE_NOT_FOUND' });
  await assert.rejects(store.head(uri), { code: 'STORAGE_NOT_FOUND' });
  assert.deepEqual(await store.getBatch([uri]), [undefined]);
  assert.ok(!(await walkUris(store, uri)).includes(uri), `${uri} is listed`);
  const latest = (await walkVersions(store, uri)).filter((version) => version.uri === uri && version.latest);
  assert.deepEqual(latest, [], 'an absent blob has a latest version');
}
