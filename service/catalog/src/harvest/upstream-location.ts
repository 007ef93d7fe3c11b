import { InvalidArgumentError } from '@floecat/storage-spi';

/** Setting that maps locations to folders. */
export const LOCATIONS_PROPERTY = 'floecat.upstream.locations';
/** Setting that names the places in S3 that may be read. */
export const S3_LOCATIONS_PROPERTY = 'floecat.upstream.s3.locations';

/** A location taken apart, so that different spellings of one place are equal. */
export interface UpstreamLocation {
  /** Scheme in lower case (`s3`, `file`, …), or empty for a relative location. */
  readonly scheme: string;
  /** Bucket or authority first, where the scheme has one. Never `.`, `..` or empty. */
  readonly segments: readonly string[];
}

const SAME_SCHEME: Readonly<Record<string, string>> = { s3a: 's3', s3n: 's3' };
const WITH_AUTHORITY = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is;
const FILE = /^file:(?:\/\/(?:localhost)?)?(\/.*)$/is;

/**
 * Takes a location apart. A leading `./`, empty segments and `.` segments fall away; `file:///x`, `file:/x` and
 * `/x` are one, and so are `s3://`, `s3a://` and `s3n://`. Nothing is percent-decoded. A `..` segment, a backslash,
 * NUL or a lone surrogate is `INVALID_ARGUMENT`: no writer needs them, and each means different things to
 * different readers.
 */
export function parseLocation(location: string): UpstreamLocation {
  if (location === '') refuse(location, 'it is empty');
  if (!location.isWellFormed()) refuse(location, 'it has a lone surrogate');
  if (location.includes('\0')) refuse(location, 'it has a NUL character');
  if (location.includes('\\')) refuse(location, 'it has a backslash; part segments by /');
  const parsed = split(location);
  if (parsed.segments.includes('..'))
    refuse(location, 'it has a .. segment; write where it leads, and add a prefix for that if there is none');
  return parsed;
}

function split(location: string): UpstreamLocation {
  const file = FILE.exec(location)?.[1] ?? (location.startsWith('/') ? location : undefined);
  if (file !== undefined) return { scheme: 'file', segments: segmentsOf(file) };
  if (/^file:/i.test(location)) refuse(location, 'write a path of this machine as file:///path');
  const [, scheme, rest] = WITH_AUTHORITY.exec(location) ?? [];
  if (scheme === undefined || rest === undefined) return { scheme: '', segments: segmentsOf(location) };
  if (/^\.?\/|^\.$/.test(rest)) refuse(location, 'it names no bucket');
  const known = scheme.toLowerCase();
  return { scheme: SAME_SCHEME[known] ?? known, segments: segmentsOf(rest) };
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}

function refuse(location: string, why: string): never {
  throw new InvalidArgumentError(
    `location ${JSON.stringify(location)} cannot be looked up in ${LOCATIONS_PROPERTY}: ${why}`,
    { key: location },
  );
}
