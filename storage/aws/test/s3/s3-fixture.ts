import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { AwsClients, openS3BlobStore, S3_WIRE, S3BlobStore, storeMarkerOf, Wire } from '@floecat/storage-aws';
import type { RetryBudget, S3BlobSettings, StoreMarker, WireSettings } from '@floecat/storage-aws';
import { S3 } from '@aws-sdk/client-s3';
import { MemoryPointerStore, MemorySecretsManager } from '@floecat/storage-memory';
import type { BlobHeader, BlobStore, PutOptions, Storage, StoreLayout } from '@floecat/storage-spi';
import {
  DEFAULT_LAYOUT,
  guardBlobStore,
  guardPointerStore,
  guardSecretsManager,
  STORAGE_FORMAT,
  systemClock,
  systemRandom,
} from '@floecat/storage-spi';
import type { StorageFixture } from '@floecat/storage-testkit';
import { createFixture, FakeClock, seededRandom } from '@floecat/storage-testkit';

import { FaultyHandler, flipByte, withBody } from './faults.ts';

const REGION = 'us-east-1';
const FAST_WIRE: WireSettings = {
  ...S3_WIRE,
  baseDelayMs: 1,
  throttleDelayMs: 1,
  maxDelayMs: 5,
  maxAttempts: 4,
};

/** A client of an S3 server, through a handler that makes faults. */
export interface Client extends AsyncDisposable {
  readonly s3: S3;
  readonly handler: FaultyHandler;
  readonly wire: Wire;
}

export interface ClientOptions {
  readonly wire?: Partial<WireSettings>;
  readonly budget?: RetryBudget;
}

export function connect(endpoint: string, options: ClientOptions = {}): Client {
  const handler = new FaultyHandler();
  const clients = new AwsClients(
    {
      region: REGION,
      endpoints: { s3: endpoint },
      accessKeyId: 'test',
      secretAccessKey: 'test',
      pathStyleAccess: true,
    },
    {
      s3: (settings) =>
        new S3({
          ...settings,
          requestHandler: handler,
          requestChecksumCalculation: 'WHEN_REQUIRED',
          responseChecksumValidation: 'WHEN_REQUIRED',
        }),
    },
  );
  const wire = new Wire({
    clock: systemClock,
    random: systemRandom,
    settings: { ...FAST_WIRE, ...options.wire },
    ...(options.budget && { budget: options.budget }),
  });
  return { s3: clients.s3, handler, wire, [Symbol.asyncDispose]: () => clients.close() };
}

export async function makeBucket(s3: S3, versioned = true): Promise<string> {
  const bucket = `floecat-${randomUUID()}`;
  await s3.createBucket({ Bucket: bucket });
  if (versioned)
    await s3.putBucketVersioning({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } });
  return bucket;
}

export function newIdentity(): StoreMarker {
  return { format: STORAGE_FORMAT, storeId: randomUUID(), tableId: randomUUID(), epoch: 1 };
}

export interface Opened {
  readonly store: BlobStore;
  readonly identity: StoreMarker;
  readonly bucket: string;
}

/** A store of its own in a bucket of its own. */
export async function openStore(
  client: Client,
  settings: Partial<S3BlobSettings> & { readonly versioned?: boolean } = {},
): Promise<Opened> {
  const { versioned = true, ...rest } = settings;
  const bucket = settings.bucket ?? (await makeBucket(client.s3, versioned));
  const identity = newIdentity();
  const config = {
    s3: client.s3,
    wire: client.wire,
    clock: systemClock,
    settings: { ...rest, bucket },
    identity,
  };
  await storeMarkerOf(config).create(identity);
  const store = await openS3BlobStore(config);
  client.handler.takeRequests();
  return { store, identity, bucket };
}

const LATER_MS = 2_000;

/**
 * Gives a put's header the `lastModified` that reads tell, so that the suite can compare headers whole: S3 does not
 * answer it to a put, and a put makes no second request. That it is close, and never earlier, is checked here.
 */
function withExactTimes(store: BlobStore): BlobStore {
  return new Proxy(store, {
    get(target, name) {
      if (name !== 'put') {
        const member = Reflect.get(target, name, target) as unknown;
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      }
      return async (uri: string, bytes: Uint8Array, options?: PutOptions): Promise<BlobHeader> => {
        const header = await target.put(uri, bytes, options);
        const read = await target.head(uri, { versionId: header.versionId }).catch((error: unknown) => {
          if ((error as { code?: string }).code === 'STORAGE_NOT_FOUND') return undefined;
          throw error;
        });
        // Deleted meanwhile.
        if (!read) return header;
        const later = header.lastModified - read.lastModified;
        assert.ok(later >= -LATER_MS && later <= LATER_MS, `a put's lastModified is off by ${later} ms`);
        return Object.freeze({ ...header, lastModified: read.lastModified });
      };
    },
  });
}

/** A store for each case, in a bucket of its own, beside pointers and secrets in memory. */
export async function openS3Fixture(endpoint: string): Promise<StorageFixture> {
  const clock = new FakeClock();
  const first = connect(endpoint);
  const bucket = await makeBucket(first.s3);
  const identity = newIdentity();
  const { storeId, tableId } = identity;
  const layout: StoreLayout = { ...DEFAULT_LAYOUT, format: STORAGE_FORMAT, storeId, tableId, epoch: 1 };
  const damaged: { readonly uri: string; readonly versionId: string }[] = [];
  await storeMarkerOf({ ...first, settings: { bucket } }).create(identity);

  const open = async (): Promise<Storage> => {
    const client = connect(endpoint);
    const { s3, wire, handler } = client;
    handler.inject({
      name: 'damaged blob',
      times: Infinity,
      on: (request) =>
        request.startsWith('GET ') &&
        !request.includes('tagging') &&
        damaged.some(({ uri }) => request.includes(uri)),
      after: async (response) =>
        damaged.some(({ versionId }) => response.headers['x-amz-version-id'] === versionId)
          ? withBody(response, flipByte)
          : response,
    });
    const random = seededRandom(1);
    const store = new S3BlobStore({ s3, wire, clock, settings: { bucket }, identity });
    await store.checkIdentity();
    const blobs = guardBlobStore(withExactTimes(store));
    const pointers = guardPointerStore(new MemoryPointerStore({ storeId, clock, random }));
    const system = guardPointerStore(new MemoryPointerStore({ storeId, clock, random }));
    const secrets = guardSecretsManager(new MemorySecretsManager({ storeId }));
    const close = async (): Promise<void> => {
      await Promise.all([pointers.close(), system.close(), blobs.close(), secrets.close()]);
      await client[Symbol.asyncDispose]();
    };
    return { pointers, system, blobs, secrets, layout, close, [Symbol.asyncDispose]: close };
  };

  return createFixture({
    clock,
    open,
    remove: async () => first[Symbol.asyncDispose](),
    capabilities: {
      secondClient: true,
      restart: true,
      ownStore: true,
      // The pointers beside it are in memory and not what is tested here.
      movableClock: true,
      keepsExpired: true,
      versionedDeletes: true,
      // S3's are opaque.
      orderedVersionIds: false,
      damagesBlobs: true,
    },
    damageBlob: async (uri, versionId) => void damaged.push({ uri, versionId }),
  });
}
