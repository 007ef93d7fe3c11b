import type { AwsKeys, AwsSettings, ClientBuilders } from '@floecat/storage-aws';
import type { Clock, SecretsManager } from '@floecat/storage-spi';
import { StorageMisconfiguredError, systemClock } from '@floecat/storage-spi';

import type { UpstreamS3Settings } from './aws-settings.ts';
import type { Settings } from './load-settings.ts';
import type { ObjectSource } from './object-source.ts';

/** A key out of a secret is asked for again after this, so that a rotated one is taken up without a restart. */
const KEY_LIFETIME_MS = 5 * 60_000;
/** The clients ask for a new key this long before the old one expires. */
const RENEWED_BEFORE_MS = 5 * 60_000;

export interface OpenUpstreamOptions {
  readonly clock?: Clock;
  /** Replaces how the S3 client is made, to add middleware or another transport. */
  readonly builders?: Partial<Pick<ClientBuilders, 's3'>>;
}

/**
 * Opens upstream tables in S3 with the `floecat.upstream.s3` settings and nothing of the catalog's own; `undefined`
 * where no location is configured, and then nothing of AWS is loaded. Makes no request: a key in `secrets` is read
 * when the first object is. Close it when done; `secrets` must stay open as long.
 *
 * Where the secret is missing or holds no key, reads throw `STORAGE_MISCONFIGURED`.
 */
export async function openUpstream(
  { upstream: { s3 }, identity }: Pick<Settings, 'upstream' | 'identity'>,
  secrets: SecretsManager,
  options: OpenUpstreamOptions = {},
): Promise<ObjectSource | undefined> {
  if (s3.locations.length === 0) return undefined;
  const { openS3ObjectSource } = await import('@floecat/storage-aws');
  const { clock = systemClock, builders } = options;
  const keySource = keySourceOf(s3, identity.account, secrets, clock);
  return openS3ObjectSource({
    aws: { ...awsSettings(s3), ...(keySource && { keySource }) },
    wire: s3.wire,
    clock,
    ...(builders && { builders }),
  });
}

function awsSettings({
  region,
  s3Endpoint,
  key,
  pathStyleAccess,
  maxSockets,
  connectTimeoutMs,
}: UpstreamS3Settings): AwsSettings {
  return {
    ...(region !== undefined && { region }),
    ...(s3Endpoint !== undefined && { endpoints: { s3: s3Endpoint } }),
    ...(key && {
      accessKeyId: key.accessKeyId,
      secretAccessKey: key.secretAccessKey.reveal(),
      ...(key.sessionToken && { sessionToken: key.sessionToken.reveal() }),
    }),
    pathStyleAccess,
    maxSockets,
    connectTimeoutMs,
  };
}

function keySourceOf(
  { secret }: UpstreamS3Settings,
  account: string,
  secrets: SecretsManager,
  clock: Clock,
): AwsSettings['keySource'] {
  if (!secret) return undefined;
  const name = `${secret.type}/${secret.id}`;
  return async () => {
    const payload = await secrets.get({ account, ...secret });
    if (!payload)
      throw misconfigured(name, `does not exist in account ${account}; store it with floecat secrets put`);
    const expiration = new Date(clock.now() + KEY_LIFETIME_MS + RENEWED_BEFORE_MS);
    return { ...keyIn(name, payload), expiration };
  };
}

/** The key that a secret's payload holds. Errors show nothing of the payload, so they have no cause either. */
function keyIn(name: string, payload: Uint8Array): AwsKeys {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    throw misconfigured(name, 'is not JSON');
  }
  const fields = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<string, unknown>;
  const text = (field: string): string | undefined => {
    const value = fields[field];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value !== '') return value;
    throw misconfigured(name, `has ${field}, which is not a text or is empty`);
  };
  const needed = (field: string): string => {
    const value = text(field);
    if (value === undefined) throw misconfigured(name, `has no ${field}`);
    return value;
  };
  const sessionToken = text('sessionToken');
  return {
    accessKeyId: needed('accessKeyId'),
    secretAccessKey: needed('secretAccessKey'),
    ...(sessionToken !== undefined && { sessionToken }),
  };
}

function misconfigured(secret: string, why: string): StorageMisconfiguredError {
  return new StorageMisconfiguredError(
    `floecat.upstream.s3.secret: the secret ${secret} ${why}; it has to be JSON with accessKeyId, secretAccessKey and, ` +
      'if there is one, sessionToken',
    { operation: 'open', key: secret },
  );
}
