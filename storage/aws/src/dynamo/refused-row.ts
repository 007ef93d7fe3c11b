import type { Expected, Pointer } from '@floecat/storage-spi';
import { StorageAbortRetryableError, StorageUnknownOutcomeError } from '@floecat/storage-spi';

import { MAX_PINS } from './dynamo-constants.ts';
import type { Caller } from './dynamo-table.ts';
import { fromItem } from './pointer-item.ts';
import type { Item } from './pointer-item.ts';

/** The row that a refusal brought back. One that cannot be read proves nothing either. */
export function refusedRow(
  caller: Caller,
  item: Item | undefined,
  mayHaveLanded: boolean,
): Pointer | undefined {
  try {
    return item && fromItem(item, caller.operation);
  } catch (cause) {
    throw mayHaveLanded ? neverKnown(caller, cause) : cause;
  }
}

/** Whether what is expected is a version, which says nothing about the incarnation. */
export function byNumber(expected: Expected): expected is number {
  return typeof expected === 'number' && expected > 0;
}

/** The error where what is there does not tell whether a write was applied. */
export function neverKnown({ operation, key }: Caller, cause?: unknown): StorageUnknownOutcomeError {
  return new StorageUnknownOutcomeError(
    `${operation} ${JSON.stringify(key)}: an attempt may have been applied, and what is there now does not tell; read before you repeat it`,
    { operation, key, cause },
  );
}

/** The error where a write by version number never met the row that it had read. */
export function neverStill({ operation, key }: Caller): StorageAbortRetryableError {
  return new StorageAbortRetryableError(
    `${operation} ${JSON.stringify(key)}: deleted and created again ${MAX_PINS} times meanwhile; not applied, try again`,
    { operation, key },
  );
}
