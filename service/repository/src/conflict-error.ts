import type { StorageError } from '@floecat/storage-spi';
import { StorageConflictError } from '@floecat/storage-spi';

import type { Change } from './change.ts';
import type { Conflict } from './errors.ts';
import { ResourceConflictError } from './errors.ts';
import { idIn } from './name-path.ts';
import { nameKeyType } from './pointer-keys.ts';

/** Why a commit was refused, for its caller: first of all a name that is taken. */
export function conflictError(
  changes: readonly Change[],
  conflicts: readonly Conflict[],
): StorageError | ResourceConflictError {
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
