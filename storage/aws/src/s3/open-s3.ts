import type { Clock, RandomSource } from '@floecat/storage-spi';
import { systemClock, systemRandom } from '@floecat/storage-spi';

import type { ClientBuilders } from '../aws-clients.ts';
import { AwsClients, credentialRefresher } from '../aws-clients.ts';
import type { WireSettings } from '../aws-defaults.ts';
import { S3_WIRE } from '../aws-defaults.ts';
import type { AwsSettings } from '../aws-settings.ts';
import { RetryBudget } from '../wire/retry-budget.ts';
import { Wire } from '../wire/wire.ts';
import type { S3Service } from './s3-service.ts';

/** How S3 is reached for what is not the store's own blobs. */
export interface OpenS3Config {
  readonly aws: AwsSettings;
  readonly builders?: Partial<ClientBuilders>;
  readonly wire?: Partial<WireSettings>;
  /** Default: one of its own, so that what fails there does not take the retries of the catalog's own storage. */
  readonly budget?: RetryBudget;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

export interface OpenedS3 {
  readonly s3: S3Service;
  readonly wire: Wire;
  readonly clock: Clock;
  readonly close: () => Promise<void>;
}

/** Makes clients, which `close` ends. Makes no request. */
export function openS3(config: OpenS3Config): OpenedS3 {
  const { aws, builders, budget = new RetryBudget(), clock = systemClock, random = systemRandom } = config;
  const clients = new AwsClients(aws, builders);
  const { s3 } = clients;
  const settings: WireSettings = { ...S3_WIRE, ...config.wire };
  const wire = new Wire({ clock, random, settings, budget, refreshCredentials: credentialRefresher(s3) });
  return { s3, wire, clock, close: () => clients.close() };
}
