import type { BatchResult, DeleteResult, Pointer } from '@floecat/storage-spi';

import type { Interception } from '../../../repository/test/support/store-calls.ts';

/** The rows as the store acknowledged them, put down beside it, write by write. */
export class Journal {
  readonly rows = new Map<string, Pointer>();

  readonly watch: Interception = async ({ name, args }, proceed) => {
    const result = await proceed();
    switch (name) {
      case 'pointers.compareAndSetBatch':
        this.#batch(
          args[0] as readonly { readonly op: string; readonly key: string }[],
          result as BatchResult,
        );
        break;
      case 'pointers.compareAndDelete':
        if ((result as DeleteResult).applied) this.rows.delete(args[0] as string);
        break;
      case 'pointers.deleteByPrefix':
        for (const key of this.rows.keys()) if (key.startsWith(args[0] as string)) this.rows.delete(key);
        break;
      default:
    }
    return result;
  };

  #batch(operations: readonly { readonly op: string; readonly key: string }[], result: BatchResult): void {
    if (!result.applied) return;
    for (const [i, { op, key }] of operations.entries()) {
      const row = result.pointers[i];
      if (op === 'delete') this.rows.delete(key);
      else if (op === 'upsert' && row) this.rows.set(key, row);
    }
  }
}
