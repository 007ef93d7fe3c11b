import { MemoryBlobStore } from '@floecat/storage-memory';
import type {
  Blob,
  BlobHeader,
  BlobListOptions,
  BlobPage,
  BlobVersionPage,
  BulkDeleteReport,
  PutOptions,
} from '@floecat/storage-spi';

import { DamageableBlobStore } from './damageable-blob-store.ts';
import type { Mutant } from './mutant.ts';

class Unverified extends DamageableBlobStore {
  protected override verify(): void {}
}

class UnverifiedInBatch extends DamageableBlobStore {
  readonly #plain = new Map<string, Blob>();
  override async put(uri: string, bytes: Uint8Array, options?: PutOptions): Promise<BlobHeader> {
    const header = await super.put(uri, bytes, options);
    this.#plain.set(uri, { header, bytes });
    return header;
  }
  override async getBatch(uris: readonly string[]): Promise<readonly (Blob | undefined)[]> {
    return uris.map((uri) => this.#plain.get(uri));
  }
}

class OverwrittenInPlace extends MemoryBlobStore {
  override async put(uri: string, bytes: Uint8Array, options?: PutOptions): Promise<BlobHeader> {
    await super.delete(uri);
    return super.put(uri, bytes, options);
  }
}

class SiblingsDeleted extends MemoryBlobStore {
  override deletePrefix(prefix: string): Promise<BulkDeleteReport> {
    return super.deletePrefix(prefix.length > 1 ? prefix.slice(0, -1) : prefix);
  }
}

class AllVersionsDeleted extends MemoryBlobStore {
  override deleteVersion(uri: string): Promise<void> {
    return super.delete(uri);
  }
}

class LatestVersionDeleted extends MemoryBlobStore {
  override async deleteVersion(uri: string): Promise<void> {
    const [latest] = (await super.listVersions(uri)).versions;
    if (latest) await super.deleteVersion(uri, latest.versionId);
  }
}

class OnlyLatestDeleted extends MemoryBlobStore {
  override async delete(uri: string): Promise<void> {
    const [latest] = (await super.listVersions(uri)).versions;
    if (latest?.uri === uri) await super.deleteVersion(uri, latest.versionId);
  }
}

class EveryVersionLatest extends MemoryBlobStore {
  override async listVersions(prefix: string, options?: BlobListOptions): Promise<BlobVersionPage> {
    const page = await super.listVersions(prefix, options);
    return { ...page, versions: page.versions.map((version) => ({ ...version, latest: true })) };
  }
}

class OldestFirst extends MemoryBlobStore {
  override async listVersions(prefix: string, options?: BlobListOptions): Promise<BlobVersionPage> {
    const page = await super.listVersions(prefix, options);
    return { ...page, versions: page.versions.toReversed() };
  }
}

class VersionIgnored extends MemoryBlobStore {
  override get(uri: string): Promise<Blob> {
    return super.get(uri);
  }
}

class BytesShared extends MemoryBlobStore {
  readonly #seen = new Map<string, Blob>();
  override async get(uri: string, options?: { readonly versionId?: string }): Promise<Blob> {
    const blob = await super.get(uri, options);
    const known = this.#seen.get(`${uri} ${blob.header.versionId}`) ?? blob;
    this.#seen.set(`${uri} ${blob.header.versionId}`, known);
    return known;
  }
}

class BytesCutAtNul extends MemoryBlobStore {
  override put(uri: string, bytes: Uint8Array, options?: PutOptions): Promise<BlobHeader> {
    const end = bytes.indexOf(0);
    return super.put(uri, end < 0 ? bytes : bytes.subarray(0, end), options);
  }
}

class WholeBufferStored extends MemoryBlobStore {
  override put(uri: string, bytes: Uint8Array, options?: PutOptions): Promise<BlobHeader> {
    return super.put(uri, new Uint8Array(bytes.buffer), options);
  }
}

class LostMarkIsAPut extends MemoryBlobStore {
  override async markLost(uri: string, versionId: string): Promise<void> {
    const { bytes, header } = await super.get(uri, { versionId });
    await super.put(uri, bytes, { tags: { ...header.tags, 'floecat-lost': 'true' } });
  }
}

class TagsDropped extends MemoryBlobStore {
  override async put(uri: string, bytes: Uint8Array, options?: PutOptions): Promise<BlobHeader> {
    const { tags: _dropped, ...rest } = options ?? {};
    return super.put(uri, bytes, rest);
  }
}

class ParentShadowed extends MemoryBlobStore {
  override async put(uri: string, bytes: Uint8Array, options?: PutOptions): Promise<BlobHeader> {
    for (let i = uri.indexOf('/', 1); i > 0; i = uri.indexOf('/', i + 1)) await super.delete(uri.slice(0, i));
    return super.put(uri, bytes, options);
  }
}

class FoldersListedFirst extends MemoryBlobStore {
  override async list(prefix: string, options?: BlobListOptions): Promise<BlobPage> {
    const page = await super.list(prefix, options);
    const sorted = page.blobs.toSorted((a, b) => (slashFirst(a.uri) < slashFirst(b.uri) ? -1 : 1));
    return { ...page, blobs: sorted };
  }
}

function slashFirst(uri: string): string {
  return uri.replaceAll('/', '\0');
}

class AbsentDropped extends MemoryBlobStore {
  override async getBatch(uris: readonly string[]): Promise<readonly (Blob | undefined)[]> {
    return (await super.getBatch(uris)).filter((blob) => blob !== undefined);
  }
}

class HeadOfAnEarlierPut extends MemoryBlobStore {
  override async head(uri: string, options?: { readonly versionId?: string }): Promise<BlobHeader> {
    const header = await super.head(uri, options);
    const { versions } = await super.listVersions(uri);
    const earlier = versions.find((version) => version.uri === uri && version.versionId < header.versionId);
    return options?.versionId === undefined && earlier ? super.head(uri, earlier) : header;
  }
}

export const blobMutants: readonly Mutant[] = [
  { bug: 'a read does not verify', law: 'a stored byte', blobs: (c) => new Unverified(c) },
  { bug: 'a batch does not verify', law: 'a stored byte', blobs: (c) => new UnverifiedInBatch(c) },
  { bug: 'a put overwrites in place', law: 'elsewhere a put', blobs: (c) => new OverwrittenInPlace(c) },
  { bug: 'a delete by prefix takes siblings', law: '[34]', blobs: (c) => new SiblingsDeleted(c) },
  {
    bug: 'a delete by prefix takes siblings',
    law: 'deletePrefix takes',
    blobs: (c) => new SiblingsDeleted(c),
  },
  { bug: 'deleteVersion takes all', law: '[85]', blobs: (c) => new AllVersionsDeleted(c) },
  { bug: 'deleteVersion takes the latest', law: '[85]', blobs: (c) => new LatestVersionDeleted(c) },
  {
    bug: 'delete uncovers the version before',
    law: 'a deleted blob',
    blobs: (c) => new OnlyLatestDeleted(c),
  },
  {
    bug: 'every version is the latest',
    law: 'listVersions goes by',
    blobs: (c) => new EveryVersionLatest(c),
  },
  { bug: 'the oldest version comes first', law: 'listVersions goes by', blobs: (c) => new OldestFirst(c) },
  { bug: 'a read ignores the version', law: 'elsewhere a put', blobs: (c) => new VersionIgnored(c) },
  { bug: 'readers share bytes', law: '[11]', blobs: (c) => new BytesShared(c) },
  { bug: 'a NUL ends the bytes', law: '[77]', blobs: (c) => new BytesCutAtNul(c) },
  { bug: 'a view is stored as its buffer', law: '[11]', blobs: (c) => new WholeBufferStored(c) },
  { bug: 'markLost makes a version', law: 'markLost tags', blobs: (c) => new LostMarkIsAPut(c) },
  { bug: 'tags are dropped', law: '[89]', blobs: (c) => new TagsDropped(c) },
  { bug: 'a blob shadows the one above it', law: '[23]', blobs: (c) => new ParentShadowed(c) },
  { bug: 'a slash sorts first', law: '[31]', blobs: (c) => new FoldersListedFirst(c) },
  { bug: 'getBatch drops what is absent', law: 'getBatch answers', blobs: (c) => new AbsentDropped(c) },
  { bug: 'head is of an earlier put', law: '[78]', blobs: (c) => new HeadOfAnEarlierPut(c) },
];
