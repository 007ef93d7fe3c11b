import { resolve } from 'node:path';

import { InvalidArgumentError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { UpstreamLocation } from './upstream-location.ts';
import { LOCATIONS_PROPERTY, parseLocation } from './upstream-location.ts';

/** One entry of `floecat.upstream.locations`. */
export type UpstreamMapping = {
  /**
   * What locations start with, matched by whole segments: `s3://lake/sales`, `/srv/lake`, `warehouse`. `.` means
   * every relative location, `/` every absolute path, `s3://` every bucket.
   */
  readonly prefix: string;
} & (
  | {
      /** Folder that stands for the prefix. A relative one starts at the working directory of the process. */
      readonly folder: string;
    }
  | {
      /** Place in S3 that stands for the prefix. */
      readonly location: string;
    }
);

/** A location found in the map, in a folder. */
export interface MappedLocation {
  readonly prefix: string;
  /** Absolute. */
  readonly folder: string;
  /** Segments below the folder; empty for the folder itself. None is `.`, `..` or empty. */
  readonly path: readonly string[];
}

/** A location found in the map, in S3. */
export interface MovedLocation {
  readonly prefix: string;
  /** Where it really is. */
  readonly location: string;
}

type Entry = UpstreamMapping & { readonly at: UpstreamLocation };

/** The mapped locations. Where several prefixes match, the longest wins. */
export class UpstreamLocations {
  readonly #entries: readonly Entry[];

  constructor(mappings: readonly UpstreamMapping[]) {
    const entries = mappings.map((mapping): Entry => {
      const { prefix } = mapping;
      const at = parsePrefix(prefix);
      if (!('folder' in mapping)) return { prefix, location: mapping.location.replace(/\/+$/, ''), at };
      if (mapping.folder === '') throw misconfigured(`${JSON.stringify(prefix)} has an empty folder`);
      return { prefix, folder: resolve(mapping.folder), at };
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

  /** Places in S3 that prefixes stand for. */
  get moved(): readonly MovedLocation[] {
    return this.#entries.filter((entry) => 'location' in entry);
  }

  /** Where a location is; `undefined` where no prefix matches. Throws `INVALID_ARGUMENT` for one that is malformed. */
  find(location: string): MappedLocation | MovedLocation | undefined {
    const wanted = parseLocation(location);
    const entry = this.#entries.find(({ at }) => covers(at, wanted));
    if (!entry) return undefined;
    const path = wanted.segments.slice(entry.at.segments.length);
    if ('folder' in entry) return { prefix: entry.prefix, folder: entry.folder, path };
    return { prefix: entry.prefix, location: [entry.location, ...path].join('/') };
  }

  /** Finds the folder of a location. Throws `INVALID_ARGUMENT` saying what to add where no prefix of one matches. */
  resolve(location: string): MappedLocation {
    const found = this.find(location);
    if (found && 'folder' in found) return found;
    const shown = JSON.stringify(location);
    throw new InvalidArgumentError(
      `location ${shown} is outside ${LOCATIONS_PROPERTY}: add an entry with a prefix that it starts with, ` +
        `such as ${JSON.stringify(examplePrefix(location))}, and the folder that stands for it`,
      { key: location },
    );
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

/** A prefix that an entry for `location` could have: its bucket or first folder. */
export function examplePrefix(location: string): string {
  const { scheme, segments } = parseLocation(location);
  const [first = ''] = segments;
  if (scheme === '') return segments.length > 1 ? first : '.';
  return scheme === 'file' ? `/${first}` : `${scheme}://${first}`;
}
