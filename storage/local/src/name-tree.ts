import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { isMissing } from './file-errors.ts';
import { continuedPiece, decodeSegment, segmentNames } from './file-names.ts';

export interface NamedEntry {
  readonly segment: string;
  /** Relative to the folder that was read. */
  readonly path: string;
}

export interface NamedEntries {
  readonly folders: readonly NamedEntry[];
  readonly files: readonly NamedEntry[];
  /** Files whose names are no segments. */
  readonly others: readonly string[];
}

/** The segments that stand directly in a folder, unsorted. Folders that the store never made are passed over. */
export async function readNames(folder: string): Promise<NamedEntries> {
  const found = { folders: [] as NamedEntry[], files: [] as NamedEntry[], others: [] as string[] };
  await collect(folder, '', '', found);
  return found;
}

async function collect(
  folder: string,
  pieces: string,
  below: string,
  found: { folders: NamedEntry[]; files: NamedEntry[]; others: string[] },
): Promise<void> {
  for (const entry of await entriesOf(join(folder, below))) {
    const path = below + entry.name;
    const isFolder = entry.isDirectory();
    const piece = isFolder ? continuedPiece(entry.name) : undefined;
    if (piece !== undefined) {
      await collect(folder, pieces + piece, `${path}/`, found);
      continue;
    }
    const segment = decodeSegment(pieces + entry.name);
    const known = segment !== undefined && segmentNames(segment).join('/') === path;
    if (known) (isFolder ? found.folders : found.files).push({ segment, path });
    else if (!isFolder && below === '') found.others.push(entry.name);
  }
}

/** A folder that does not exist holds nothing. */
async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
