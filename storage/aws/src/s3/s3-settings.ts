import { InvalidArgumentError } from '@floecat/storage-spi';

import { checkTags } from './object-tags.ts';

/** How the objects of a store are kept. Everything but the bucket is optional. */
export interface S3BlobSettings {
  readonly bucket: string;
  /** In front of every key. Empty (the default), or ends in `/` and does not begin with it. */
  readonly keyPrefix?: string;
  /** Default: the bucket's own. */
  readonly encryption?: S3Encryption;
  /** Default: the bucket's own. Archive classes are refused, since a blob must be readable at once. */
  readonly storageClass?: S3StorageClass;
  /** On every object, beside those of the caller. They make a read of a blob two requests instead of one. */
  readonly tags?: Readonly<Record<string, string>>;
}

export type S3Encryption =
  | { readonly algorithm: 'AES256' }
  | {
      readonly algorithm: 'aws:kms' | 'aws:kms:dsse';
      /** Default: the account's own key for S3. */
      readonly keyId?: string;
      /** Fewer requests to KMS; `aws:kms` only. Default: the bucket's own. */
      readonly bucketKey?: boolean;
    };

export const S3_STORAGE_CLASSES = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
] as const;

export type S3StorageClass = (typeof S3_STORAGE_CLASSES)[number];

const MAX_PREFIX_BYTES = 256;
const ENCRYPTIONS = ['AES256', 'aws:kms', 'aws:kms:dsse'];

/** Refuses settings that cannot work, before any request. */
export function checkSettings(settings: S3BlobSettings): void {
  const { bucket, keyPrefix = '', encryption, storageClass, tags = {} } = settings;
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    refuse(`the bucket ${JSON.stringify(bucket)} is not a name that S3 allows`);
  if (keyPrefix !== '' && (!keyPrefix.endsWith('/') || keyPrefix.startsWith('/')))
    refuse(`the key prefix ${JSON.stringify(keyPrefix)} must end in / and not begin with it`);
  const prefixBytes = Buffer.byteLength(keyPrefix);
  if (prefixBytes > MAX_PREFIX_BYTES)
    refuse(`the key prefix is ${prefixBytes} bytes in UTF-8; the limit is ${MAX_PREFIX_BYTES}`);
  if (encryption && !ENCRYPTIONS.includes(encryption.algorithm))
    refuse(`the encryption ${encryption.algorithm} is none of ${ENCRYPTIONS.join(', ')}`);
  if (encryption && encryption.algorithm !== 'aws:kms' && 'bucketKey' in encryption)
    refuse('a bucket key goes with the encryption aws:kms only');
  if (encryption?.algorithm === 'AES256' && 'keyId' in encryption)
    refuse('a key id goes with the encryptions aws:kms and aws:kms:dsse only');
  if (storageClass !== undefined && !S3_STORAGE_CLASSES.includes(storageClass))
    refuse(`the storage class ${storageClass} is none of ${S3_STORAGE_CLASSES.join(', ')}`);
  checkTags(tags, refuse);
}

function refuse(why: string): never {
  throw new InvalidArgumentError(`open: ${why}; correct the settings`, { operation: 'open' });
}
