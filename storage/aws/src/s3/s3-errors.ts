import { StorageAccessDeniedError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { Failure, WireCall } from '../wire/index.ts';
import { fatal, readSdkError } from '../wire/index.ts';

/** The bytes were damaged or cut short on their way up; S3 stored nothing. */
const BAD_UPLOAD = new Set([
  'BadDigest',
  'IncompleteBody',
  'InvalidDigest',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
]);
const ABSENT = new Set(['NoSuchKey', 'NoSuchVersion']);
const READS = new Set(['s3:GetObject', 's3:GetObjectVersion']);

/** What S3's errors mean beyond the general rules. */
export function classifyS3(error: unknown, call: WireCall): Failure | undefined {
  const { name, status, message } = readSdkError(error);
  if (BAD_UPLOAD.has(name)) return { kind: 'not-applied' };
  if (name === 'InvalidObjectState')
    return fatal(
      StorageMisconfiguredError,
      call,
      error,
      'the object is in an archive class; restore it, and keep lifecycle rules from archiving this bucket',
    );
  if (name === 'AccessDenied' && status === 403 && READS.has(call.action))
    return fatal(
      StorageAccessDeniedError,
      call,
      error,
      `${call.action} on ${call.resource} was denied (${message}); allow it, and s3:ListBucket, without which S3 ` +
        'answers the same for an object that does not exist',
    );
  return undefined;
}

const ELSEWHERE = new Set([
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'PermanentRedirect',
  'TemporaryRedirect',
]);

/** What errors mean for a bucket that is not the store's own: they say what to do about upstream tables. */
export function classifyForeign(
  error: unknown,
  call: { readonly operation: string; readonly key: string; readonly bucket: string },
): Failure | undefined {
  const { name, status } = readSdkError(error);
  const misconfigured = (why: string): Failure => ({
    kind: 'fatal',
    error: new StorageMisconfiguredError(
      `${call.operation} ${JSON.stringify(call.key)}: bucket ${call.bucket} ${why}`,
      { operation: call.operation, key: call.key, cause: error },
    ),
  });
  if (name === 'NoSuchBucket')
    return misconfigured(
      'does not exist; correct the location, or floecat.upstream.s3.endpoint if it is somewhere else',
    );
  if (name === 'InvalidObjectState')
    return misconfigured('has the object in an archive class, where it cannot be read; restore it');
  if (!ELSEWHERE.has(name) && status !== 301 && status !== 307) return undefined;
  const region = regionIn(error);
  // The header may be malformed for another reason than the region in it.
  if (region === undefined && name === 'AuthorizationHeaderMalformed') return undefined;
  return misconfigured(
    region === undefined
      ? 'is in another region; set floecat.upstream.s3.region to it'
      : `is in region ${region}; set floecat.upstream.s3.region=${region}`,
  );
}

/** The region that an error says the bucket is in: a header, or the body, tell it. */
function regionIn(error: unknown): string | undefined {
  const { $response, Region, message } = error as {
    $response?: { headers?: Readonly<Record<string, string>> };
    Region?: unknown;
    message?: unknown;
  };
  const [, expected] = /expecting '([a-z0-9-]+)'/.exec(String(message)) ?? [];
  const told =
    $response?.headers?.['x-amz-bucket-region'] ?? (typeof Region === 'string' ? Region : expected);
  return told !== undefined && /^[a-z0-9-]{1,64}$/.test(told) ? told : undefined;
}

/**
 * Whether the object, or its version, certainly does not exist. Only the exact errors say so: any other 404 may be a
 * missing bucket or a proxy on the way.
 */
export function isAbsent(error: unknown, versionId: string | undefined): boolean {
  const { name, status } = readSdkError(error);
  if (ABSENT.has(name)) return true;
  if (versionId === undefined) return false;
  // The version is a delete marker, or the id is none that S3 could have given.
  if (status === 405 && name === 'MethodNotAllowed') return true;
  return status === 400 && name === 'InvalidArgument' && /version ?id/i.test(argumentOf(error));
}

/** An answer to HEAD that has no body, and so does not say what was wrong. */
export function isBodiless(error: unknown): boolean {
  const { status } = readSdkError(error);
  return status === 400 || status === 403 || status === 404 || status === 405;
}

function argumentOf(error: unknown): string {
  const { ArgumentName, message } = error as { ArgumentName?: unknown; message?: unknown };
  return `${typeof ArgumentName === 'string' ? ArgumentName : ''} ${String(message)}`;
}
