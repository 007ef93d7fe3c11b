import type { CallOptions } from '@floecat/storage-spi';
import { InvalidArgumentError } from '@floecat/storage-spi';

/**
 * Where backups lie: named files, each of at most 64 MiB. A file is there wholly and durably once `put` has answered, or
 * not at all; another put replaces it. Names are made of letters, digits, `.`, `_` and `-`, with `/` between parts.
 *
 * Errors are those of the stores: `STORAGE_ACCESS_DENIED`, `STORAGE_MISCONFIGURED`, `STORAGE_UNAVAILABLE`,
 * `STORAGE_FULL`. A file that does not exist is `undefined`, never an error.
 */
export interface BackupTarget extends AsyncDisposable {
  /** As a person gives it and as it is registered: an absolute path, or `s3://bucket/prefix`. */
  readonly location: string;

  put(name: string, bytes: Uint8Array, options?: CallOptions): Promise<void>;

  get(name: string, options?: CallOptions): Promise<Uint8Array | undefined>;

  /** Names that begin with `prefix`, which is empty or ends in `/`, in the order of their bytes. */
  list(prefix: string, options?: CallOptions): AsyncIterable<string>;

  /** Deleting nothing succeeds. */
  delete(name: string, options?: CallOptions): Promise<void>;
}

const NAME = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** Refuses a name that could lead out of the target, or that not every target can hold. */
export function checkFileName(operation: string, name: string): void {
  if (NAME.test(name) && name.length <= 512) return;
  throw new InvalidArgumentError(
    `${operation} ${JSON.stringify(name.slice(0, 80))}: no file of a backup is called so`,
    {
      operation,
      key: name,
    },
  );
}

/** The name of a file of backup `id`. */
export function fileOf(id: string, file: string): string {
  return `${id}/${file}`;
}
