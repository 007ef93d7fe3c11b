import { createHash } from 'node:crypto';

import type {
  Blob,
  BlobHeader,
  BlobListOptions,
  BlobPage,
  BlobStore,
  BlobVersionListing,
  BlobVersionPage,
  BulkDeleteReport,
  Clock,
  PutOptions,
} from '@floecat/storage-spi';
import {
  DEFAULT_PAGE_SIZE,
  LOST_TAG,
  lowerBound,
  PageTokens,
  StorageNotFoundError,
} from '@floecat/storage-spi';

import { SortedMap } from './sorted-map.ts';

export interface MemoryBlobStoreConfig {
  readonly storeId: string;
  readonly clock: Clock;
}

/** The reference BlobStore: each URI has its versions, oldest first. */
export class MemoryBlobStore implements BlobStore {
  readonly #config: MemoryBlobStoreConfig;
  readonly #tokens: PageTokens;
  readonly #versions = new SortedMap<readonly Blob[]>();
  #puts = 0;

  constructor(config: MemoryBlobStoreConfig) {
    this.#config = config;
    this.#tokens = new PageTokens(config.storeId);
  }

  async get(uri: string, options?: { readonly versionId?: string }): Promise<Blob> {
    const { header, bytes } = this.#find('get', uri, options?.versionId);
    return { header, bytes: bytes.slice() };
  }

  async getBatch(uris: readonly string[]): Promise<readonly (Blob | undefined)[]> {
    return uris.map((uri) => {
      const blob = this.#versions.get(uri)?.at(-1);
      return blob && { header: blob.header, bytes: blob.bytes.slice() };
    });
  }

  async head(uri: string, options?: { readonly versionId?: string }): Promise<BlobHeader> {
    return this.#find('head', uri, options?.versionId).header;
  }

  async put(uri: string, bytes: Uint8Array, options: PutOptions = {}): Promise<BlobHeader> {
    const now = this.#config.clock.now();
    const header: BlobHeader = Object.freeze({
      uri,
      versionId: String(++this.#puts).padStart(16, '0'),
      etag: createHash('sha256').update(bytes).digest('base64'),
      size: bytes.length,
      contentType: options.contentType ?? 'application/x-protobuf',
      ...(options.message !== undefined && { message: options.message }),
      createdAt: now,
      lastModified: now,
      tags: Object.freeze({ ...options.tags }),
    });
    this.#versions.set(uri, [...(this.#versions.get(uri) ?? []), { header, bytes: new Uint8Array(bytes) }]);
    return header;
  }

  async markLost(uri: string, versionId: string): Promise<void> {
    const versions = this.#versions.get(uri);
    if (!versions) return;
    const marked = versions.map((blob) =>
      blob.header.versionId === versionId
        ? { ...blob, header: { ...blob.header, tags: { ...blob.header.tags, [LOST_TAG]: 'true' } } }
        : blob,
    );
    this.#versions.set(uri, marked);
  }

  async delete(uri: string): Promise<void> {
    this.#versions.delete(uri);
  }

  async deleteVersion(uri: string, versionId: string): Promise<void> {
    const kept = (this.#versions.get(uri) ?? []).filter((blob) => blob.header.versionId !== versionId);
    if (kept.length > 0) this.#versions.set(uri, kept);
    else this.#versions.delete(uri);
  }

  async deletePrefix(prefix: string): Promise<BulkDeleteReport> {
    const doomed = this.#urisBelow(prefix);
    for (const uri of doomed) this.#versions.delete(uri);
    return { deleted: doomed.length, failed: [] };
  }

  async list(prefix: string, options: BlobListOptions = {}): Promise<BlobPage> {
    const { limit = DEFAULT_PAGE_SIZE, pageToken } = options;
    const uris = this.#urisBelow(prefix);
    const after = pageToken === undefined ? undefined : this.#tokens.decode('blobs', prefix, pageToken);
    const start = after === undefined ? 0 : lowerBound(uris, after, (uri) => uri, true);
    const page = uris.slice(start, start + limit);
    const blobs = page.map((uri) => {
      const { size, lastModified } = this.#find('list', uri).header;
      return { uri, size, lastModified };
    });
    if (start + limit >= uris.length) return { blobs };
    return { blobs, nextPageToken: this.#tokens.encode('blobs', prefix, page.at(-1) as string) };
  }

  async listVersions(prefix: string, options: BlobListOptions = {}): Promise<BlobVersionPage> {
    const { limit = DEFAULT_PAGE_SIZE, pageToken } = options;
    const all = this.#urisBelow(prefix).flatMap((uri) => this.#listingOf(uri));
    let start = 0;
    if (pageToken !== undefined) {
      const position = this.#tokens.decode('blob-versions', prefix, pageToken);
      const [uri, versionId] = splitPosition(position);
      start = lowerBound(all, uri, (version) => version.uri);
      while (all[start]?.uri === uri && (all[start] as BlobVersionListing).versionId >= versionId) start++;
    }
    const versions = all.slice(start, start + limit);
    if (start + limit >= all.length) return { versions };
    const { uri, versionId } = versions.at(-1) as BlobVersionListing;
    return { versions, nextPageToken: this.#tokens.encode('blob-versions', prefix, `${uri}\0${versionId}`) };
  }

  async supportsVersionedDeletes(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #urisBelow(prefix: string): string[] {
    const from = this.#versions.keysFrom(prefix);
    const end = from.findIndex((uri) => !uri.startsWith(prefix));
    return end < 0 ? from : from.slice(0, end);
  }

  #listingOf(uri: string): BlobVersionListing[] {
    const versions = this.#versions.get(uri) ?? [];
    return versions
      .map(({ header: { versionId, size, lastModified } }, i) => ({
        uri,
        versionId,
        size,
        lastModified,
        latest: i === versions.length - 1,
      }))
      .toReversed();
  }

  #find(operation: string, uri: string, versionId?: string): Blob {
    const versions = this.#versions.get(uri);
    const blob =
      versionId === undefined ? versions?.at(-1) : versions?.find((v) => v.header.versionId === versionId);
    if (blob) return blob;
    const what = versionId === undefined ? 'no blob' : `no version ${versionId} of the blob`;
    throw new StorageNotFoundError(`${operation}: ${what} ${uri}`, { operation, key: uri });
  }
}

function splitPosition(position: string): [uri: string, versionId: string] {
  const separator = position.lastIndexOf('\0');
  return [position.slice(0, separator), position.slice(separator + 1)];
}
