import { Buffer } from 'node:buffer';
import { readFile } from 'node:fs/promises';

import type { RandomSource } from '@floecat/storage-spi';
import { STORAGE_FORMAT, StorageCorruptionError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { DurableFiles } from './durable-files.ts';
import { fileError, isMissing } from './file-errors.ts';

/** Beside the blobs, says which store they belong to. Made before anything else, and only once. */
export interface StoreMarker {
  readonly format: number;
  readonly storeId: string;
  readonly tableId: string;
  readonly epoch: number;
}

/** Relative to the folder of all blobs; no URI is kept under a name that begins with a dot. */
export const MARKER_FOLDER = '.floecat';
const MARKER_NAME = 'store.json';

/** The marker, or `undefined` where none was made. */
export async function readMarker(blobs: DurableFiles): Promise<StoreMarker | undefined> {
  const path = blobs.path(MARKER_FOLDER, MARKER_NAME);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw fileError(error, `reading ${path}`, { operation: 'open' });
  }
  return checked(path, text);
}

/** Makes the marker of a new store, or answers the one that another process was quicker to make. */
export async function makeMarker(blobs: DurableFiles, random: RandomSource): Promise<StoreMarker> {
  const marker = { format: STORAGE_FORMAT, storeId: random.uuid(), tableId: random.uuid(), epoch: 1 };
  if (await blobs.create(MARKER_FOLDER, MARKER_NAME, [encoded(marker)], { operation: 'open' })) return marker;
  const made = await readMarker(blobs);
  if (made) return made;
  throw new StorageMisconfiguredError(
    `open: ${blobs.path(MARKER_FOLDER, MARKER_NAME)} vanished while the store was opened; is another process deleting it?`,
    { operation: 'open' },
  );
}

/** Replaces the marker: the blobs belong to another table from now on. */
export async function replaceMarker(blobs: DurableFiles, marker: StoreMarker): Promise<void> {
  await blobs.write(MARKER_FOLDER, MARKER_NAME, [encoded(marker)], { operation: 'open' });
}

function encoded(marker: StoreMarker): Buffer {
  return Buffer.from(JSON.stringify(marker, undefined, 2) + '\n', 'utf8');
}

function checked(path: string, text: string): StoreMarker {
  const context = { operation: 'open' };
  let marker: Partial<StoreMarker>;
  try {
    marker = JSON.parse(text) as Partial<StoreMarker>;
  } catch (cause) {
    throw new StorageCorruptionError(`open: ${path} is not JSON; restore it from a backup`, {
      ...context,
      cause,
    });
  }
  const { format, storeId, tableId, epoch } = marker;
  if (typeof format === 'number' && format > STORAGE_FORMAT) throw newerFormat(path, format);
  if (
    format !== STORAGE_FORMAT ||
    typeof storeId !== 'string' ||
    typeof tableId !== 'string' ||
    typeof epoch !== 'number'
  )
    throw new StorageCorruptionError(
      `open: ${path} lacks format, storeId, tableId or epoch; restore it from a backup`,
      context,
    );
  return { format, storeId, tableId, epoch };
}

export function newerFormat(where: string, format: number): StorageMisconfiguredError {
  return new StorageMisconfiguredError(
    `open: ${where} has storage format ${format}; this version reads up to ${STORAGE_FORMAT}: use a newer version`,
    { operation: 'open' },
  );
}
