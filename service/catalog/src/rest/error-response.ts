import {
  IdempotencyKeyReusedError,
  RepositoryError,
  ResourceConflictError,
  ResourceNotEmptyError,
  ResourceNotFoundError,
} from '@floecat/repository';
import type { ResourceType } from '@floecat/repository';
import type { StorageErrorCode } from '@floecat/storage-spi';
import { StorageError } from '@floecat/storage-spi';

/** Status and body of an Iceberg REST error. */
export interface ErrorResponse {
  readonly status: number;
  readonly body: {
    readonly error: { readonly message: string; readonly type: string; readonly code: number };
  };
}

export function errorResponse(status: number, type: string, message: string): ErrorResponse {
  return { status, body: { error: { message, type, code: status } } };
}

const MISSING: Record<ResourceType, string> = {
  account: 'NoSuchAccountException',
  catalog: 'NoSuchWarehouseException',
  namespace: 'NoSuchNamespaceException',
  table: 'NoSuchTableException',
  view: 'NoSuchViewException',
  snapshot: 'NoSuchSnapshotException',
};

/** One row for each code of the storage contract: status and Iceberg error type. */
const BY_CODE: Record<StorageErrorCode, readonly [status: number, type: string]> = {
  INVALID_ARGUMENT: [400, 'BadRequestException'],
  // A blob by address; a resource that is missing has an error of its own.
  STORAGE_NOT_FOUND: [400, 'NotFoundException'],
  STORAGE_CONFLICT: [409, 'AlreadyExistsException'],
  STORAGE_PRECONDITION_FAILED: [409, 'CommitFailedException'],
  STORAGE_ABORT_RETRYABLE: [503, 'ServiceUnavailableException'],
  STORAGE_UNAVAILABLE: [503, 'ServiceUnavailableException'],
  STORAGE_UNKNOWN_OUTCOME: [500, 'CommitStateUnknownException'],
  STORAGE_CORRUPTION: [500, 'StorageCorruptionException'],
  STORAGE_ACCESS_DENIED: [403, 'ForbiddenException'],
  STORAGE_MISCONFIGURED: [500, 'StorageMisconfiguredException'],
  STORAGE_FULL: [507, 'StorageFullException'],
  STORAGE_CLOSED: [503, 'ServiceUnavailableException'],
};

/** How an error of ours is told to a client; `undefined` for one that is not ours. */
export function describeError(error: unknown): ErrorResponse | undefined {
  if (error instanceof ResourceNotFoundError) return errorResponse(404, MISSING[error.type], error.message);
  if (error instanceof ResourceNotEmptyError)
    return errorResponse(409, 'NamespaceNotEmptyException', error.message);
  if (error instanceof ResourceConflictError)
    return errorResponse(409, 'CommitFailedException', error.message);
  if (error instanceof IdempotencyKeyReusedError)
    return errorResponse(422, 'UnprocessableEntityException', error.message);
  if (error instanceof RepositoryError)
    return errorResponse(503, 'ServiceUnavailableException', error.message);
  if (error instanceof StorageError) return errorResponse(...BY_CODE[error.code], error.message);
  return undefined;
}
