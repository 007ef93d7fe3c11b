/** Base of the errors of this package; the storage errors pass through unchanged. */
export abstract class RepositoryError extends Error {
  abstract readonly code: 'RESOURCE_NOT_FOUND' | 'RESOURCE_CONFLICT' | 'CHANGE_TOO_SLOW';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

export type ResourceType = 'account' | 'catalog' | 'namespace' | 'table' | 'view' | 'snapshot';

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

/** Somebody else changed or dropped what this change builds on; nothing was applied. Read again, decide again. */
export class ResourceConflictError extends RepositoryError {
  readonly code = 'RESOURCE_CONFLICT';
}

/**
 * More than half of the collector's grace passed between the first blob of a change and its commit; nothing was
 * committed, because a collector might already take the blobs. Repeat the change.
 */
export class ChangeTooSlowError extends RepositoryError {
  readonly code = 'CHANGE_TOO_SLOW';
}
