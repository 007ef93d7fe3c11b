import { mkdir, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { fileError } from './file-errors.ts';
import { MARKER_FOLDER } from './store-marker.ts';

const CONTEXT = { operation: 'open' };

/** The folders of one store. */
export interface DataFolder {
  readonly pointers: string;
  readonly blobs: string;
  readonly blobTemps: string;
  readonly secrets: string;
  readonly secretTemps: string;
}

/** Makes the folders that are missing, and all of their names durable. */
export async function makeDataFolder(dataDir: string, flush: boolean): Promise<DataFolder> {
  const root = resolve(dataDir);
  const blobs = join(root, 'blobs');
  const secrets = join(root, 'secrets');
  const folder: DataFolder = {
    pointers: join(root, 'pointers'),
    blobs,
    blobTemps: join(blobs, MARKER_FOLDER, 'tmp'),
    secrets,
    secretTemps: join(secrets, 'tmp'),
  };
  const firstMade = await make(root);
  await make(folder.pointers);
  await make(folder.blobTemps);
  await make(folder.secretTemps, 0o700);
  if (!flush) return folder;
  // Also where another process made them: it may have been stopped before it came to this.
  await flushFolder(join(blobs, MARKER_FOLDER));
  await flushFolder(blobs);
  await flushFolder(secrets);
  await flushFolder(root);
  if (firstMade !== undefined)
    for (let at = root; at.length >= firstMade.length; at = dirname(at)) await flushFolder(dirname(at));
  return folder;
}

export async function flushFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(error, `flushing the folder ${path}`, CONTEXT);
  }
}

async function make(path: string, mode = 0o777): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true, mode });
  } catch (error) {
    throw fileError(error, `making the folder ${path}`, CONTEXT);
  }
}
