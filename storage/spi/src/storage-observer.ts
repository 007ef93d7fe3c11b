import type { StorageErrorCode } from './errors.ts';

/** The stores of one backend. Requests for `system` are told as those for `pointers`: it is the same service. */
export type ObservedStore = 'pointers' | 'system' | 'blobs' | 'secrets';

/** What failed: the code of a `StorageError`, or `INTERNAL` for any other error, which is a defect. */
export type FailureCode = StorageErrorCode | 'INTERNAL';

/** How an operation ended. Conditional writes end `applied` or in a `conflict`, everything else ends `ok`. */
export type OperationOutcome = 'ok' | 'applied' | 'conflict' | FailureCode;

/** What an operation read or wrote. All 0 where it failed or nothing was written. */
export interface OperationGain {
  /** Pointers, blobs, versions or secrets that were answered, written, deleted or counted. */
  readonly items: number;
  /** Payload that was answered: bytes of blobs and secrets; of pointers, UTF-8 of key and URI or value. */
  readonly bytesRead: number;
  /** The same of what was written. */
  readonly bytesWritten: number;
}

export interface OperationFacts extends OperationGain {
  readonly outcome: OperationOutcome;
  /** What was thrown, where `outcome` is a {@link FailureCode}. */
  readonly error?: unknown;
  /** By the monotonic clock that the wrapper was given. */
  readonly durationMs: number;
}

/** One attempt of a request. */
export interface AttemptFacts {
  /** 1 for the first. */
  readonly number: number;
  /** `ok` where the service answered, else what kind of failure it was, e.g. `throttled`. A small, fixed set. */
  readonly outcome: string;
  readonly durationMs: number;
}

/** A request to the service behind a store, with all its attempts. */
export interface RequestFacts {
  /** `ok` also where the service refused a condition, which is an answer. */
  readonly outcome: 'ok' | FailureCode;
  readonly error?: unknown;
  /** With the pauses between attempts. */
  readonly durationMs: number;
  readonly attempts: number;
  /** Attempts that the service asked to slow down for, or did a part of. */
  readonly throttles: number;
  /** Attempts that lost to another request for the same thing. */
  readonly contended: number;
  /** Bytes of blobs, and of what is stored like one, in all attempts, there and back. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Capacity units that the service said it charged, in all attempts. */
  readonly readUnits: number;
  readonly writeUnits: number;
}

/** Watches one thing from its begin to its end. */
export interface Observation<Facts> {
  /** Calls `body`, which starts what is observed and does not wait for it. What that begins belongs to this. */
  within(body: () => void): void;
  /** Called once. */
  end(facts: Facts): void;
}

export interface RequestObservation extends Observation<RequestFacts> {
  /** An attempt has ended. */
  attempt(facts: AttemptFacts): void;
}

/**
 * Is told what stores do: each operation by the wrappers `observePointerStore` and so on, each request of an operation
 * by the backend, where it has a service to ask. Neither keys nor values are told, so nothing here is a secret.
 *
 * It is called on the way of every operation, so it has to be quick. What it throws is dropped: an observer never
 * changes how an operation ends.
 */
export interface StorageObserver {
  /** An operation begins. `operation` as `StorageError.operation` has it. */
  operation(store: ObservedStore, operation: string): Observation<OperationFacts>;
  /**
   * A request begins, for `operation`, or for `open` before there is a store. `action` names what is asked of which
   * service, e.g. `dynamodb:PutItem`.
   */
  request(store: ObservedStore, operation: string, action: string): RequestObservation;
}
