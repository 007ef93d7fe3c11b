import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import type {
  BlobListing,
  BlobListOptions,
  BlobPage,
  BlobVersionListing,
  BlobVersionPage,
  CallOptions,
  PageTokens,
} from '@floecat/storage-spi';
import { DEFAULT_PAGE_SIZE } from '@floecat/storage-spi';

import type { Bucket, S3Call } from './bucket.ts';
import { NULL_VERSION, wholeSeconds } from './object-header.ts';

/** What belongs to the store itself. */
const STORES_OWN = '/.floecat/';

/** A version, or a delete marker, as S3 lists it. */
export interface StoredVersion extends BlobVersionListing {
  readonly key: string;
  readonly deleteMarker: boolean;
}

/** Where a listing of versions goes on. */
export interface VersionPosition {
  readonly key: string;
  readonly versionId: string;
}

export interface StoredVersionPage {
  readonly versions: readonly StoredVersion[];
  readonly next?: VersionPosition;
}

/** Lists objects in the order of their keys, which is that of their URIs. */
export class ObjectLister {
  readonly #bucket: Bucket;
  readonly #tokens: PageTokens;

  constructor(bucket: Bucket, tokens: PageTokens) {
    this.#bucket = bucket;
    this.#tokens = tokens;
  }

  async list(prefix: string, options: BlobListOptions): Promise<BlobPage> {
    const { limit = DEFAULT_PAGE_SIZE, pageToken, signal } = options;
    let after = pageToken === undefined ? undefined : this.#tokens.decode('blobs', prefix, pageToken);
    const listPrefix = this.#bucket.listPrefix(prefix);
    if (listPrefix === undefined || prefix.startsWith(STORES_OWN)) return { blobs: [] };
    const call = callOf('list', prefix, 'ListBucket', signal);
    const blobs: BlobListing[] = [];
    for (;;) {
      const startAfter = after === undefined ? undefined : this.#bucket.keyOf('list', after);
      const page = await this.#bucket.send(call, async (s3, attempt) => {
        const answer = await s3.listObjectsV2(
          {
            Bucket: this.#bucket.name,
            Prefix: listPrefix,
            MaxKeys: limit - blobs.length,
            EncodingType: 'url',
            ...(startAfter !== undefined && { StartAfter: startAfter }),
          },
          { abortSignal: attempt.signal },
        );
        const found = (answer.Contents ?? []).map(({ Key, Size, LastModified }) => ({
          uri: this.#bucket.uriOf(decoded(Key, answer.EncodingType)),
          size: Size ?? 0,
          lastModified: wholeSeconds(LastModified),
        }));
        return { found, truncated: isTruncated(answer.IsTruncated) };
      });
      blobs.push(...page.found.filter(({ uri }) => !uri.startsWith(STORES_OWN)));
      after = page.found.at(-1)?.uri;
      if (!page.truncated || after === undefined) return { blobs };
      // What was left out, or a server that answers less than was asked for, must not make a short page.
      if (blobs.length >= limit) return { blobs, nextPageToken: this.#tokens.encode('blobs', prefix, after) };
    }
  }

  async listVersions(prefix: string, options: BlobListOptions): Promise<BlobVersionPage> {
    const { limit = DEFAULT_PAGE_SIZE, pageToken, signal } = options;
    let position =
      pageToken === undefined
        ? undefined
        : this.#positionOf(this.#tokens.decode('blob-versions', prefix, pageToken));
    const versions: BlobVersionListing[] = [];
    for (;;) {
      const page = await this.storedVersions('listVersions', prefix, {
        limit: limit - versions.length,
        signal,
        position,
      });
      for (const { uri, versionId, size, lastModified, latest, deleteMarker } of page.versions)
        if (!deleteMarker) versions.push({ uri, versionId, size, lastModified, latest });
      if (!page.next) return { versions };
      if (versions.length >= limit) {
        const token = `${this.#bucket.uriOf(page.next.key)}\0${page.next.versionId}`;
        return { versions, nextPageToken: this.#tokens.encode('blob-versions', prefix, token) };
      }
      // Delete markers and the store's own were left out.
      position = page.next;
    }
  }

  /** One page of versions and delete markers, without what is the store's own. */
  async storedVersions(
    operation: string,
    prefix: string,
    options: {
      readonly limit: number;
      readonly position?: VersionPosition | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<StoredVersionPage> {
    const { limit, position, signal } = options;
    const listPrefix = this.#bucket.listPrefix(prefix);
    if (listPrefix === undefined || prefix.startsWith(STORES_OWN)) return { versions: [] };
    const call = callOf(operation, prefix, 'ListBucketVersions', signal);
    return this.#bucket.send(call, async (s3, attempt) => {
      const answer = await s3.listObjectVersions(
        {
          Bucket: this.#bucket.name,
          Prefix: listPrefix,
          MaxKeys: limit,
          EncodingType: 'url',
          ...(position && { KeyMarker: position.key, VersionIdMarker: position.versionId }),
        },
        { abortSignal: attempt.signal },
      );
      const encoding = answer.EncodingType;
      const all = [
        ...(answer.Versions ?? []).map((each) => this.#stored(each, encoding, each.Size ?? 0)),
        ...(answer.DeleteMarkers ?? []).map((each) => this.#stored(each, encoding)),
      ];
      const versions = all.filter(({ uri }) => !uri.startsWith(STORES_OWN));
      if (!isTruncated(answer.IsTruncated)) return { versions };
      const versionId = answer.NextVersionIdMarker ?? NULL_VERSION;
      return {
        versions,
        next: { key: markerKey(answer.NextKeyMarker, versionId, all, encoding), versionId },
      };
    });
  }

  #stored(
    entry: {
      Key?: string | undefined;
      VersionId?: string | undefined;
      LastModified?: Date | undefined;
      IsLatest?: boolean | undefined;
    },
    encoding: string | undefined,
    /** Delete markers have none. */
    size?: number,
  ): StoredVersion {
    const key = decoded(entry.Key, encoding);
    return {
      key,
      uri: this.#bucket.uriOf(key),
      versionId: entry.VersionId ?? NULL_VERSION,
      size: size ?? 0,
      lastModified: wholeSeconds(entry.LastModified),
      latest: entry.IsLatest === true,
      deleteMarker: size === undefined,
    };
  }

  #positionOf(position: string): VersionPosition {
    const separator = position.lastIndexOf('\0');
    const key = this.#bucket.keyOf('listVersions', position.slice(0, separator));
    return { key, versionId: position.slice(separator + 1) };
  }
}

