import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ProblemSchema } from '@floecat/proto/snapshots';
import {
  InvalidArgumentError,
  StorageAbortRetryableError,
  StorageCorruptionError,
  StorageNotFoundError,
} from '@floecat/storage-spi';

/** A well-formed file of a kind that this version does not read: a codec, a format version, an encrypted manifest. */
export class UpstreamUnsupportedError extends InvalidArgumentError {}

/** Codes of `Problem.code`. */
export type ProblemCode = 'MISSING' | 'DAMAGED' | 'REFUSED' | 'UNSUPPORTED';

export type ProblemInit = MessageInitShape<typeof ProblemSchema> & {
  readonly location: string;
  readonly code: ProblemCode;
  readonly message: string;
};

/**
 * What an error says of the file itself, or `undefined` where it says nothing of it: an abort, missing permissions
 * or a failing disk must end the harvest, since a later attempt may read what this one did not.
 */
export function problemOf(location: string, error: unknown): ProblemInit | undefined {
  const code = codeOf(error);
  return code && { location, code, message: (error as Error).message };
}

function codeOf(error: unknown): ProblemCode | undefined {
  if (error instanceof StorageNotFoundError) return 'MISSING';
  if (error instanceof StorageCorruptionError) return 'DAMAGED';
  if (error instanceof UpstreamUnsupportedError) return 'UNSUPPORTED';
  if (error instanceof InvalidArgumentError) return 'REFUSED';
  return undefined;
}

export function throwIfAborted(signal: AbortSignal | undefined, operation: string, key: string): void {
  if (signal?.aborted)
    throw new StorageAbortRetryableError(`${operation} ${key}: aborted`, {
      operation,
      key,
      cause: signal.reason,
    });
}
