import type { StorageError } from '@floecat/storage-spi';

/** What went wrong with one attempt, as far as the retry loop has to know. */
export type Failure =
  /** The service asked to slow down, or did part of the work. What failed was not applied. */
  | { readonly kind: 'throttled' }
  /** It did not reach the service, or the service did nothing. Not applied. */
  | { readonly kind: 'not-applied' }
  /** Lost to another request for the same thing; that one went on, so trying again costs no budget. Not applied. */
  | { readonly kind: 'contended' }
  /** It may have been applied. Tried again all the same: a write that is sent must bear a repetition. */
  | { readonly kind: 'ambiguous' }
  /** Nobody knows what happened, and there is no reason to think that a repetition would help. */
  | { readonly kind: 'unrecognised' }
  /** Refused for credentials that ran out: worth one more try with new ones. Not applied. */
  | { readonly kind: 'expired-credentials' }
  /** Refused for the clock that signed it: worth one more try, since the client corrects itself. Not applied. */
  | { readonly kind: 'clock-skew' }
  /** Will not get better. Not applied. */
  | { readonly kind: 'fatal'; readonly error: StorageError };

/** One request as the wire and its errors see it. */
export interface WireCall {
  /** The operation of the SPI, e.g. `compareAndSet`. */
  readonly operation: string;
  /** The pointer key, blob URI or secret name. */
  readonly key: string;
  /** The IAM action, e.g. `dynamodb:PutItem`. Its part before the colon says which service it is. */
  readonly action: string;
  /** What it is done to, as a message would say it, e.g. `table floecat_pointers`. */
  readonly resource: string;
  /**
   * Whether an attempt changes something. If one may have been applied and none after it says otherwise, the call
   * ends in `StorageUnknownOutcomeError`.
   */
  readonly write: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Meanings that errors have for this request alone; `undefined` leaves them to the general rules. */
  readonly classify?: (error: unknown) => Failure | undefined;
}
