import type { ObjectSource } from '@floecat/config';
import type { CallOptions } from '@floecat/storage-spi';
import { InvalidArgumentError, StorageMisconfiguredError } from '@floecat/storage-spi';

import { LocalFolderReader } from './local-folder-reader.ts';
import { S3LocationReader } from './s3-location-reader.ts';
import { parseS3Location, S3Locations } from './s3-locations.ts';
import { LOCATIONS_PROPERTY, S3_LOCATIONS_PROPERTY } from './upstream-location.ts';
import type { UpstreamMapping } from './upstream-locations.ts';
import { examplePrefix, UpstreamLocations } from './upstream-locations.ts';
import type { UpstreamReader, UpstreamReadOptions } from './upstream-reader.ts';

export interface LocatedReaderConfig {
  /** `floecat.upstream.locations`. */
  readonly mappings: readonly UpstreamMapping[];
  /** `floecat.upstream.s3.locations`. */
  readonly s3Locations?: readonly string[];
  /** Needed where there are S3 locations. Stays open. */
  readonly source?: ObjectSource;
}

/** Reads each location where it is: a mapped one from its folder, or its place in S3; any other from S3 itself. */
export class LocatedReader implements UpstreamReader {
  readonly #mapped: UpstreamLocations;
  readonly #covered: S3Locations;
  readonly #local: LocalFolderReader;
  readonly #s3: S3LocationReader | undefined;

  /** Throws `STORAGE_MISCONFIGURED` for locations that are malformed, or contradict each other. */
  constructor({ mappings, s3Locations = [], source }: LocatedReaderConfig) {
    this.#mapped = new UpstreamLocations(mappings);
    this.#covered = new S3Locations(s3Locations);
    this.#local = new LocalFolderReader(this.#mapped);
    this.#s3 = source && new S3LocationReader(source, this.#covered);
    for (const { prefix, location } of this.#mapped.moved) {
      const place = parseS3Location(location);
      if (!place || !this.#covered.cover(place))
        throw new StorageMisconfiguredError(
          `${LOCATIONS_PROPERTY}: ${JSON.stringify(prefix)} is mapped to ${JSON.stringify(location)}, which is outside ` +
            `${S3_LOCATIONS_PROPERTY}: add it there`,
        );
    }
  }

  async read(location: string, options?: UpstreamReadOptions): Promise<Uint8Array> {
    const { reader, at } = this.#find(location);
    return reader.read(at, options);
  }

  async *list(folder: string, options?: CallOptions): AsyncGenerator<string> {
    const { reader, at } = this.#find(folder);
    yield* reader.list(at, options);
  }

  /** Who reads a location, and where it really is. */
  #find(location: string): { readonly reader: UpstreamReader; readonly at: string } {
    const found = this.#mapped.find(location);
    if (found && 'folder' in found) return { reader: this.#local, at: location };
    const at = found?.location ?? location;
    const place = parseS3Location(at);
    if (place && this.#s3 && this.#covered.cover(place)) return { reader: this.#s3, at };
    throw outside(location, place !== undefined);
  }
}

function outside(location: string, inS3: boolean): InvalidArgumentError {
  const prefix = examplePrefix(location);
  const fromS3 = inS3
    ? ` and ${S3_LOCATIONS_PROPERTY}: add ${JSON.stringify(`${prefix}/`)} to the latter, or`
    : ': add';
  return new InvalidArgumentError(
    `location ${JSON.stringify(location)} is outside ${LOCATIONS_PROPERTY}${fromS3} an entry with a prefix that it ` +
      `starts with, such as ${JSON.stringify(prefix)}, and the folder that stands for it${inS3 ? ', to the former' : ''}`,
    { key: location },
  );
}
