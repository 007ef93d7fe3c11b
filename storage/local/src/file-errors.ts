import type { ErrorContext } from '@floecat/storage-spi';
import {
  StorageAccessDeniedError,
  StorageError,
  StorageFullError,
  StorageMisconfiguredError,
  StorageUnavailableError,
} from '@floecat/storage-spi';

/** The errno of a file-system error (`ENOENT`), or `undefined`. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

export function isMissing(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT';
}

/**
 * The typed error for a file-system error of `operation` that certainly applied nothing. `what` says what was being
 * done and to which file.
 */
export function fileError(error: unknown, what: string, context: ErrorContext): StorageError {
  if (error instanceof StorageError) return error;
  const where = context.operation === undefined ? '' : `${context.operation}: `;
  const full = { ...context, cause: error };
  const message = `${where}${what} failed (${errnoOf(error) ?? String(error)})`;
  switch (errnoOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new StorageFullError(`${message}: no room is left; nothing was written, make room`, full);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StorageAccessDeniedError(
        `${message}: this process (uid ${process.getuid?.() ?? '?'}) needs read and write access there`,
        full,
      );
    case 'EMFILE':
    case 'ENFILE':
      return new StorageUnavailableError(
        `${message}: too many files are open; raise the limit (ulimit -n), or retry later`,
        full,
      );
    case 'ENOENT':
      return new StorageMisconfiguredError(
        `${message}: the folder is gone; is the volume mounted, is the data folder the right one?`,
        full,
      );
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
    case 'ELOOP':
      return new StorageMisconfiguredError(
        `${message}: a file stands where a folder should be, or the other way round; choose another folder`,
        full,
      );
    case 'ENAMETOOLONG':
      return new StorageMisconfiguredError(`${message}: choose a data folder with a shorter path`, full);
    default:
      return new StorageUnavailableError(
        `${message}: the disk or file system is failing; nothing was changed, check it before you retry`,
        full,
      );
  }
}
