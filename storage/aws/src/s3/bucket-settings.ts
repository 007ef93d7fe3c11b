import { createHash } from 'node:crypto';

import { InvalidArgumentError } from '@floecat/storage-spi';

import type { S3BlobSettings, S3Encryption } from './s3-settings.ts';
import { checkSettings } from './s3-settings.ts';

/** How the bucket itself is made. */
export interface BucketSettings {
  /** Where it must be. Default: wherever the client sends to, unchecked. */
  readonly region?: string;
  /** Of objects that are put without one of their own. Default `AES256`. */
  readonly encryption: S3Encryption;
  /** Closes the bucket to the public, in all four ways that S3 has. Default true. */
  readonly blockPublicAccess: boolean;
  /** After how many days S3 removes versions that were deleted or replaced. 1 or more, default 30. */
  readonly noncurrentDays: number;
  /** After how many days S3 removes uploads that were never finished. 1 or more, default 7. */
  readonly unfinishedUploadDays: number;
  /** Of the bucket, not of its objects. At most 50. Default none. */
  readonly tags: Readonly<Record<string, string>>;
}

export const DEFAULT_BUCKET: BucketSettings = {
  encryption: { algorithm: 'AES256' },
  blockPublicAccess: true,
  noncurrentDays: 30,
  unfinishedUploadDays: 7,
  tags: {},
};

/** How long a changed setting may take until S3 answers it, and how often it is asked. Milliseconds. */
export const BUCKET_WAIT = { limitMs: 120_000, pauseMs: 500 } as const;

const MAX_BUCKET_TAGS = 50;

/** The settings with their defaults. Refuses what S3 would refuse, before any request. */
export function bucketSettings(objects: S3BlobSettings, given: Partial<BucketSettings>): BucketSettings {
  const settings = { ...DEFAULT_BUCKET, ...given };
  const { encryption, noncurrentDays, unfinishedUploadDays, tags } = settings;
  checkSettings({ ...objects, encryption });
  for (const days of [noncurrentDays, unfinishedUploadDays])
    if (!Number.isInteger(days) || days < 1) refuse(`a lifecycle of ${days} days; give 1 or more`);
  const count = Object.keys(tags).length;
  if (count > MAX_BUCKET_TAGS) refuse(`${count} tags of the bucket; the limit is ${MAX_BUCKET_TAGS}`);
  return settings;
}

function refuse(why: string): never {
  throw new InvalidArgumentError(`open: ${why}; correct the settings`, { operation: 'open' });
}

/** Ids of the two lifecycle rules; of each key prefix its own, so that stores can share a bucket. */
export function ruleIds(keyPrefix: string): { readonly versions: string; readonly uploads: string } {
  const digest = createHash('sha256').update(keyPrefix).digest('hex').slice(0, 12);
  const suffix = keyPrefix === '' ? '' : `-${digest}`;
  return { versions: `floecat-noncurrent-versions${suffix}`, uploads: `floecat-unfinished-uploads${suffix}` };
}
