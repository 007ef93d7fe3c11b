import { randomUUID } from 'node:crypto';

import { openLocalStorage } from '@floecat/storage-local';
import type { Pointer, Storage } from '@floecat/storage-spi';
import type { Database, RootDatabase } from 'lmdb';
import { open } from 'lmdb';

/** What a pointer holds beside its key. */
export type RawRecord = Omit<Pointer & { kind: 'blob' }, 'key'>;

/**
 * The baseline of all pointer figures: plain lmdb-js as its manual recommends it for objects, with the page size,
 * the durability, the keys (as UTF-8) and the information of ours. Objects in its MessagePack with shared structures;
 * versions kept by the library, so that its own conditional put does the comparing, off the main thread. No checksum,
 * no checks of arguments, no expiry.
 */
export interface RawLmdb {
  readonly rows: Database<RawRecord, string>;
  close(): Promise<void>;
}

export function openRaw(folder: string): RawLmdb {
  const environment: RootDatabase = open({ path: folder, pageSize: 4096, overlappingSync: false, maxDbs: 4 });
  const options = {
    useVersions: true,
    sharedStructuresKey: Symbol.for('structures'),
    keyEncoder: {
      writeKey: (key: string | symbol, target: Buffer, start: number): number =>
        start + target.write(typeof key === 'string' ? key : '\0structures', start, 'utf8'),
      readKey: (source: Buffer, start: number, end: number): string => source.toString('utf8', start, end),
    },
  };
  return {
    rows: environment.openDB<RawRecord, string>('pointers', options),
    close: () => environment.close(),
  };
}

export function record(version: number): RawRecord {
  const writeId = randomUUID();
  return {
    version,
    kind: 'blob',
    blobUri: blobUri(),
    writeId,
    incarnation: writeId,
    updatedAt: Date.now(),
  };
}

const DIGEST = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export function blobUri(): string {
  return `/accounts/6f1c1c9e/tables/${randomUUID()}/${DIGEST}.pb`;
}

export function openOurs(folder: string, flush = true): Promise<Storage> {
  return openLocalStorage({ dataDir: folder, flush });
}

/** Fills a store quickly, in key order, as a restore would. */
export async function load(storage: Storage, keys: readonly string[]): Promise<void> {
  const sorted = keys.toSorted();
  for (let from = 0; from < sorted.length; from += 10_000) {
    const entries = sorted.slice(from, from + 10_000).map((key) => ({ key, ...record(1) }));
    await storage.pointers.importPointers(entries, 'if-absent');
  }
}

export function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    const swapped = result[i] as T;
    result[i] = result[j] as T;
    result[j] = swapped;
  }
  return result;
}
