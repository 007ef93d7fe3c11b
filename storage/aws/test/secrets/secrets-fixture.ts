import { randomUUID } from 'node:crypto';

import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { openProdSecretsManager, SECRETS_WIRE, Wire, AwsClients } from '@floecat/storage-aws';
import { MemoryBlobStore, MemoryPointerStore } from '@floecat/storage-memory';
import type { Storage, StoreLayout } from '@floecat/storage-spi';
import {
  DEFAULT_LAYOUT,
  guardBlobStore,
  guardPointerStore,
  STORAGE_FORMAT,
  systemClock,
  systemRandom,
} from '@floecat/storage-spi';
import type { StorageFixture } from '@floecat/storage-testkit';
import { createFixture, FakeClock, seededRandom } from '@floecat/storage-testkit';

import { FaultyHandler } from '../s3/faults.ts';

export interface SecretsClient extends AsyncDisposable {
  readonly service: SecretsManager;
  readonly handler: FaultyHandler;
  readonly wire: Wire;
  readonly clients: AwsClients;
}

/** A client of an endpoint, through a handler that makes faults. */
export function connectSecrets(endpoint: string): SecretsClient {
  const handler = new FaultyHandler();
  const clients = new AwsClients(
    {
      region: 'us-east-1',
      endpoints: { secretsManager: endpoint, sts: endpoint },
      accessKeyId: 'test',
      secretAccessKey: 'test',
    },
    { secretsManager: (settings) => new SecretsManager({ ...settings, requestHandler: handler }) },
  );
  const settings = { ...SECRETS_WIRE, baseDelayMs: 1, throttleDelayMs: 1, maxDelayMs: 5, maxAttempts: 4 };
  const wire = new Wire({ clock: systemClock, random: systemRandom, settings });
  return {
    service: clients.secretsManager,
    handler,
    wire,
    clients,
    [Symbol.asyncDispose]: async () => clients.close(),
  };
}

/** Secrets for each case, under accounts of its own, beside pointers and blobs in memory. */
export function openSecretsFixture(endpoint: string): Promise<StorageFixture> {
  const clock = new FakeClock();
  const layout: StoreLayout = {
    ...DEFAULT_LAYOUT,
    format: STORAGE_FORMAT,
    storeId: randomUUID(),
    tableId: randomUUID(),
    epoch: 1,
  };
  const { storeId } = layout;
  const open = async (): Promise<Storage> => {
    const client = connectSecrets(endpoint);
    const random = seededRandom(1);
    const pointers = guardPointerStore(new MemoryPointerStore({ storeId, clock, random }));
    const system = guardPointerStore(new MemoryPointerStore({ storeId, clock, random }));
    const blobs = guardBlobStore(new MemoryBlobStore({ storeId, clock }));
    const { service, wire } = client;
    const secrets = openProdSecretsManager({ storeId, random: systemRandom, wire, access: { service } });
    const close = async (): Promise<void> => {
      await Promise.all([pointers.close(), system.close(), blobs.close(), secrets.close()]);
      await client[Symbol.asyncDispose]();
    };
    return { pointers, system, blobs, secrets, layout, close, [Symbol.asyncDispose]: close };
  };
  return createFixture({
    clock,
    open,
    prefix: `/${randomUUID().slice(0, 8)}/`,
    capabilities: {
      secondClient: true,
      restart: true,
      ownStore: false,
      // Pointers and blobs beside it are in memory and not what is tested here.
      movableClock: true,
      keepsExpired: true,
      versionedDeletes: true,
      orderedVersionIds: true,
      damagesBlobs: false,
    },
  });
}
