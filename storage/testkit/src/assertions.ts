import assert from 'node:assert/strict';

import type { StorageErrorCode } from '@floecat/storage-spi';
import { StorageError } from '@floecat/storage-spi';

export interface ExpectedError {
  readonly operation?: string;
  readonly key?: string;
  /** Each must occur in the message. */
  readonly mentions?: readonly (string | number)[];
}

/** Awaits a call that has to fail with `code`, as an error of the SPI, and answers that error. */
export async function failsWith(
  code: StorageErrorCode,
  call: Promise<unknown>,
  expected: ExpectedError = {},
): Promise<StorageError> {
  const outcome = await call.then(
    (value: unknown) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in outcome)) {
    const answer = JSON.stringify(outcome.value)?.slice(0, 200) ?? 'undefined';
    throw new assert.AssertionError({ message: `expected ${code}, but the call answered ${answer}` });
  }
  const { error } = outcome;
  if (!(error instanceof StorageError))
    throw new assert.AssertionError({
      message: `expected ${code}, but the call threw ${String(error)}, which is no StorageError`,
    });
  assert.equal(error.code, code, `expected ${code}, got ${error.code}: ${error.message}`);
  assert.equal(typeof error.operation, 'string', `the error names no operation: ${error.message}`);
  if (expected.operation !== undefined) assert.equal(error.operation, expected.operation);
  if (expected.key !== undefined) assert.ok(names(error, expected.key), `the error names ${error.key}`);
  for (const part of expected.mentions ?? [])
    assert.ok(error.message.includes(String(part)), `"${part}" is not in the message: ${error.message}`);
  return error;
}

/** Refusals shorten a long key to its first 80 characters: it may be megabytes. */
function names(error: StorageError, key: string): boolean {
  return error.key === key || (key.length > 80 && error.key === key.slice(0, 80) + '…');
}

/** The call is refused before any I/O. */
export function refused(call: Promise<unknown>, expected?: ExpectedError): Promise<StorageError> {
  return failsWith('INVALID_ARGUMENT', call, expected);
}

/** `value`, which must not be undefined. */
export function present<T>(value: T | undefined, what: string): T {
  assert.ok(value !== undefined, `${what} is absent`);
  return value;
}
