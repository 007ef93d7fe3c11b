import type { Change } from './change.ts';
import type { CommitOptions } from './commit.ts';
import { commit } from './commit.ts';
import { conflictError } from './conflict-error.ts';
import type { RepositoryContext } from './repository-context.ts';
import type { Dropped, Loaded } from './root-blob.ts';

/**
 * Applies one change and answers what its owner is now, which `R` names. Throws `StorageConflictError` where a name is
 * taken, `ResourceConflictError` where what it builds on has changed.
 */
export async function commitOne<R extends Loaded | Dropped>(
  context: RepositoryContext,
  change: Change,
  options?: CommitOptions,
): Promise<R> {
  const result = await commit(context, [change], options);
  if (!result.applied) throw conflictError([change], result.conflicts);
  return result.roots[0] as R;
}
