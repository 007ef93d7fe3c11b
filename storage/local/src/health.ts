import type { ErrorContext } from '@floecat/storage-spi';
import { StorageClosedError } from '@floecat/storage-spi';

/**
 * Whether a store may still be used. After a failed flush nobody knows which pages reached the disk, and a flush
 * that is repeated may succeed without writing them: so the store stays closed until it is opened again.
 */
export class Health {
  #cause: unknown;

  get failed(): boolean {
    return this.#cause !== undefined;
  }

  poison(cause: unknown): void {
    this.#cause ??= cause;
  }

  /** Throws `StorageClosedError` once the store is poisoned. */
  check(operation: string, key: string): void {
    if (this.#cause !== undefined) throw this.closed({ operation, key });
  }

  closed(context: ErrorContext): StorageClosedError {
    const where = context.operation === undefined ? '' : `${context.operation}: `;
    return new StorageClosedError(
      `${where}the store closed itself because the disk failed (${String(this.#cause)}); check the disk, then open the store again`,
      { ...context, cause: this.#cause },
    );
  }
}
