/**
 * Where an error happened. `key` is the pointer key, prefix, blob URI or secret name (of a refused one, the first 80
 * characters); `cause` what lay beneath.
 */
export interface ErrorContext {
  readonly operation?: string;
  readonly key?: string;
  readonly cause?: unknown;
}

/**
 * Base of every error that a store throws. Switch on `code`, which is stable; messages are for people and say
 * what to do next. `operation` and `key` name the call, `cause` what lay beneath it.
 */
export abstract class StorageError extends Error {
  abstract readonly code: StorageErrorCode;
  readonly operation: string | undefined;
  readonly key: string | undefined;

  constructor(message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = new.target.name;
    this.operation = context.operation;
    this.key = context.key;
  }
}

export type StorageErrorCode =
  | 'STORAGE_NOT_FOUND'
  | 'STORAGE_CONFLICT'
  | 'STORAGE_PRECONDITION_FAILED'
  | 'STORAGE_ABORT_RETRYABLE'
  | 'STORAGE_UNAVAILABLE'
  | 'STORAGE_UNKNOWN_OUTCOME'
  | 'STORAGE_CORRUPTION'
  | 'STORAGE_ACCESS_DENIED'
  | 'STORAGE_MISCONFIGURED'
  | 'STORAGE_FULL'
  | 'STORAGE_CLOSED'
  | 'INVALID_ARGUMENT';

/** The blob at this URI, or the secret of this name, does not exist. Catch it where absence is an answer. */
export class StorageNotFoundError extends StorageError {
  readonly code = 'STORAGE_NOT_FOUND';
}

/** A name or key is taken; nothing was written. Catch it to pick another name. The message names the holder. */
export class StorageConflictError extends StorageError {
  readonly code = 'STORAGE_CONFLICT';
}

/** The version is not the one you expected; nothing was written. Read again, decide again. */
export class StoragePreconditionFailedError extends StorageError {
  readonly code = 'STORAGE_PRECONDITION_FAILED';
}

/** Certainly not applied, or safe to repeat. Catch it to retry under backoff. */
export class StorageAbortRetryableError extends StorageError {
  readonly code: 'STORAGE_ABORT_RETRYABLE' | 'STORAGE_UNAVAILABLE' = 'STORAGE_ABORT_RETRYABLE';
}

/** Throttled or down past the deadline, and no attempt can have been applied. Retry later. */
export class StorageUnavailableError extends StorageAbortRetryableError {
  override readonly code = 'STORAGE_UNAVAILABLE';
}

/** The write may have been applied. Never repeat it blindly: read first. Not a {@link StorageAbortRetryableError}. */
export class StorageUnknownOutcomeError extends StorageError {
  readonly code = 'STORAGE_UNKNOWN_OUTCOME';
}

/** Stored bytes fail their digest or do not parse. Never retried; see `floecat verify`. */
export class StorageCorruptionError extends StorageError {
  readonly code = 'STORAGE_CORRUPTION';
}

/** Credentials or permissions are missing, expired or refused. The message names the action. */
export class StorageAccessDeniedError extends StorageError {
  readonly code = 'STORAGE_ACCESS_DENIED';
}

/** Table, bucket, folder, layout, store id or format is wrong or absent. An operator has to act. */
export class StorageMisconfiguredError extends StorageError {
  readonly code = 'STORAGE_MISCONFIGURED';
}

/** There is no room (disk or map). Nothing was written; works again once room is made. */
export class StorageFullError extends StorageError {
  readonly code = 'STORAGE_FULL';
}

/** The store was used after `close`, or a failed flush poisoned it. Open it again. */
export class StorageClosedError extends StorageError {
  readonly code = 'STORAGE_CLOSED';
}

/** Refused before any I/O: the caller has to change its call. */
export class InvalidArgumentError extends StorageError {
  readonly code = 'INVALID_ARGUMENT';
}
