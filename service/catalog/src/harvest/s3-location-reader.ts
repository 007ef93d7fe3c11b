import type { ObjectSource } from '@floecat/config';
import type { CallOptions } from '@floecat/storage-spi';
import { InvalidArgumentError } from '@floecat/storage-spi';

import { throwIfAborted } from './errors.ts';
import { MAX_UPSTREAM_FILE_BYTES } from './limits.ts';
import type { S3Location, S3Locations } from './s3-locations.ts';
import { parseS3Location } from './s3-locations.ts';
import { S3_LOCATIONS_PROPERTY } from './upstream-location.ts';
import type { UpstreamReader, UpstreamReadOptions } from './upstream-reader.ts';

/** Reads from S3, and only what the configured locations cover. */
export class S3LocationReader implements UpstreamReader {
  readonly #source: ObjectSource;
  readonly #locations: S3Locations;

  constructor(source: ObjectSource, locations: S3Locations) {
    this.#source = source;
    this.#locations = locations;
  }

  async read(location: string, options: UpstreamReadOptions = {}): Promise<Uint8Array> {
    const { signal, maxBytes = MAX_UPSTREAM_FILE_BYTES } = options;
    throwIfAborted(signal, 'read', location);
    const { bucket, key } = this.#allowed(location);
    return this.#source.read(bucket, key, { maxBytes, ...(signal && { signal }) });
  }

  async *list(folder: string, options: CallOptions = {}): AsyncGenerator<string> {
    throwIfAborted(options.signal, 'list', folder);
    const { bucket, key } = this.#allowed(folder);
    const prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
    for await (const name of this.#source.list(bucket, prefix, options)) {
      throwIfAborted(options.signal, 'list', folder);
      yield name;
    }
  }

  #allowed(location: string): S3Location {
    const found = parseS3Location(location);
    if (found && this.#locations.cover(found)) return found;
    throw new InvalidArgumentError(
      `location ${JSON.stringify(location)} is outside ${S3_LOCATIONS_PROPERTY}: add what it starts with`,
      { key: location },
    );
  }
}
