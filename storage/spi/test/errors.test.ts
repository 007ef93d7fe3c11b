import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as spi from '@floecat/storage-spi';
import { StorageAbortRetryableError, StorageError } from '@floecat/storage-spi';

const ERRORS = [
  { Class: spi.StorageNotFoundError, code: 'STORAGE_NOT_FOUND', retryable: false },
  { Class: spi.StorageConflictError, code: 'STORAGE_CONFLICT', retryable: false },
  { Class: spi.StoragePreconditionFailedError, code: 'STORAGE_PRECONDITION_FAILED', retryable: false },
  { Class: spi.StorageAbortRetryableError, code: 'STORAGE_ABORT_RETRYABLE', retryable: true },
  { Class: spi.StorageUnavailableError, code: 'STORAGE_UNAVAILABLE', retryable: true },
  { Class: spi.StorageUnknownOutcomeError, code: 'STORAGE_UNKNOWN_OUTCOME', retryable: false },
  { Class: spi.StorageCorruptionError, code: 'STORAGE_CORRUPTION', retryable: false },
  { Class: spi.StorageAccessDeniedError, code: 'STORAGE_ACCESS_DENIED', retryable: false },
  { Class: spi.StorageMisconfiguredError, code: 'STORAGE_MISCONFIGURED', retryable: false },
  { Class: spi.StorageFullError, code: 'STORAGE_FULL', retryable: false },
  { Class: spi.StorageClosedError, code: 'STORAGE_CLOSED', retryable: false },
  { Class: spi.InvalidArgumentError, code: 'INVALID_ARGUMENT', retryable: false },
] as const;

for (const { Class, code, retryable } of ERRORS)
  void test(`${Class.name}: code ${code}, ${retryable ? 'retryable' : 'not retryable'}, with name, context, cause`, () => {
    const cause = new Error('beneath');
    const error = new Class('what to do', { operation: 'put', key: '/a', cause });
    assert.ok(error instanceof StorageError && error instanceof Error);
    assert.deepEqual([error.code, error.name, error.message], [code, Class.name, 'what to do']);
    assert.deepEqual([error.operation, error.key, error.cause], ['put', '/a', cause]);
    assert.equal(error instanceof StorageAbortRetryableError, retryable);
  });

void test('every error class that is exported is one of the contract', () => {
  const exported = Object.values(spi).filter(
    (value) => typeof value === 'function' && value.prototype instanceof StorageError,
  );
  assert.deepEqual(new Set(exported), new Set(ERRORS.map(({ Class }) => Class)));
});

void test('without a context there is no cause, operation or key', () => {
  const error = new spi.StorageFullError('make room');
  assert.equal('cause' in error, false);
  assert.deepEqual([error.operation, error.key], [undefined, undefined]);
});
