import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openLocalStorage } from '@floecat/storage-local';
import { openMemoryStorage } from '@floecat/storage-memory';
import type { BlobStore, Clock, Storage } from '@floecat/storage-spi';

import type { OpenStores } from './model-world.ts';

export const onMemory: OpenStores = async (options) => openMemoryStorage(options);

/** In a folder of its own, which goes when it is closed. */
export const onLocal: OpenStores = async (options) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'floecat-model-'));
  const storage = await openLocalStorage({ ...options, dataDir, flush: false });
  const close = async (): Promise<void> => {
    await storage.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { ...storage, close, [Symbol.asyncDispose]: close };
};

/** The stores, whose blobs tell the time of a clock instead of their own. */
export function timedBy(storage: Storage, clock: Clock): Storage {
  const times = new Map<string, number>();
  const { blobs } = storage;
  const of = (uri: string, versionId: string, otherwise: number): number =>
    times.get(`${uri} ${versionId}`) ?? otherwise;
  const put: BlobStore['put'] = async (uri, bytes, options) => {
    const now = clock.now();
    const header = await blobs.put(uri, bytes, options);
    times.set(`${uri} ${header.versionId}`, now);
    return { ...header, createdAt: now, lastModified: now };
  };
  const listVersions: BlobStore['listVersions'] = async (prefix, options) => {
    const page = await blobs.listVersions(prefix, options);
    const versions = page.versions.map((version) => ({
      ...version,
      lastModified: of(version.uri, version.versionId, version.lastModified),
    }));
    return { ...page, versions };
  };
  const replaced: Readonly<Record<string | symbol, unknown>> = { put, listVersions };
  const timed = new Proxy(blobs, {
    get(target, name) {
      const own = replaced[name];
      if (own !== undefined) return own;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  return { ...storage, blobs: timed };
}
