import type { Pointer } from '@floecat/storage-spi';
import { StorageUnknownOutcomeError } from '@floecat/storage-spi';

import type { ResourceType } from './pointer-keys.ts';

/** Base of the errors of this package; the storage errors pass through unchanged. */
export abstract class RepositoryError extends Error {
  abstract readonly code:
    | 'RESOURCE_NOT_FOUND'
    | 'RESOURCE_CONFLICT'
    | 'RESOURCE_NOT_EMPTY'
    | 'CHANGE_TOO_SLOW'
    | 'IDEMPOTENCY_KEY_REUSED'
    | 'IDEMPOTENCY_IN_PROGRESS'
    | 'IDEMPOTENCY_SUPERSEDED';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** No live resource of this name. Catch it where absence is an answer. */
export class ResourceNotFoundError extends RepositoryError {
  readonly code = 'RESOURCE_NOT_FOUND';
  readonly type: ResourceType;
  readonly resource: string;

  constructor(type: ResourceType, resource: string, hint = '') {
    super(`no ${type} ${resource}${hint && `: ${hint}`}`);
    this.type = type;
    this.resource = resource;
  }
}

/** What refused a transaction: a key whose condition did not hold, with what is there. */
export interface Conflict {
  readonly key: string;
  readonly current: Pointer | undefined;
}

/**
 * Somebody else changed or dropped what this change builds on; nothing was applied. Read again, decide again.
 * `conflicts` are the rows that refused it, where the store told them.
 */
export class ResourceConflictError extends RepositoryError {
  readonly code = 'RESOURCE_CONFLICT';
  readonly conflicts: readonly Conflict[];

  constructor(message: string, options: ErrorOptions & { readonly conflicts?: readonly Conflict[] } = {}) {
    super(message, options);
    this.conflicts = options.conflicts ?? [];
  }
}

/** It has children, so it is neither dropped alone nor renamed. Drop them first, or drop it with them. */
export class ResourceNotEmptyError extends RepositoryError {
  readonly code = 'RESOURCE_NOT_EMPTY';
  readonly type: ResourceType;

  constructor(type: ResourceType, message: string) {
    super(message);
    this.type = type;
  }
}

/**
 * More than half of the collector's grace passed between the first blob of a change and its commit; nothing was
 * committed, because a collector might already take the blobs. Repeat the change.
 */
export class ChangeTooSlowError extends RepositoryError {
  readonly code = 'CHANGE_TOO_SLOW';
}

/** The idempotency key was used for something else. Nothing was done. Catch it never: give each operation its own key. */
export class IdempotencyKeyReusedError extends RepositoryError {
  readonly code = 'IDEMPOTENCY_KEY_REUSED';
}

/** Another call with this idempotency key is under way; this one did nothing. Call again later, with the same key. */
export class IdempotencyInProgressError extends RepositoryError {
  readonly code = 'IDEMPOTENCY_IN_PROGRESS';
}

/**
 * The record that a transaction was to complete is not the holder's any more; nothing was applied. Thrown by a commit
 * inside `runOnce`, which then finds out what the key's operation came to: let it pass.
 */
export class IdempotencySupersededError extends RepositoryError {
  readonly code = 'IDEMPOTENCY_SUPERSEDED';
}

/**
 * A change was committed for certain; whether its blobs were still there could not be found out. Reading the pointer
 * again tells nothing new: run `floecat verify`.
 */
export class UnverifiedCommitError extends StorageUnknownOutcomeError {}
