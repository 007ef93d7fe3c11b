/** Base of the errors of this package; the storage errors pass through unchanged. */
export abstract class GcError extends Error {
  abstract readonly code: 'GC_REFUSED' | 'GC_UNVERSIONED' | 'GC_UNREADABLE' | 'GC_SUPERSEDED';
  /** The pointer key or blob URI that it is about. */
  readonly key: string | undefined;

  constructor(message: string, options: { readonly key?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.key = options.key;
  }
}

/** Going on would be dangerous, or is not possible here. Nothing was deleted; an operator has to look. */
export class GcRefusedError extends GcError {
  readonly code: 'GC_REFUSED' | 'GC_UNVERSIONED' = 'GC_REFUSED';
}

/** This store cannot promise to delete exactly one version of a blob, so none is deleted. */
export class GcUnversionedError extends GcRefusedError {
  override readonly code = 'GC_UNVERSIONED';
}

/** Whether a problem of this code is a refusal: nothing is broken, but an operator has to look. */
export function isRefusal(code: string): boolean {
  return code === 'GC_REFUSED' || code === 'GC_UNVERSIONED';
}

/**
 * A key, kind, message or reference that this version does not know or cannot read, or a pointer whose blob is gone.
 * The pass has ended with nothing condemned or deleted.
 */
export class GcUnreadableError extends GcError {
  readonly code = 'GC_UNREADABLE';
}

/** Another process has taken this work over. Nothing is lost. */
export class GcSupersededError extends GcError {
  readonly code = 'GC_SUPERSEDED';
}
