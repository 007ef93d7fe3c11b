import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, opendir, readlink, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

import type { CallOptions } from '@floecat/storage-spi';
import {
  InvalidArgumentError,
  StorageAccessDeniedError,
  StorageError,
  StorageMisconfiguredError,
  StorageNotFoundError,
  StorageUnavailableError,
} from '@floecat/storage-spi';

import { throwIfAborted } from './errors.ts';
import { MAX_UPSTREAM_FILE_BYTES } from './limits.ts';
import { LOCATIONS_PROPERTY } from './upstream-location.ts';
import type { MappedLocation, UpstreamLocations } from './upstream-locations.ts';
import type { UpstreamReader, UpstreamReadOptions } from './upstream-reader.ts';

const SLICE_BYTES = 4 * 1024 * 1024;
// Not blocking, so that a FIFO without a writer is refused and does not hang.
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Reads from folders of this machine. Symbolic links are followed as long as they stay in the folder of their
 * prefix; one that leads out of it is refused, also where it is put there between the check and the open.
 */
export class LocalFolderReader implements UpstreamReader {
  readonly #locations: UpstreamLocations;

  constructor(locations: UpstreamLocations) {
    this.#locations = locations;
  }

  async read(location: string, options: UpstreamReadOptions = {}): Promise<Uint8Array> {
    const { signal, maxBytes = MAX_UPSTREAM_FILE_BYTES } = options;
    throwIfAborted(signal, 'read', location);
    const place = this.#locations.resolve(location);
    try {
      await using handle = await openInside(place, location);
      const { size } = await checkFile(handle, location, maxBytes);
      const bytes = Buffer.allocUnsafeSlow(size);
      let end = 0;
      while (end < size) {
        throwIfAborted(signal, 'read', location);
        const { bytesRead } = await handle.read(bytes, end, Math.min(SLICE_BYTES, size - end), end);
        if (bytesRead === 0) break;
        end += bytesRead;
      }
      return bytes.subarray(0, end);
    } catch (error) {
      throw translate('read', location, error);
    }
  }

  async *list(folder: string, options: CallOptions = {}): AsyncGenerator<string> {
    throwIfAborted(options.signal, 'list', folder);
    const place = this.#locations.resolve(folder);
    try {
      for await (const entry of await opendir((await realInside(place, folder)).path)) {
        throwIfAborted(options.signal, 'list', folder);
        // Where a link leads is settled when it is read.
        if (entry.isFile() || entry.isSymbolicLink()) yield entry.name;
      }
    } catch (error) {
      throw translate('list', folder, error);
    }
  }
}

/** The real paths of a location and of the folder that it must be in. */
async function realInside(
  place: MappedLocation,
  location: string,
): Promise<{ readonly root: string; readonly path: string }> {
  const root = await realRoot(place);
  const path = await realpath(join(root, ...place.path));
  assertInside(root, path, location);
  return { root, path };
}

async function realRoot({ prefix, folder }: MappedLocation): Promise<string> {
  try {
    return await realpath(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw cause;
    throw new StorageMisconfiguredError(
      `${LOCATIONS_PROPERTY}: the folder of prefix ${JSON.stringify(prefix)} is not there: create or mount it`,
      { operation: 'read', key: prefix, cause },
    );
  }
}

async function openInside(place: MappedLocation, location: string): Promise<FileHandle> {
  const { root, path } = await realInside(place, location);
  const handle = await open(path, OPEN_FLAGS);
  try {
    // A folder on the way may have become a link since: what counts is what was opened.
    assertInside(root, await openedPath(handle, path), location);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Where the open file really is: said by the kernel on Linux, else by comparing the file at the real path now. */
async function openedPath(handle: FileHandle, path: string): Promise<string> {
  if (process.platform === 'linux') return readlink(`/proc/self/fd/${handle.fd}`);
  const again = await realpath(path);
  const [opened, found] = await Promise.all([handle.stat({ bigint: true }), stat(again, { bigint: true })]);
  if (opened.dev !== found.dev || opened.ino !== found.ino) return '';
  return again;
}

function assertInside(root: string, path: string, location: string): void {
  if (path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)) return;
  throw new InvalidArgumentError(
    `location ${JSON.stringify(location)} leads by a symbolic link out of its folder: ` +
      `add an entry to ${LOCATIONS_PROPERTY} for where it really is, and use that location`,
    { operation: 'read', key: location },
  );
}

async function checkFile(
  handle: FileHandle,
  location: string,
  maxBytes: number,
): Promise<{ readonly size: number }> {
  const found = await handle.stat();
  if (!found.isFile()) throw notRegular(location);
  if (found.size > maxBytes)
    throw new InvalidArgumentError(
      `location ${JSON.stringify(location)} is ${found.size} bytes; the limit is ${maxBytes}`,
      { operation: 'read', key: location },
    );
  return { size: found.size };
}

function notRegular(location: string, cause?: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `location ${JSON.stringify(location)} (mapped by ${LOCATIONS_PROPERTY}) is not a regular file: name a file`,
    { operation: 'read', key: location, cause },
  );
}

function translate(operation: string, location: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const shown = `${operation} ${JSON.stringify(location)}`;
  const context = { operation, key: location, cause: error };
  const code: string = (error as NodeJS.ErrnoException).code ?? '';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      return new StorageNotFoundError(`${shown}: there is no such file; check the location`, context);
    case 'EACCES':
    case 'EPERM':
      return new StorageAccessDeniedError(
        `${shown}: this process may not read it; grant read permission`,
        context,
      );
    case 'ELOOP':
      return new InvalidArgumentError(
        `${shown}: refused, its symbolic links go round in a circle or changed meanwhile; ` +
          `${LOCATIONS_PROPERTY} must lead to real files`,
        context,
      );
    case 'ENXIO':
      return notRegular(location, error);
    default:
      return new StorageUnavailableError(`${shown}: ${String(error)}; try again later`, context);
  }
}
