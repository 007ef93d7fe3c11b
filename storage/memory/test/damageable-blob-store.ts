import { createHash } from 'node:crypto';

import { MemoryBlobStore } from '@floecat/storage-memory';
import type { Blob } from '@floecat/storage-spi';
import { StorageCorruptionError, StorageNotFoundError } from '@floecat/storage-spi';

/** A memory store whose bytes can go bad, and that checks them on every read as a store with a medium has to. */
export class DamageableBlobStore extends MemoryBlobStore {
  readonly #damaged = new Set<string>();

  damage(uri: string, versionId: string): void {
    this.#damaged.add(`${versionId} ${uri}`);
  }

  override async get(uri: string, options?: { readonly versionId?: string }): Promise<Blob> {
    const blob = await super.get(uri, options);
    if (this.#damaged.has(`${blob.header.versionId} ${uri}`)) blob.bytes[0] = (blob.bytes[0] ?? 0) ^ 1;
    this.verify(blob);
    return blob;
  }

  override getBatch(uris: readonly string[]): Promise<readonly (Blob | undefined)[]> {
    return Promise.all(uris.map((uri) => this.get(uri).catch(undefinedIfAbsent)));
  }

  protected verify({ header, bytes }: Blob): void {
    if (createHash('sha256').update(bytes).digest('base64') === header.etag) return;
    const context = { operation: 'get', key: header.uri };
    throw new StorageCorruptionError(
      `get: ${header.uri} fails its digest; restore it from a backup`,
      context,
    );
  }
}

function undefinedIfAbsent(error: unknown): undefined {
  if (!(error instanceof StorageNotFoundError)) throw error;
}
