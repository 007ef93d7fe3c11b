import type { BlobHeader } from '@floecat/storage-spi';
import { digestInUri, StorageCorruptionError } from '@floecat/storage-spi';

/** Names of S3 metadata, without their `x-amz-meta-`. */
export const META_SHA256 = 'sha256';
export const META_CREATED_AT = 'created-at';
export const META_MESSAGE = 'message';

/** Version id of objects that were put while the bucket had no versioning. */
export const NULL_VERSION = 'null';

/** What GetObject and HeadObject answer alike. */
export interface ObjectAnswer {
  readonly VersionId?: string | undefined;
  readonly ContentLength?: number | undefined;
  readonly ContentType?: string | undefined;
  readonly LastModified?: Date | undefined;
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
  readonly TagCount?: number | undefined;
}

const BASE64_SHA256 = /^[A-Za-z0-9+/]{43}=$/;

/** The header of a stored object, without its tags. Throws `StorageCorruptionError` where it has no sound digest. */
export function headerOf(operation: string, uri: string, answer: ObjectAnswer): BlobHeader {
  const metadata = answer.Metadata ?? {};
  const lastModified = wholeSeconds(answer.LastModified);
  const message = metadata[META_MESSAGE];
  return {
    uri,
    versionId: answer.VersionId ?? NULL_VERSION,
    etag: digestOf(operation, uri, metadata[META_SHA256]),
    size: answer.ContentLength ?? 0,
    contentType: answer.ContentType ?? 'application/octet-stream',
    ...(message !== undefined && { message }),
    createdAt: createdAtOf(metadata[META_CREATED_AT]) ?? lastModified,
    lastModified,
    tags: {},
  };
}

/** Listings tell milliseconds on some servers, headers never do; whole seconds are what all of them agree on. */
export function wholeSeconds(date: Date | undefined): number {
  return Math.floor((date?.getTime() ?? 0) / 1_000) * 1_000;
}

/** The SHA-256 that a content-addressed URI carries, in base64. */
export function promisedDigest(uri: string): string | undefined {
  const inUri = digestInUri(uri);
  return inUri === undefined ? undefined : Buffer.from(inUri, 'hex').toString('base64');
}

// The digest in the URI is the promise; the metadata must agree with it.
function digestOf(operation: string, uri: string, stored: string | undefined): string {
  const digest = promisedDigest(uri) ?? stored;
  if (digest === undefined || !BASE64_SHA256.test(digest) || (stored !== undefined && stored !== digest))
    throw new StorageCorruptionError(
      `${operation} ${JSON.stringify(uri)}: the object's metadata has ${stored === undefined ? 'no' : 'a wrong'} ` +
        `SHA-256, so it was not written by this store, or was damaged; see floecat verify`,
      { operation, key: uri },
    );
  return digest;
}

// Only for people; a bad one never stops a read.
function createdAtOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined;
  return Number(text);
}
