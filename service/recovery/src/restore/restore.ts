import type { RecoveryContext } from '../recovery-context.ts';
import type { RecoveryReport } from './outcome.ts';
import type { RecoverOptions } from './recover-options.ts';
import { recover } from './recover.ts';

export type RestoreOptions = Omit<RecoverOptions, 'decided'>;

/**
 * Puts back what a backup holds, at its versions, and then what the blobs tell beyond it, into an empty or a living store.
 * A row that is newer stays, unless `rollBack` has the older content put over it as a new version. Without a backup it goes
 * by the blobs and by the rows that are there.
 *
 * Safe beside writers, collectors and another restore, and to stop and run again. A write that somebody began and did not
 * finish may be finished by it.
 */
export function restore(context: RecoveryContext, options: RestoreOptions = {}): Promise<RecoveryReport> {
  return recover(context, options);
}
