import { InvalidArgumentError } from '@floecat/storage-spi';

/** Where a service is, if not where AWS has it for the region. */
export interface AwsEndpoints {
  readonly dynamodb?: string;
  readonly s3?: string;
  readonly secretsManager?: string;
  readonly sts?: string;
}

/** A static key. Never a default of its own: without one the SDK's credential chain is asked. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * Answers the key when it is needed, and again when AWS says that it has expired. One with an `expiration` is asked for
 * anew five minutes before that.
 */
export type AwsKeySource = () => Promise<AwsKeys & { readonly expiration?: Date }>;

/** How the AWS clients are made. All of it is optional: the SDK finds region and credentials by itself. */
export interface AwsSettings {
  /** Default: what the SDK finds in the environment or the profile. */
  readonly region?: string;
  /** Whole URLs, `http` or `https`. */
  readonly endpoints?: AwsEndpoints;
  /** Default: the SDK's chain of environment, profile, SSO, container and instance role. */
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  /** Where the key comes from, instead of the three above. */
  readonly keySource?: AwsKeySource;
  /** S3 addresses with the bucket in the path, as most emulators need. Default false. */
  readonly pathStyleAccess?: boolean;
  /** Connections that each client keeps at most. Default 64. */
  readonly maxSockets?: number;
  /** Milliseconds to wait for a connection. Default 2,000. */
  readonly connectTimeoutMs?: number;
}

/** The key of `settings`, if any. A part of one is refused: it must not turn into another identity. */
export function keysOf(settings: AwsSettings): AwsKeys | AwsKeySource | undefined {
  const { accessKeyId, secretAccessKey, sessionToken, keySource } = settings;
  if (!accessKeyId && !secretAccessKey && !sessionToken) return keySource;
  if (keySource)
    throw new InvalidArgumentError('open: an AWS key and a source of one are given; give one of the two', {
      operation: 'open',
    });
  const missing = accessKeyId ? 'secret-access-key' : 'access-key-id';
  if (!accessKeyId || !secretAccessKey)
    throw new InvalidArgumentError(
      `open: the AWS key is incomplete, ${missing} is missing; give both, or none to use the default credentials`,
      { operation: 'open' },
    );
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}

/** Refuses an endpoint that is no URL before any request goes astray. */
export function checkEndpoints(endpoints: AwsEndpoints = {}): void {
  for (const [service, endpoint] of Object.entries(endpoints)) {
    if (endpoint === undefined) continue;
    const url = URL.parse(String(endpoint));
    if (url?.protocol === 'http:' || url?.protocol === 'https:') continue;
    throw new InvalidArgumentError(
      `open: the endpoint ${JSON.stringify(endpoint)} of ${service} is not a URL that begins with http:// or https://`,
      { operation: 'open' },
    );
  }
}
