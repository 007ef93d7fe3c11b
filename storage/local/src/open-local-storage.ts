import type { Clock, LayoutSettings, RandomSource, Storage, StoreLayout } from '@floecat/storage-spi';
import {
  DEFAULT_LAYOUT,
  guardBlobStore,
  guardPointerStore,
  guardSecretsManager,
  MAX_SYSTEM_KEY_BYTES,
  STORAGE_FORMAT,
  systemClock,
  systemRandom,
} from '@floecat/storage-spi';

import type { DataFolder } from './data-folder.ts';
import { makeDataFolder } from './data-folder.ts';
import { DurableFiles } from './durable-files.ts';
import { FileBlobStore } from './file-blob-store.ts';
import { Health } from './health.ts';
import { LocalPointerStore } from './local-pointer-store.ts';
import { LocalSecretsManager } from './local-secrets-manager.ts';
import { readNames } from './name-tree.ts';
import { hasTable, makeTable, openTable } from './pointer-folder.ts';
import type { PointerTable } from './pointer-table.ts';
import { POINTER_SPACE, SYSTEM_SPACE, tableFileOf } from './pointer-table.ts';
import { PointerWriter } from './pointer-writer.ts';
import { openSecretKey } from './secret-key.ts';
import { checkIdentity, refused } from './store-identity.ts';
import type { StoreMarker } from './store-marker.ts';
import { makeMarker, readMarker, replaceMarker } from './store-marker.ts';
import type { StepHook } from './write-steps.ts';

export interface LocalStorageConfig {
  /** Folder of the store, made if it is missing. On a local file system that knows hard links. */
  readonly dataDir: string;
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /** Fixed when the store is made; later, a setting that differs is refused. Default for a new store: `DEFAULT_LAYOUT`. */
  readonly layout?: Partial<LayoutSettings>;
  /** Whether a write waits for the disk before it is acknowledged. Default true; false is for bulk generation only. */
  readonly flush?: boolean;
  /**
   * Joins a new and empty pointer table to blobs whose table is lost, and raises the epoch. Only for a restore or a
   * rebuild, which fill it. Default false: the start is refused.
   */
  readonly adopt?: boolean;
  /** For crash tests: called before each step of a durable write. */
  readonly onStep?: StepHook;
}

/**
 * Opens the store in `dataDir`, or makes it. Any number of processes of one machine may have it open.
 *
 * Throws `StorageMisconfiguredError` where the folder, its parts or the settings do not belong together,
 * `StorageCorruptionError` where a part is damaged, `StorageAccessDeniedError` and `StorageFullError` where the
 * file system refuses.
 */
export async function openLocalStorage(config: LocalStorageConfig): Promise<Storage> {
  const { clock = systemClock, random = systemRandom, flush = true, onStep = () => undefined } = config;
  const health = new Health();
  const folder = await makeDataFolder(config.dataDir, flush);
  const common = { random, flush, health, onStep };
  const blobFiles = new DurableFiles({
    ...common,
    root: folder.blobs,
    tempFolder: folder.blobTemps,
    fileMode: 0o666,
    folderMode: 0o777,
  });
  const secretFiles = new DurableFiles({
    ...common,
    root: folder.secrets,
    tempFolder: folder.secretTemps,
    fileMode: 0o600,
    folderMode: 0o700,
  });
  const { table, layout } = await openBoth(config, folder, blobFiles, { random, flush });
  try {
    const key = await openSecretKey(secretFiles);
    await blobFiles.temps.removeStale({ operation: 'open' });
    await secretFiles.temps.removeStale({ operation: 'open' });
    const { storeId } = layout;
    const writer = new PointerWriter({
      folder: folder.pointers,
      file: tableFileOf(folder.pointers),
      flush,
      health,
      onStep,
    });
    let stores = 2;
    // The last one waits for the writer thread, then closes the environment.
    const release = async (): Promise<void> => {
      if (--stores > 0) return;
      await writer.close();
      await table.close();
    };
    const rows = { table, writer, storeId, clock, random, health, release };
    const pointers = guardPointerStore(new LocalPointerStore({ ...rows, space: POINTER_SPACE }));
    const system = guardPointerStore(new LocalPointerStore({ ...rows, space: SYSTEM_SPACE }), {
      maxKeyBytes: MAX_SYSTEM_KEY_BYTES,
    });
    const blobs = guardBlobStore(
      new FileBlobStore({
        root: folder.blobs,
        storeId,
        clock,
        random,
        files: blobFiles,
        health,
        identity: layout,
      }),
    );
    const secrets = guardSecretsManager(
      new LocalSecretsManager({ storeId, key, files: secretFiles, health }),
    );
    const close = async (): Promise<void> => {
      await Promise.all([pointers.close(), system.close(), blobs.close(), secrets.close()]);
    };
    return { pointers, system, blobs, secrets, layout, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await table.close();
    throw error;
  }
}

/** The pointer table, known to belong to the blobs. The marker comes first, so that two first starts agree. */
async function openBoth(
  config: LocalStorageConfig,
  folder: DataFolder,
  blobFiles: DurableFiles,
  { random, flush }: { readonly random: RandomSource; readonly flush: boolean },
): Promise<{ table: PointerTable; layout: StoreLayout }> {
  let marker = await identify(config, folder, blobFiles, random);
  if (!(await hasTable(folder.pointers))) {
    if (config.adopt && (await hasBlobs(folder.blobs))) {
      marker = { ...marker, tableId: random.uuid(), epoch: marker.epoch + 1 };
      await replaceMarker(blobFiles, marker);
    }
    const { storeId, tableId, epoch } = marker;
    const layout = { ...DEFAULT_LAYOUT, ...config.layout, format: STORAGE_FORMAT, storeId, tableId, epoch };
    await makeTable(folder.pointers, layout, flush);
  }
  const opened = await openTable(folder.pointers);
  try {
    checkIdentity(opened.layout, marker, config.layout ?? {}, config.dataDir);
    return opened;
  } catch (error) {
    await opened.table.close();
    throw error;
  }
}

/** The marker, made if this is the first start. */
async function identify(
  config: LocalStorageConfig,
  folder: DataFolder,
  blobFiles: DurableFiles,
  random: RandomSource,
): Promise<StoreMarker> {
  const marker = await readMarker(blobFiles);
  if (!marker) {
    // Another process may have got further meanwhile.
    const late = async (): Promise<StoreMarker | undefined> => readMarker(blobFiles);
    if (await hasTable(folder.pointers))
      return (await late()) ?? lacksMarker(folder, `there are pointers in ${folder.pointers}`);
    if (await hasBlobs(folder.blobs)) return (await late()) ?? lacksMarker(folder, 'there are blobs');
    return makeMarker(blobFiles, random);
  }
  if (config.adopt || (await hasTable(folder.pointers)) || !(await hasBlobs(folder.blobs))) return marker;
  if (await hasTable(folder.pointers)) return marker;
  throw refused(
    `${folder.blobs} holds the blobs of store ${marker.storeId}, but there is no pointer table in ${folder.pointers}. Bring the table back, or run floecat restore (from a backup) or floecat rebuild (from the blobs)`,
  );
}

function lacksMarker(folder: DataFolder, found: string): never {
  throw refused(
    `${found}, but ${folder.blobs} has no marker (.floecat/store.json): is the folder of the blobs mounted, is it the right one? If only the marker was deleted, put it back from a backup`,
  );
}

async function hasBlobs(root: string): Promise<boolean> {
  return (await readNames(root)).folders.length > 0;
}
