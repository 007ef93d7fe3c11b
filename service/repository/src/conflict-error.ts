import type { StorageError } from '@floecat/storage-spi';
import { StorageConflictError } from '@floecat/storage-spi';

import type { Change } from './change.ts';
import type { Conflict } from './errors.ts';
import { IdempotencySupersededError, ResourceConflictError } from './errors.ts';
import { shapeOfKey } from './key-shapes.ts';
import { idIn } from './name-path.ts';
import { nameKeyType } from './pointer-keys.ts';

/**
 * Why a commit was refused, for its caller: first of all that the idempotent run is another's by now, since then all else
 * may be that one's doing; then a name that is taken.
 */
export function conflictError(
  changes: readonly Change[],
  conflicts: readonly Conflict[],
): StorageError | ResourceConflictError | IdempotencySupersededError {
  const record = conflicts.find(({ key }) => shapeOfKey(key)?.is === 'record');
  if (record)
    return new IdempotencySupersededError(
      `${changes[0]?.label}: the record ${record.key} of this idempotent run was taken over or has expired`,
    );
  for (const { key, current } of conflicts)
    for (const change of changes) {
      const wanted =
        change.rivals.includes(key) || change.names.some((name) => name.isNew && name.key === key);
      if (wanted && current) return nameTaken(change.label, key, idIn(current));
    }
  const [first] = conflicts;
  const moved = changes.find(({ owner }) => owner.key === first?.key);
  const why = moved
    ? `${moved.label} was changed or dropped meanwhile`
    : `${changes[0]?.label}: ${first?.key}, which it builds on, was changed or dropped meanwhile`;
  return new ResourceConflictError(`${why}: read it again`, { conflicts });
}

/** A name that somebody else has. */
export function nameTaken(name: string, key: string, holder: string | undefined): StorageConflictError {
  return new StorageConflictError(
    `${name} exists already, as a ${nameKeyType(key)} with the id ${holder ?? '?'}`,
    { operation: 'commit', key },
  );
}
