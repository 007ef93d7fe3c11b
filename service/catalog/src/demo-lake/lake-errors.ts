import type { StorageError } from '@floecat/storage-spi';
import {
  StorageAbortRetryableError,
  StorageAccessDeniedError,
  StorageFullError,
  StorageMisconfiguredError,
} from '@floecat/storage-spi';

/** Throws `STORAGE_ABORT_RETRYABLE` once the signal is aborted: the lake is unfinished, and a repeat writes it anew. */
export function checkAborted(operation: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new StorageAbortRetryableError(`${operation}: aborted before it was finished; run it again`, {
      operation,
      cause: signal.reason,
    });
}

/** The typed error of a failed file operation. */
export function fileError(operation: string, folder: string, cause: unknown): StorageError {
  const context = { operation, key: folder, cause };
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new StorageFullError(`${operation}: no room in ${folder}; make some and run it again`, context);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new StorageAccessDeniedError(
      `${operation}: ${folder} may not be written (${reason}); choose another folder`,
      context,
    );
  return new StorageMisconfiguredError(
    `${operation}: ${folder} cannot be written (${reason}); choose another folder or repair this one`,
    context,
  );
}
