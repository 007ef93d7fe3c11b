import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { CallOptions } from '@floecat/storage-spi';
import { StorageMisconfiguredError, StorageNotFoundError } from '@floecat/storage-spi';

import type { UpstreamReader } from '../harvest/upstream-reader.ts';
import type { DemoTable } from './build-table.ts';
import { fileError } from './lake-errors.ts';

/** Name of the file, written last, that tells a finished lake. */
export const MARKER_NAME = 'demo-lake.json';
const MARKER_FORMAT = 1;
const MAX_MARKER_BYTES = 1024 * 1024;

interface Marker {
  readonly format: number;
  readonly baseLocation: string;
  readonly writtenAt: string;
  readonly tables: readonly DemoTable[];
}

export function markerBytes(baseLocation: string, writtenAt: number, tables: readonly DemoTable[]): Buffer {
  const marker: Marker = {
    format: MARKER_FORMAT,
    baseLocation,
    writtenAt: new Date(writtenAt).toISOString(),
    tables,
  };
  return Buffer.from(JSON.stringify(marker, null, 2) + '\n', 'utf8');
}

/**
 * The tables of a finished lake, or `undefined` where there is none yet. A lake of another format, or one whose
 * files say that they are elsewhere, is `STORAGE_MISCONFIGURED`: writing over it would break who uses it.
 */
export async function finishedTables(
  operation: string,
  folder: string,
  baseLocation: string,
): Promise<readonly DemoTable[] | undefined> {
  const path = join(folder, MARKER_NAME);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(operation, folder, cause);
  }
  const why = 'choose another folder, or remove this one if nothing uses its tables';
  return tablesIn(text, baseLocation, (problem, cause) => {
    throw new StorageMisconfiguredError(`${operation}: ${path} ${problem}; ${why}`, {
      operation,
      key: folder,
      cause,
    });
  });
}

/**
 * The tables of a finished lake, wherever it is: of its marker, which tells which metadata file of each is the newest.
 * Throws `STORAGE_MISCONFIGURED` where no such lake is there, and what the reader throws.
 */
export async function readDemoLake(
  reader: UpstreamReader,
  location: string,
  options: CallOptions = {},
): Promise<readonly DemoTable[]> {
  const operation = 'readDemoLake';
  const baseLocation = location.replace(/\/+$/, '');
  const path = `${baseLocation}/${MARKER_NAME}`;
  const refuse = (problem: string, cause?: unknown): never => {
    throw new StorageMisconfiguredError(
      `${operation}: ${path} ${problem}; name the location of a demonstration lake in floecat.seed.location, or ` +
        'leave it out to have one written',
      { operation, key: path, cause },
    );
  };
  let bytes: Uint8Array;
  try {
    bytes = await reader.read(path, { ...options, maxBytes: MAX_MARKER_BYTES });
  } catch (error) {
    if (error instanceof StorageNotFoundError) return refuse('does not exist', error);
    throw error;
  }
  return tablesIn(new TextDecoder().decode(bytes), baseLocation, refuse);
}

function tablesIn(
  text: string,
  baseLocation: string,
  refuse: (problem: string, cause?: unknown) => never,
): readonly DemoTable[] {
  let marker: Partial<Marker> | null;
  try {
    marker = JSON.parse(text) as Partial<Marker> | null;
  } catch (cause) {
    return refuse('is not JSON', cause);
  }
  if (marker?.format !== MARKER_FORMAT || !Array.isArray(marker.tables))
    return refuse(`is of format ${String(marker?.format)}, and this version knows ${MARKER_FORMAT}`);
  if (marker.baseLocation !== baseLocation)
    return refuse(`belongs to a lake at ${String(marker.baseLocation)}, not at ${baseLocation}`);
  return marker.tables;
}
