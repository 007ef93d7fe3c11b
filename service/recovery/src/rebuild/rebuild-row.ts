import { REBUILD_KEY } from '@floecat/repository';
import type { Pointer } from '@floecat/storage-spi';

import { RecoveryRefusedError } from '../errors.ts';
import type { RecoveryContext } from '../recovery-context.ts';
import { callOf } from '../recovery-context.ts';

/**
 * Notes that this table is being rebuilt, until nothing is left to decide, so that a rebuild that was stopped, or waits for
 * decisions, can go on. Throws {@link RecoveryRefusedError} where the table has pointers of its own.
 */
export async function beginRebuild(context: RecoveryContext): Promise<Pointer> {
  const { pointers, system } = context.storage;
  const call = callOf(context);
  const begun = await system.get(REBUILD_KEY, call);
  if (begun) return begun;
  const { pointers: found } = await pointers.listPointersByPrefix('', { ...call, limit: 1 });
  if (found.length > 0)
    throw new RecoveryRefusedError(
      'the table has pointers, and a rebuild makes them all from the blobs: to bring back what is missing beside what is there, run floecat restore --from none',
    );
  const value = JSON.stringify({ format: 1, tableId: context.storage.layout.tableId });
  const result = await system.compareAndSet(REBUILD_KEY, 0, { kind: 'value', value }, call);
  const row = result.applied ? result.pointer : result.current;
  if (row) return row;
  throw new RecoveryRefusedError(
    'another process has just ended a rebuild of this table: look at what is there',
  );
}

export async function endRebuild(context: RecoveryContext, row: Pointer): Promise<void> {
  await context.storage.system.compareAndDelete(row.key, row, callOf(context));
}
