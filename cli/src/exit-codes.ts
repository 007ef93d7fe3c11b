import { ConfigError } from '@floecat/config';
import { RecoveryRefusedError } from '@floecat/recovery';
import {
  IdempotencyInProgressError,
  IdempotencyKeyReusedError,
  ResourceConflictError,
  ResourceNotEmptyError,
  ResourceNotFoundError,
} from '@floecat/repository';
import { StorageError } from '@floecat/storage-spi';

/** What the command's exit code tells a script. */
export const EXIT = {
  ok: 0,
  /** Something failed that is not below; the message says what. */
  failed: 1,
  /** The command line, a property or an argument is wrong. */
  usage: 2,
  notFound: 3,
  /** A name or a key is taken, somebody else changed the same thing first, or what is there does not allow it. */
  conflict: 4,
  /** Done, but parts of the upstream table, or rows of the listing, could not be read; the output names them. */
  incomplete: 5,
  /** Table or bucket differ from the settings, and it is left to you. */
  left: 6,
  /** What is stored does not hold together; the findings say what. */
  amiss: 7,
  /** Recovered, but something that was acknowledged could not be proven or brought back; the output names it. */
  unproven: 8,
  /** Stopped by SIGINT or SIGTERM before it was done. */
  interrupted: 130,
} as const;

export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return EXIT.usage;
  if (error instanceof ResourceNotFoundError) return EXIT.notFound;
  if (error instanceof ResourceConflictError || error instanceof ResourceNotEmptyError) return EXIT.conflict;
  if (error instanceof RecoveryRefusedError) return EXIT.conflict;
  if (error instanceof IdempotencyKeyReusedError || error instanceof IdempotencyInProgressError)
    return EXIT.conflict;
  if (error instanceof StorageError)
    switch (error.code) {
      case 'INVALID_ARGUMENT':
        return EXIT.usage;
      case 'STORAGE_NOT_FOUND':
        return EXIT.notFound;
      case 'STORAGE_CONFLICT':
      case 'STORAGE_PRECONDITION_FAILED':
        return EXIT.conflict;
      default:
        return EXIT.failed;
    }
  return EXIT.failed;
}
