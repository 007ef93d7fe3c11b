import { resolve } from 'node:path';

import { InvalidArgumentError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { UpstreamLocation } from './upstream-location.ts';
import { LOCATIONS_PROPERTY, parseLocation } from './upstream-location.ts';

/** One entry of `floecat.upstream.locations`. */
export interface UpstreamMapping {
  /**
   * What locations start with, matched by whole segments: `s3://lake/sales`, `/srv/lake`, `warehouse`. `.` means
   * every relative location, `/` every absolute path, `s3://` every bucket.
   */
  readonly prefix: string;
  /** Folder that stands for the prefix. A relative one starts at the working directory of the process. */
  readonly folder: string;
}

/** A location found in the map. */
export interface MappedLocation {
  readonly prefix: string;
  /** Absolute. */
  readonly folder: string;
  /** Segments below the folder; empty for the folder itself. None is `.`, `..` or empty. */
  readonly path: readonly string[];
}

interface Entry {
  readonly prefix: string;
  readonly folder: string;
  readonly at: UpstreamLocation;
}

/** The mapped locations. Where several prefixes match, the longest wins. Nothing outside them is ever read. */
export class UpstreamLocations {
  readonly #entries: readonly Entry[];

  constructor(mappings: readonly UpstreamMapping[]) {
    const entries = mappings.map(({ prefix, folder }): Entry => {
      if (folder === '') throw misconfigured(`${JSON.stringify(prefix)} has an empty folder`);
      return { prefix, folder: resolve(folder), at: parsePrefix(prefix) };
    });
    entries.sort((a, b) => b.at.segments.length - a.at.segments.length);
    for (const [i, a] of entries.entries())
      for (const b of entries.slice(i + 1))
        if (a.at.segments.length === b.at.segments.length && covers(a.at, b.at))
          throw misconfigured(
            `${JSON.stringify(a.prefix)} and ${JSON.stringify(b.prefix)} are the same prefix`,
          );
    this.#entries = entries;
  }

  /** Finds the folder of a location. Throws `INVALID_ARGUMENT` saying what to add where no prefix matches. */
  resolve(location: string): MappedLocation {
    const wanted = parseLocation(location);
    const entry = this.#entries.find(({ at }) => covers(at, wanted));
    if (!entry) {
      const shown = JSON.stringify(location);
      throw new InvalidArgumentError(
        `location ${shown} is outside ${LOCATIONS_PROPERTY}: add an entry with a prefix that it starts with, ` +
          `such as ${JSON.stringify(examplePrefix(wanted))}, and the folder that stands for it`,
        { key: location },
      );
    }
    const { prefix, folder } = entry;
    return { prefix, folder, path: wanted.segments.slice(entry.at.segments.length) };
  }
}

function covers(prefix: UpstreamLocation, location: UpstreamLocation): boolean {
  return (
    prefix.scheme === location.scheme &&
    prefix.segments.length <= location.segments.length &&
    prefix.segments.every((segment, i) => segment === location.segments[i])
  );
}

function parsePrefix(prefix: string): UpstreamLocation {
  try {
    return parseLocation(prefix);
  } catch (cause) {
    throw misconfigured((cause as Error).message, cause);
  }
}

function misconfigured(why: string, cause?: unknown): StorageMisconfiguredError {
  return new StorageMisconfiguredError(`${LOCATIONS_PROPERTY}: ${why}`, { cause });
}

function examplePrefix({ scheme, segments }: UpstreamLocation): string {
  const [first = ''] = segments;
  if (scheme === '') return segments.length > 1 ? first : '.';
  return scheme === 'file' ? `/${first}` : `${scheme}://${first}`;
}
