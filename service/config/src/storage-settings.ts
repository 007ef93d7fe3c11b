import { DEFAULT_LAYOUT } from '@floecat/storage-spi';
import type { LayoutSettings } from '@floecat/storage-spi';

import type { AwsAccess, BlobsInS3, PointersInDynamo, SecretsInAws } from './aws-settings.ts';
import { awsAccess, blobsInS3, keysAreWhole, pointersInDynamo, secretsInAws } from './aws-settings.ts';
import type { CheckedValues } from './check-values.ts';
import type { ConfigProblem } from './errors.ts';
import { describeOrigin } from './origin.ts';
import type { ValuesOf } from './property.ts';
import type { SCHEMA } from './schema.ts';

type Values = ValuesOf<typeof SCHEMA>;

/** Where pointers are kept. */
export type KvSettings =
  | { readonly backend: 'memory' }
  | {
      readonly backend: 'local';
      /** Absolute. */
      readonly dataDir: string;
      /** Whether a write waits for the disk before it is acknowledged. */
      readonly flush: boolean;
    }
  | ({ readonly backend: 'dynamodb' } & PointersInDynamo);

/** Where blobs are kept; always in the same backend as the pointers. */
export type BlobSettings =
  | { readonly backend: 'memory' }
  | { readonly backend: 'local'; readonly dataDir: string }
  | ({ readonly backend: 's3' } & BlobsInS3);

/** Where secrets are kept. */
export type SecretsSettings =
  | { readonly backend: 'memory' }
  | { readonly backend: 'local'; readonly dataDir: string }
  | ({ readonly backend: 'aws' } & SecretsInAws);

/** What a store is opened from. */
export interface StorageSettings {
  readonly kv: KvSettings;
  readonly blob: BlobSettings;
  readonly secrets: SecretsSettings;
  /** How AWS is reached; used only where one of the three is there. */
  readonly aws: AwsAccess;
  readonly layout: LayoutSettings;
}

/** The blob backend that each pointer backend goes with. */
const BLOBS_OF = { memory: 'memory', local: 'local', dynamodb: 's3' } as const;

/** Combinations that no single property can refuse. */
export function storageProblems({ draft, effective }: CheckedValues<typeof SCHEMA>): ConfigProblem[] {
  const { kv, blob, secrets } = draft.storage;
  const problems: ConfigProblem[] = [];
  const refuse = (name: string, message: string): void => {
    const { shown, origin } = effective.get(name) ?? {};
    problems.push({ name, ...(shown !== undefined && { value: shown }), ...(origin && { origin }), message });
  };
  const kvOrigin = describeOrigin(effective.get('floecat.kv')?.origin ?? { kind: 'default' });
  if (kv && blob && BLOBS_OF[kv] !== blob)
    refuse(
      'floecat.blob',
      `floecat.kv is ${kv} (${kvOrigin}); pointers and blobs belong together, so set floecat.blob=${BLOBS_OF[kv]}`,
    );
  if (kv && kv !== 'local' && secrets === 'local')
    refuse(
      'floecat.secrets',
      kv === 'memory'
        ? `floecat.kv is memory (${kvOrigin}); local secrets would outlive the store they belong to, so set memory`
        : `floecat.kv is dynamodb (${kvOrigin}); other machines would not find local secrets, so set aws`,
    );
  if (kv && kv !== 'dynamodb' && secrets === 'aws')
    refuse(
      'floecat.secrets',
      `floecat.kv is ${kv} (${kvOrigin}); secrets in AWS go with a store there, so set ${kv}`,
    );
  if (blob === 's3' && effective.get('floecat.blob.s3.bucket')?.shown === undefined)
    refuse('floecat.blob.s3.bucket', 'floecat.blob is s3, which needs a bucket; set it');
  const { billingMode, readUnits, writeUnits } = draft.dynamodb;
  if (billingMode === 'provisioned' && (readUnits === undefined || writeUnits === undefined))
    refuse(
      'floecat.kv.billing-mode',
      'provisioned throughput needs floecat.kv.read-units and floecat.kv.write-units; set both',
    );
  for (const prefix of ['floecat.fileio.override.s3', 'floecat.upstream.s3'])
    keysAreWhole(prefix, (name) => effective.get(name)?.shown !== undefined, refuse);
  if (draft.upstreamS3.secret && draft.upstreamS3.accessKeyId !== undefined)
    refuse('floecat.upstream.s3.secret', 'floecat.upstream.s3.access-key-id is set too; give one of the two');
  return problems;
}

export function storageSettings(values: Values): StorageSettings {
  const { storage, gcPointer, gcCas, dynamodb } = values;
  const { dataDir, flush, kv, blob, secrets } = storage;
  return {
    kv:
      kv === 'memory'
        ? { backend: kv }
        : kv === 'local'
          ? { backend: kv, dataDir, flush }
          : { backend: kv, ...pointersInDynamo(values) },
    blob:
      blob === 'memory'
        ? { backend: blob }
        : blob === 'local'
          ? { backend: blob, dataDir }
          : { backend: blob, ...blobsInS3(values) },
    secrets:
      secrets === 'memory'
        ? { backend: secrets }
        : secrets === 'local'
          ? { backend: secrets, dataDir }
          : { backend: secrets, ...secretsInAws(values) },
    aws: awsAccess(values),
    layout: {
      shards: kv === 'dynamodb' ? dynamodb.shards : DEFAULT_LAYOUT.shards,
      pointerGraceMs: gcPointer.minAgeMs,
      casGraceMs: gcCas.minAgeMs,
      casRetentionMs: gcCas.retentionMs,
    },
  };
}
