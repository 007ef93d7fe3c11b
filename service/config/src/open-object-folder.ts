import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

import type { ClientBuilders } from '@floecat/storage-aws';
import type { Clock } from '@floecat/storage-spi';
import { InvalidArgumentError } from '@floecat/storage-spi';

import { awsSettings } from './aws-storage-config.ts';
import type { ObjectFolder } from './object-folder.ts';
import type { StorageSettings } from './storage-settings.ts';

export interface OpenObjectFolderOptions {
  readonly clock?: Clock;
  /** Replaces how the S3 client is made, to add middleware or another transport. */
  readonly builders?: Partial<Pick<ClientBuilders, 's3'>>;
}

/**
 * Opens a folder of a bucket, `s3://bucket` or `s3://bucket/prefix`, with the access to S3 that the store itself has, or
 * would have: the `floecat.fileio.override.s3` settings. Makes no request. Throws `InvalidArgumentError` for what is no
 * such location, and for one that overlaps with where the blobs of the store lie.
 */
export async function openObjectFolder(
  settings: StorageSettings,
  location: string,
  options: OpenObjectFolderOptions = {},
): Promise<ObjectFolder> {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(location) ?? [];
  const keyPrefix = path.replace(/\/+$/, '') === '' ? '' : `${path.replace(/\/+$/, '')}/`;
  if (bucket === '' || keyPrefix.startsWith('/') || keyPrefix.includes('//'))
    throw refused(location, 'is no place in S3: write s3://bucket/prefix');
  const { blob, aws } = settings;
  if (blob.backend === 's3' && blob.objects.bucket === bucket) {
    const { keyPrefix: own = '' } = blob.objects;
    if (keyPrefix.startsWith(own) || own.startsWith(keyPrefix))
      throw refused(
        location,
        `overlaps with the store's own blobs, which lie at s3://${bucket}/${own}: choose another bucket, or a prefix beside that one`,
      );
  }
  const { openS3ObjectFolder } = await import('@floecat/storage-aws');
  const encryption = blob.backend === 's3' ? blob.objects.encryption : undefined;
  return openS3ObjectFolder({
    aws: awsSettings(aws),
    bucket,
    keyPrefix,
    ...(encryption && { encryption }),
    ...(blob.backend === 's3' && { wire: blob.wire }),
    ...options,
  });
}

/**
 * The absolute path of a folder of this machine, for files that are not the store's. Throws `InvalidArgumentError` for
 * one that lies in the folder of the embedded store, also over a symbolic link.
 */
export async function folderBesideStore(
  { kv }: Pick<StorageSettings, 'kv'>,
  location: string,
  cwd: string,
): Promise<string> {
  const path = resolve(cwd, location);
  if (kv.backend !== 'local') return path;
  const [own, real] = await Promise.all([realPath(kv.dataDir), realPath(path)]);
  if (real === own || real.startsWith(own + sep))
    throw refused(
      location,
      `lies in the folder of the store, ${kv.dataDir}: choose another, on another disk`,
    );
  return path;
}

/** Without symbolic links, as far as it exists. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPath(parent), basename(path));
  }
}

function refused(location: string, why: string): InvalidArgumentError {
  return new InvalidArgumentError(`${JSON.stringify(location)} ${why}`, { operation: 'open', key: location });
}
