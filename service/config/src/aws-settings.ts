import type { S3BlobSettings, TableSettings, WireSettings } from '@floecat/storage-aws';

import type { ValuesOf } from './property.ts';
import type { SCHEMA } from './schema.ts';
import type { Secret } from './secret.ts';
import type { SecretId } from './text-types.ts';

type Values = ValuesOf<typeof SCHEMA>;

/** A static key of AWS. */
export interface AwsKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret;
}

/** How S3 is reached and signed for. What is absent is found by the SDK. */
export interface S3Access {
  readonly region?: string;
  readonly s3Endpoint?: string;
  readonly key?: AwsKey;
  readonly pathStyleAccess: boolean;
}

/** How the services of AWS are reached and signed for. */
export interface AwsAccess extends S3Access {
  readonly dynamodbEndpoint?: string;
  readonly secretsManagerEndpoint?: string;
  readonly stsEndpoint?: string;
  readonly maxSockets: number;
  readonly connectTimeoutMs: number;
  /** Tokens of the retry budget. */
  readonly retryBudget: number;
}

export interface PointersInDynamo {
  readonly tableName: string;
  readonly autoCreate: boolean;
  readonly table: TableSettings;
  readonly wire: WireSettings;
}

export interface BlobsInS3 {
  readonly autoCreate: boolean;
  readonly objects: S3BlobSettings;
  readonly bucket: {
    readonly blockPublicAccess: boolean;
    readonly noncurrentDays: number;
    readonly unfinishedUploadDays: number;
    readonly tags: Readonly<Record<string, string>>;
  };
  readonly wire: WireSettings;
}

export interface SecretsInAws {
  readonly role?: {
    readonly roleArn: string;
    readonly externalId?: string;
    readonly durationSeconds: number;
  };
  readonly recoveryDays: number;
  readonly kmsKeyId?: string;
  readonly wire: WireSettings;
}

/** Upstream tables in S3: where they may be, and how they are reached. Independent of the catalog's own storage. */
export interface UpstreamS3Settings extends S3Access {
  /** Each ends in `/`; `s3://` is every bucket. Empty: nothing is read from S3. */
  readonly locations: readonly string[];
  /** Of the account; holds the key, instead of `key`. */
  readonly secret?: SecretId;
  readonly wire: WireSettings;
  readonly maxSockets: number;
  readonly connectTimeoutMs: number;
}

/** Refuses a part of a key: it must not turn into another identity. */
export function keysAreWhole(
  prefix: string,
  isSet: (name: string) => boolean,
  refuse: (name: string, message: string) => void,
): void {
  const [id, secret, token] = ['access-key-id', 'secret-access-key', 'session-token'].map(
    (last) => `${prefix}.${last}`,
  ) as [string, string, string];
  const whole = 'a key is given whole, or not at all';
  if (isSet(id) && !isSet(secret)) refuse(secret, `not set, but ${id} is; ${whole}`);
  if (!isSet(id) && isSet(secret)) refuse(id, `not set, but ${secret} is; ${whole}`);
  if (isSet(token) && !isSet(id) && !isSet(secret)) refuse(id, `not set, but ${token} is; ${whole}`);
}

export function awsAccess({ aws }: Values): AwsAccess {
  const { dynamodbEndpoint, secretsManagerEndpoint, stsEndpoint, maxSockets, connectTimeoutMs } = aws;
  return {
    ...s3Access(aws),
    ...defined({ dynamodbEndpoint, secretsManagerEndpoint, stsEndpoint }),
    maxSockets,
    connectTimeoutMs,
    retryBudget: aws.budgetCapacity,
  };
}

export function upstreamS3({ upstreamS3: values, s3Wire, aws }: Values): UpstreamS3Settings {
  const { locations, secret } = values;
  const { maxSockets, connectTimeoutMs } = aws;
  return {
    ...s3Access(values),
    locations,
    ...defined({ secret }),
    wire: s3Wire,
    maxSockets,
    connectTimeoutMs,
  };
}

export function pointersInDynamo({ dynamodb, dynamodbWire }: Values): PointersInDynamo {
  const { table, autoCreate, billingMode, readUnits, writeUnits, kmsKeyId } = dynamodb;
  const {
    ttlEnabled,
    pointInTimeRecovery,
    recoveryDays,
    deletionProtection,
    tableClass,
    tags,
    allowReplicas,
  } = dynamodb;
  return {
    tableName: table,
    autoCreate,
    table: {
      throughput:
        billingMode === 'provisioned'
          ? // Both are there: checked with the combinations.
            { mode: 'provisioned', readUnits: readUnits ?? 1, writeUnits: writeUnits ?? 1 }
          : { mode: 'on-demand', ...defined({ maxReadUnits: readUnits, maxWriteUnits: writeUnits }) },
      ttlEnabled,
      pointInTimeRecovery,
      recoveryDays,
      deletionProtection,
      tableClass,
      tags,
      allowReplicas,
      ...defined({ kmsKeyId }),
    },
    wire: dynamodbWire,
  };
}

export function blobsInS3({ s3, s3Wire }: Values): BlobsInS3 {
  const { autoCreate, keyPrefix, sse, kmsKeyId, bucketKey, storageClass, tags } = s3;
  const { blockPublicAccess, noncurrentDays, unfinishedUploadDays, bucketTags } = s3;
  return {
    autoCreate,
    objects: {
      // There: checked with the combinations.
      bucket: s3.bucket ?? '',
      keyPrefix,
      ...defined({ storageClass }),
      ...(sse !== undefined && {
        encryption:
          sse === 'AES256'
            ? { algorithm: sse }
            : { algorithm: sse, ...defined({ keyId: kmsKeyId, bucketKey }) },
      }),
      tags,
    },
    bucket: { blockPublicAccess, noncurrentDays, unfinishedUploadDays, tags: bucketTags },
    wire: s3Wire,
  };
}

export function secretsInAws({ secretsManager, secretsWire }: Values): SecretsInAws {
  const { roleArn, externalId, sessionDurationMs, recoveryDays, kmsKeyId } = secretsManager;
  return {
    ...(roleArn !== undefined && {
      role: { roleArn, ...defined({ externalId }), durationSeconds: Math.floor(sessionDurationMs / 1_000) },
    }),
    recoveryDays,
    ...defined({ kmsKeyId }),
    wire: secretsWire,
  };
}

function s3Access(values: Values['aws'] | Values['upstreamS3']): S3Access {
  const { region, s3Endpoint, accessKeyId, secretAccessKey, sessionToken, pathStyleAccess } = values;
  return {
    ...defined({ region, s3Endpoint }),
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && {
        key: { accessKeyId, secretAccessKey, ...defined({ sessionToken }) },
      }),
    pathStyleAccess,
  };
}

/** Without what is `undefined`, which is not the same as absent. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
