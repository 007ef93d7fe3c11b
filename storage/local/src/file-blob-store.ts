import { join } from 'node:path';

import type {
  Blob,
  BlobHeader,
  BlobListing,
  BlobListOptions,
  BlobPage,
  BlobStore,
  BlobVersionListing,
  BlobVersionPage,
  BulkDeleteReport,
  CallOptions,
  Clock,
  PutOptions,
  RandomSource,
} from '@floecat/storage-spi';
import {
  DEFAULT_PAGE_SIZE,
  PageTokens,
  StorageMisconfiguredError,
  StorageNotFoundError,
} from '@floecat/storage-spi';

import { encodeBlobHeader, sha256Base64 } from './blob-file.ts';
import type { BlobFolder } from './blob-folder.ts';
import { readBlobFolder } from './blob-folder.ts';
import type { VersionFile } from './blob-reader.ts';
import { readBlob, readHeader } from './blob-reader.ts';
import type { WalkedBlob, WalkFrom } from './blob-walk.ts';
import { BlobWalk } from './blob-walk.ts';
import type { DurableFiles } from './durable-files.ts';
import { fileError, isMissing } from './file-errors.ts';
import { folderOfUri } from './file-names.ts';
import { FolderIndex } from './folder-index.ts';
import type { Health } from './health.ts';
import { Slots } from './slots.ts';
import type { StoreMarker } from './store-marker.ts';
import { readMarker } from './store-marker.ts';
import { isVersionId, lostName, modifiedOf, nextVersionId, sizeOf } from './version-id.ts';

/** Files worked on at once; more would only wait for the disk, and each holds a descriptor. */
const PARALLEL_FILES = 32;
/** How often to look again for a version that vanished while it was being read. */
const MAX_LOOKS = 100;
const MAX_DELETE_ATTEMPTS = 3;

export interface FileBlobStoreConfig {
  /** The folder of all blobs; made by {@link openLocalStorage}. */
  readonly root: string;
  readonly storeId: string;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly files: DurableFiles;
  readonly health: Health;
  /** The store, table and epoch that the marker beside the blobs must name. */
  readonly identity: StoreMarker;
}

/** Blobs as files, one a version, below one folder. Durable before they are acknowledged, verified when read. */
export class FileBlobStore implements BlobStore {
  readonly #config: FileBlobStoreConfig;
  readonly #tokens: PageTokens;
  readonly #slots = new Slots(PARALLEL_FILES);
  readonly #folders = new FolderIndex();

  constructor(config: FileBlobStoreConfig) {
    this.#config = config;
    this.#tokens = new PageTokens(config.storeId);
  }

