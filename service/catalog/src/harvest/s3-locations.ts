import { StorageMisconfiguredError } from '@floecat/storage-spi';

import { parseLocation, S3_LOCATIONS_PROPERTY } from './upstream-location.ts';

/** An object, or what a prefix of keys stands for. */
export interface S3Location {
  readonly bucket: string;
  /** Letter by letter: nothing is decoded, and an empty segment counts. Empty for the bucket itself. */
  readonly key: string;
}

/**
 * The bucket and key of an `s3://`, `s3a://` or `s3n://` location; `undefined` for any other. Throws
 * `INVALID_ARGUMENT` where it has no bucket, or what means different things to different readers (see
 * {@link parseLocation}).
 */
export function parseS3Location(location: string): S3Location | undefined {
  if (parseLocation(location).scheme !== 's3') return undefined;
  const [, bucket = '', key = ''] = /^[^:]*:\/\/([^/]*)\/?(.*)$/s.exec(location) ?? [];
  return { bucket, key };
}

/** The places in S3 that may be read, and all below them. Prefixes match whole segments. */
export class S3Locations {
  readonly #places: readonly S3Location[];

  /** `s3://` is every bucket. */
  constructor(locations: readonly string[]) {
    this.#places = locations.map(parsePlace);
  }

  /** Whether the location, or for a folder what is in it, may be read. */
  cover({ bucket, key }: S3Location): boolean {
    return this.#places.some(
      (place) =>
        place.bucket === '' ||
        (place.bucket === bucket && (place.key === '' || `${key}/`.startsWith(`${place.key}/`))),
    );
  }
}

function parsePlace(location: string): S3Location {
  const refuse = (why: string, cause?: unknown): never => {
    throw new StorageMisconfiguredError(`${S3_LOCATIONS_PROPERTY}: ${JSON.stringify(location)} ${why}`, {
      cause,
    });
  };
  try {
    const { bucket, key } = parseS3Location(location) ?? refuse('is not in S3; begin it with s3://');
    return { bucket, key: key.replace(/\/$/, '') };
  } catch (cause) {
    if (cause instanceof StorageMisconfiguredError) throw cause;
    return refuse(`cannot be used: ${(cause as Error).message}`, cause);
  }
}
