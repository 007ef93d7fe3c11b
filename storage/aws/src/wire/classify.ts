import type { ErrorContext } from '@floecat/storage-spi';
import { StorageAccessDeniedError, StorageError, StorageMisconfiguredError } from '@floecat/storage-spi';

import type { Failure, WireCall } from './failure.ts';
import type { SdkError } from './sdk-error.ts';
import { readSdkError } from './sdk-error.ts';

const THROTTLED = new Set([
  'BandwidthLimitExceeded',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'Throttling',
  'ThrottledException',
  'ThrottlingException',
  'TooManyRequestsException',
]);
const CONTENDED = new Set([
  'ConditionalRequestConflict',
  'OperationAborted',
  'ReplicatedWriteConflictException',
  'TransactionConflictException',
]);
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);
const SKEWED = new Set(['RequestExpired', 'RequestInTheFuture', 'RequestTimeTooSkewed']);
const BAD_SIGNATURE = new Set(['InvalidSignatureException', 'SignatureDoesNotMatch']);
const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AuthFailure',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'NotAuthorized',
  'OptInRequired',
  'UnrecognizedClientException',
]);
const NO_CREDENTIALS = new Set(['CredentialsProviderError', 'ProviderError', 'TokenProviderError']);
const NO_TABLE = new Set(['ResourceNotFoundException', 'TableNotFoundException']);
const WRONG_REGION = new Set(['AuthorizationHeaderMalformed', 'PermanentRedirect']);
const NO_CONNECTION = new Set(['EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND']);
const BAD_CERTIFICATE = /^(?:ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** What an error of one attempt means. Where it cannot be told, a write may have been applied. */
export function classify(error: unknown, call: WireCall): Failure {
  if (error instanceof StorageError) return { kind: 'fatal', error };
  const seen = readSdkError(error);
  const { name, status } = seen;
  if (THROTTLED.has(name) || status === 429) return { kind: 'throttled' };
  if (CONTENDED.has(name)) return { kind: 'contended' };
  if (EXPIRED.has(name)) return { kind: 'expired-credentials' };
  if (SKEWED.has(name) || (BAD_SIGNATURE.has(name) && /expired|not yet current/i.test(seen.message)))
    return { kind: 'clock-skew' };
  if (NO_CREDENTIALS.has(name)) return fatal(StorageAccessDeniedError, call, error, noCredentials(seen));
  if (/^Region (?:is missing|not accepted)/.test(seen.message))
    return fatal(
      StorageMisconfiguredError,
      call,
      error,
      'no AWS region is set; set floecat.fileio.override.s3.region, AWS_REGION or a profile',
    );
  if (BAD_CERTIFICATE.test(seen.code ?? ''))
    return fatal(
      StorageMisconfiguredError,
      call,
      error,
      `the endpoint's certificate is refused (${seen.code})`,
    );
  if (neverConnected(seen)) return { kind: 'not-applied' };
  if (status === undefined)
    return seen.answered || isNetwork(seen) ? { kind: 'ambiguous' } : { kind: 'unrecognised' };
  if (status < 300) return { kind: 'ambiguous' };
  return refused(error, seen, call);
}

function refused(error: unknown, seen: SdkError, call: WireCall): Failure {
  const { name, status = 0 } = seen;
  const isDynamo = call.action.startsWith('dynamodb:');
  if (status >= 500) return { kind: 'ambiguous' };
  // S3: the body did not arrive in time, so nothing was stored.
  if (name === 'RequestTimeout') return { kind: 'not-applied' };
  if (name === 'NoSuchBucket' || (isDynamo && NO_TABLE.has(name)))
    return fatal(
      StorageMisconfiguredError,
      call,
      error,
      `${call.resource} does not exist in this account and region; correct its name, or bring it back if it was lost`,
    );
  if (WRONG_REGION.has(name) || status === 301)
    return fatal(
      StorageMisconfiguredError,
      call,
      error,
      `${call.resource} is in another region: ${seen.message}`,
    );
  if (DENIED.has(name) || BAD_SIGNATURE.has(name) || status === 401 || status === 403)
    return fatal(StorageAccessDeniedError, call, error, denied(seen, call));
  return fatal(
    StorageMisconfiguredError,
    call,
    error,
    `the service refused ${call.action} on ${call.resource} (${name || status}): ${seen.message}`,
  );
}

function denied(seen: SdkError, call: WireCall): string {
  const what = `${call.action} on ${call.resource} was denied (${seen.name || seen.status})`;
  return `${what}: ${seen.message}; allow the action, or use other credentials`;
}

function noCredentials(seen: SdkError): string {
  return `no AWS credentials were found: ${seen.message}; set a key and its secret, a profile or a role`;
}

function neverConnected(seen: SdkError): boolean {
  if (seen.answered) return false;
  if (NO_CONNECTION.has(seen.code ?? '') || seen.syscall === 'connect') return true;
  // How the SDK's HTTP handler says that its time for connecting ran out. Missing it only makes this ambiguous.
  return seen.name === 'TimeoutError' && /establish(?:ing)? a connection/.test(seen.message);
}

function isNetwork(seen: SdkError): boolean {
  return seen.code !== undefined || seen.name === 'TimeoutError' || seen.name === 'AbortError';
}

/** The failure that ends the call with an error of `type`, which says what to do. */
export function fatal(
  type: new (message: string, context: ErrorContext) => StorageError,
  call: WireCall,
  cause: unknown,
  why: string,
): Failure {
  const { operation, key } = call;
  const error = new type(`${operation} ${JSON.stringify(key)}: ${why}`, { operation, key, cause });
  return { kind: 'fatal', error };
}

/** The error of a request that was refused once more, after what could be done about it was done. */
export function refusedTwice(
  call: WireCall,
  cause: unknown,
  kind: 'expired-credentials' | 'clock-skew',
): StorageError {
  const { operation, key, action, resource } = call;
  const why =
    kind === 'clock-skew'
      ? "this machine's clock is off and the client could not correct for it; set the clock"
      : 'the credentials have expired and no newer ones were found; renew them';
  const message = `${operation} ${JSON.stringify(key)}: ${action} on ${resource} was refused twice: ${why}`;
  return new StorageAccessDeniedError(message, { operation, key, cause });
}