  async get(uri: string, options?: { readonly versionId?: string }): Promise<Blob> {
    return this.#run('get', uri, async () => {
      const blob = await this.#find(uri, options?.versionId, readBlob);
      return blob ?? (await this.#absent('get', uri, options?.versionId));
    });
  }

  async getBatch(uris: readonly string[]): Promise<readonly (Blob | undefined)[]> {
    const blobs = await Promise.all(
      uris.map((uri) => this.#run('getBatch', uri, () => this.#find(uri, undefined, readBlob))),
    );
    if (blobs.includes(undefined)) await this.#checkRoot('getBatch', uris[0] ?? '');
    return blobs;
  }

  async head(uri: string, options?: { readonly versionId?: string }): Promise<BlobHeader> {
    return this.#run('head', uri, async () => {
      const header = await this.#find(uri, options?.versionId, readHeader);
      return header ?? (await this.#absent('head', uri, options?.versionId));
    });
  }

  async put(uri: string, bytes: Uint8Array, options: PutOptions = {}): Promise<BlobHeader> {
    // The caller may go on with its buffer while this waits.
    const payload = bytes.slice();
    return this.#run('put', uri, async () => {
      const { clock, random, files } = this.#config;
      const folder = folderOfUri(uri);
      const { versions } = await readBlobFolder(this.#path(folder));
      const now = clock.now();
      const versionId = nextVersionId(versions.at(-1), now, random.uuid(), payload.length);
      const header: BlobHeader = Object.freeze({
        uri,
        versionId,
        etag: sha256Base64(payload),
        size: payload.length,
        contentType: options.contentType ?? 'application/x-protobuf',
        ...(options.message !== undefined && { message: options.message }),
        createdAt: now,
        lastModified: modifiedOf(versionId),
        tags: Object.freeze({ ...options.tags }),
      });
      await files.write(folder, versionId, [encodeBlobHeader(header), payload], {
        operation: 'put',
        key: uri,
      });
      return header;
    });
  }

  async markLost(uri: string, versionId: string): Promise<void> {
    await this.#run('markLost', uri, async () => {
      const folder = folderOfUri(uri);
      const { versions } = await readBlobFolder(this.#path(folder));
      if (versions.includes(versionId))
        await this.#config.files.touch(folder, lostName(versionId), { operation: 'markLost', key: uri });
    });
  }

  async delete(uri: string): Promise<void> {
    await this.#run('delete', uri, async () => {
      const folder = folderOfUri(uri);
      await this.#remove('delete', uri, folder, await readBlobFolder(this.#path(folder)));
    });
  }

  async deleteVersion(uri: string, versionId: string): Promise<void> {
    if (!isVersionId(versionId)) return;
    await this.#run('deleteVersion', uri, () =>
      this.#config.files.remove(folderOfUri(uri), [versionId, lostName(versionId)], {
        operation: 'deleteVersion',
        key: uri,
      }),
    );
  }

  async deletePrefix(prefix: string, options?: CallOptions): Promise<BulkDeleteReport> {
    await this.#checkRoot('deletePrefix', prefix);
    const failed: { uri: string; cause: unknown }[] = [];
    let deleted = 0;
    const underWay = new Set<Promise<void>>();
    const remove = async (blob: WalkedBlob): Promise<void> => {
      if (await this.#removeOrReport(blob, failed)) deleted++;
    };
    try {
      for await (const blob of this.#walk('deletePrefix', prefix)) {
        options?.signal?.throwIfAborted();
        const work: Promise<void> = remove(blob).finally(() => underWay.delete(work));
        underWay.add(work);
        if (underWay.size >= PARALLEL_FILES) await Promise.race(underWay);
      }
    } finally {
      await Promise.all(underWay);
    }
    return { deleted, failed };
  }

  async list(prefix: string, options: BlobListOptions = {}): Promise<BlobPage> {
    const { limit = DEFAULT_PAGE_SIZE, pageToken } = options;
    const after = pageToken === undefined ? undefined : this.#tokens.decode('blobs', prefix, pageToken);
    await this.#checkRoot('list', prefix);
    const blobs: BlobListing[] = [];
    const from = after === undefined ? undefined : { uri: after, inclusive: false };
    for await (const { uri, versions } of this.#walk('list', prefix, from)) {
      options.signal?.throwIfAborted();
      const last = blobs.at(-1);
      if (blobs.length === limit && last)
        return { blobs, nextPageToken: this.#tokens.encode('blobs', prefix, last.uri) };
      const newest = versions.at(-1) ?? '';
      blobs.push({ uri, size: sizeOf(newest), lastModified: modifiedOf(newest) });
    }
    return { blobs };
  }

  async listVersions(prefix: string, options: BlobListOptions = {}): Promise<BlobVersionPage> {
    const { limit = DEFAULT_PAGE_SIZE, pageToken } = options;
    const position =
      pageToken === undefined ? undefined : this.#tokens.decode('blob-versions', prefix, pageToken);
    const after = position === undefined ? undefined : splitPosition(position);
    await this.#checkRoot('listVersions', prefix);
    const found: BlobVersionListing[] = [];
    const from = after && { uri: after.uri, inclusive: true };
    for await (const { uri, versions } of this.#walk('listVersions', prefix, from)) {
      options.signal?.throwIfAborted();
      for (const [i, versionId] of versions.toReversed().entries()) {
        if (uri === after?.uri && versionId >= after.versionId) continue;
        const last = found.at(-1);
        if (found.length === limit && last) {
          const end = `${last.uri}\0${last.versionId}`;
          return { versions: found, nextPageToken: this.#tokens.encode('blob-versions', prefix, end) };
        }
        const [size, lastModified] = [sizeOf(versionId), modifiedOf(versionId)];
        found.push({ uri, versionId, size, lastModified, latest: i === 0 });
      }
    }
    return { versions: found };
  }

  /** True; throws `StorageMisconfiguredError` where the marker beside the blobs does not name this store any more. */
  async supportsVersionedDeletes(): Promise<boolean> {
    await this.#checkRoot('supportsVersionedDeletes', '');
    const marker = await readMarker(this.#config.files);
    const { root, identity } = this.#config;
    const own = (['storeId', 'tableId', 'epoch'] as const).every((name) => marker?.[name] === identity[name]);
    if (own) return true;
    throw new StorageMisconfiguredError(
      `supportsVersionedDeletes: the blobs in ${root} are not those of this pointer table any more; was the folder replaced, or joined to another table?`,
      { operation: 'supportsVersionedDeletes' },
    );
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Runs one call on files, with its turn, its health check and its errors typed. */
  #run<T>(operation: string, key: string, body: () => Promise<T>): Promise<T> {
    return this.#slots.run(async () => {
      this.#config.health.check(operation, key);
      try {
        return await body();
      } catch (error) {
        throw fileError(error, `${operation} of ${key}`, { operation, key });
      }
    });
  }

  async *#walk(operation: string, prefix: string, from?: WalkFrom): AsyncGenerator<WalkedBlob> {
    this.#config.health.check(operation, prefix);
    try {
      yield* new BlobWalk(this.#config.root, this.#folders, prefix, from);
    } catch (error) {
      throw fileError(error, `${operation} of ${prefix}`, { operation, key: prefix });
    }
  }

  /** Reads a version, the newest unless one is named. A version that vanishes meanwhile means: look again. */
  async #find<T>(uri: string, versionId: string | undefined, read: Reader<T>): Promise<T | undefined> {
    const folder = this.#path(folderOfUri(uri));
    for (let look = 1; ; look++) {
      const { versions, lost } = await readBlobFolder(folder);
      const wanted = versionId ?? versions.at(-1);
      if (wanted === undefined || !versions.includes(wanted)) return undefined;
      try {
        return await read({ path: join(folder, wanted), uri, versionId: wanted, lost: lost.has(wanted) });
      } catch (error) {
        if (!isMissing(error) || look === MAX_LOOKS) throw error;
      }
    }
  }

  async #absent(operation: string, uri: string, versionId: string | undefined): Promise<never> {
    await this.#checkRoot(operation, uri);
    const what = versionId === undefined ? 'no blob' : `no version ${versionId} of the blob`;
    throw new StorageNotFoundError(`${operation}: ${what} ${uri}`, { operation, key: uri });
  }

  /** A volume that is not mounted must not look like a store without blobs. */
  async #checkRoot(operation: string, key: string): Promise<void> {
    if (await this.#config.files.temps.isReady()) return;
    throw new StorageMisconfiguredError(
      `${operation}: ${this.#config.root} is not the folder of a store any more; is the volume mounted, was it moved?`,
      { operation, key },
    );
  }

  async #removeOrReport(blob: WalkedBlob, failed: { uri: string; cause: unknown }[]): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#run('deletePrefix', blob.uri, () =>
          this.#remove('deletePrefix', blob.uri, blob.folder, blob),
        );
        return true;
      } catch (cause) {
        if (attempt < MAX_DELETE_ATTEMPTS) continue;
        failed.push({ uri: blob.uri, cause });
        return false;
      }
    }
  }

  /** Oldest first, so that no older version is the newest for a moment. */
  #remove(
    operation: string,
    uri: string,
    folder: string,
    { versions, lost }: Pick<BlobFolder, 'versions' | 'lost'>,
  ): Promise<void> {
    const names = [...versions, ...[...lost].map(lostName)];
    return this.#config.files.remove(folder, names, { operation, key: uri });
  }

  #path(folder: string): string {
    return join(this.#config.root, folder);
  }
}

type Reader<T> = (file: VersionFile) => Promise<T>;

function splitPosition(position: string): { uri: string; versionId: string } {
  const separator = position.lastIndexOf('\0');
  return { uri: position.slice(0, separator), versionId: position.slice(separator + 1) };
}