/** The keys of one page of `listObjectsV2`, and the token that it goes on with; `token` is that of this page. */
export function keysOf(
  { Contents, EncodingType, IsTruncated, NextContinuationToken }: ListObjectsV2CommandOutput,
  token: string | undefined,
): { readonly keys: readonly string[]; readonly next: string | undefined } {
  const keys = (Contents ?? []).map(({ Key }) => decoded(Key, EncodingType));
  if (!isTruncated(IsTruncated)) return { keys, next: undefined };
  if (NextContinuationToken === undefined || NextContinuationToken === token)
    throw new UnreadableListingError('the listing does not say where it goes on');
  return { keys, next: NextContinuationToken };
}

/** Whether more follows. An answer that does not say is none: part of a listing must not pass for all of it. */
export function isTruncated(flag: boolean | undefined): boolean {
  if (flag === undefined) throw new UnreadableListingError('the listing does not say whether it is complete');
  return flag;
}

/** Has a `code`, as errors of the network do, and is tried again like them. */
export class UnreadableListingError extends Error {
  readonly code = 'ERR_UNREADABLE_LISTING';
}

/** A key as it is, out of the encoding that the answer says it has: not every server gives the one asked for. */
export function decoded(key: string | undefined, encoding: string | undefined): string {
  if (key === undefined) throw new UnreadableListingError('the listing has an entry without a key');
  if (encoding !== 'url') return key;
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch (cause) {
    throw new UnreadableListingError(`the listing has a key that is not encoded: ${key}`, { cause });
  }
}

/** The key that a listing goes on after: some servers encode those of the entries and not this one. */
function markerKey(
  marker: string | undefined,
  versionId: string,
  entries: readonly StoredVersion[],
  encoding: string | undefined,
): string {
  // It is the key of one of the entries, mostly of the only one with this version id.
  const [entry, other] = entries.filter((each) => each.versionId === versionId);
  return entry && !other ? entry.key : decoded(marker, encoding);
}

function callOf(operation: string, key: string, action: string, signal: CallOptions['signal']): S3Call {
  return { operation, key, action, write: false, signal };
}
