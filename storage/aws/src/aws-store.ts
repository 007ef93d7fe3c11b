import type {
  Clock,
  LayoutSettings,
  RandomSource,
  SecretsManager,
  StorageObserver,
  StoreLayout,
} from '@floecat/storage-spi';
import { PageTokens, systemClock, systemRandom } from '@floecat/storage-spi';

import { AwsClients, credentialRefresher } from './aws-clients.ts';
import type { WireSettings } from './aws-defaults.ts';
import { S3_WIRE, SECRETS_WIRE } from './aws-defaults.ts';
import type { AwsSettings } from './aws-settings.ts';
import type { DynamoParts, DynamoPointersConfig } from './dynamo/open-dynamo-pointers.ts';
import { dynamoParts } from './dynamo/open-dynamo-pointers.ts';
import type { TableSettings } from './dynamo/table-settings.ts';
import { BucketBootstrap } from './s3/bucket-bootstrap.ts';
import type { BucketSettings } from './s3/bucket-settings.ts';
import { Bucket } from './s3/bucket.ts';
import { ObjectLister } from './s3/object-lister.ts';
import type { S3BlobStoreConfig } from './s3/s3-blob-store.ts';
import type { S3BlobSettings } from './s3/s3-settings.ts';
import { checkSettings } from './s3/s3-settings.ts';
import { StoreMarkerObject } from './s3/store-marker.ts';
import { AccountClients } from './secrets/account-clients.ts';
import type { AccountRoleSettings } from './secrets/account-role.ts';
import { AccountRole } from './secrets/account-role.ts';
import { openProdSecretsManager } from './secrets/prod-secrets-manager.ts';
import { StoreIdentity } from './store-identity.ts';
import type { RetryBudget } from './wire/index.ts';
import { Wire } from './wire/index.ts';

/** A table, a bucket and the secrets beside them. */
export interface AwsStorageConfig {
  /** Clients to use, which stay open; or settings to make some from, which are closed with the store. */
  readonly aws: AwsClients | AwsSettings;
  readonly pointers: {
    readonly tableName: string;
    /** Makes the table, and the store in table and bucket, where they are missing. Default false. */
    readonly autoCreate?: boolean;
    readonly table?: Partial<TableSettings>;
    readonly wire?: Partial<WireSettings>;
  };
  readonly blobs: {
    readonly objects: S3BlobSettings;
    /** Makes the bucket where it is missing. Default false. */
    readonly autoCreate?: boolean;
    readonly bucket?: Partial<BucketSettings>;
    readonly wire?: Partial<WireSettings>;
  };
  readonly secrets?: {
    /** Each account's calls run under it. Default: this process's own credentials. */
    readonly role?: AccountRoleSettings;
    /** 7 to 30. Default 30. */
    readonly recoveryDays?: number;
    readonly kmsKeyId?: string;
    readonly wire?: Partial<WireSettings>;
  };
  /** What must hold in this store; what is left out is as the table has it, or as the defaults for a new one. */
  readonly layout?: Partial<LayoutSettings>;
  /** Default: the one of the process. */
  readonly budget?: RetryBudget;
  /** Told of every request. Operations are told by `observeStorage`. */
  readonly observer?: StorageObserver;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

/** The parts of one store on AWS, before it is opened. Makes no request until asked. */
export class AwsStore implements AsyncDisposable {
  readonly config: AwsStorageConfig;
  readonly clients: AwsClients;
  readonly dynamo: DynamoParts;
  readonly bucket: BucketBootstrap;
  readonly identity: StoreIdentity;
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #s3Wire: Wire;

  /** Throws `InvalidArgumentError` for settings that cannot work. */
  constructor(config: AwsStorageConfig) {
    const { aws, blobs, clock = systemClock, random = systemRandom } = config;
    const { objects } = blobs;
    checkSettings(objects);
    this.config = config;
    this.#clock = clock;
    this.#random = random;
    this.clients = aws instanceof AwsClients ? aws : new AwsClients(aws);
    this.dynamo = dynamoParts(this.pointersConfig);
    this.#s3Wire = this.#wire({ ...S3_WIRE, ...blobs.wire }, () => this.clients.s3);
    const { s3 } = this.clients;
    const bucket = new Bucket({
      s3,
      wire: this.#s3Wire,
      bucket: objects.bucket,
      keyPrefix: objects.keyPrefix ?? '',
    });
    this.bucket = new BucketBootstrap({
      s3,
      wire: this.#s3Wire,
      clock,
      objects,
      settings: blobs.bucket ?? {},
    });
    this.identity = new StoreIdentity({
      parts: this.dynamo,
      bucket,
      marker: new StoreMarkerObject(bucket),
      // Its tokens never leave it.
      lister: new ObjectLister(bucket, new PageTokens('')),
    });
  }

  /** What the pointers are opened with. */
  get pointersConfig(): DynamoPointersConfig {
    const { pointers, layout, budget, observer } = this.config;
    return {
      ...pointers,
      aws: this.clients,
      clock: this.#clock,
      random: this.#random,
      ...(layout && { layout }),
      ...(budget && { budget }),
      ...(observer && { observer }),
    };
  }

  blobsConfig(layout: StoreLayout): S3BlobStoreConfig {
    const { objects } = this.config.blobs;
    return {
      s3: this.clients.s3,
      wire: this.#s3Wire,
      clock: this.#clock,
      settings: objects,
      identity: layout,
    };
  }

  openSecrets({ storeId }: StoreLayout): SecretsManager {
    const { role, wire: settings, ...rest } = this.config.secrets ?? {};
    const { clients } = this;
    const given = { ...SECRETS_WIRE, ...settings };
    const wire = this.#wire(given, () => clients.secretsManager);
    const own = { storeId, random: this.#random, wire, ...rest };
    if (!role) return openProdSecretsManager({ ...own, access: { service: clients.secretsManager } });
    const accounts = new AccountClients({
      role: new AccountRole(
        clients.sts,
        this.#wire(given, () => clients.sts),
        role,
        this.#clock,
      ),
      clock: this.#clock,
      connect: (credentials) => clients.secretsManagerWith(credentials),
    });
    return openProdSecretsManager({ ...own, access: { accounts } });
  }

  /** Ends the clients that were made here. */
  async close(): Promise<void> {
    await this.dynamo.close();
    if (this.clients !== this.config.aws) await this.clients.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #wire(settings: WireSettings, client: () => Parameters<typeof credentialRefresher>[0]): Wire {
    const { budget, observer } = this.config;
    return new Wire({
      clock: this.#clock,
      random: this.#random,
      settings,
      ...(budget && { budget }),
      ...(observer && { observer }),
      refreshCredentials: () => credentialRefresher(client())(),
    });
  }
}
