import type { ObservedStore, RequestFacts, RequestObservation } from '@floecat/storage-spi';
import { quietly } from '@floecat/storage-spi';

import type { Failure } from './failure.ts';

/** What one observed request adds up to over its attempts. Made only where there is an observer. */
export class RequestTally {
  /** Whether the request changes something. */
  readonly write: boolean;
  readonly #observation: RequestObservation | undefined;
  #attempts = 0;
  #throttles = 0;
  #contended = 0;
  #bytesSent = 0;
  #bytesReceived = 0;
  #readUnits = 0;
  #writeUnits = 0;

  constructor(write: boolean, observation: RequestObservation | undefined) {
    this.write = write;
    this.#observation = observation;
  }

  attempted(number: number, outcome: 'ok' | Failure['kind'], durationMs: number): void {
    this.#attempts++;
    if (outcome === 'throttled') this.#throttles++;
    if (outcome === 'contended') this.#contended++;
    quietly(() => this.#observation?.attempt({ number, outcome, durationMs }));
  }

  /** Bytes of an object that an attempt sends. */
  sent(bytes: number): void {
    this.#bytesSent += bytes;
  }

  /** Bytes of an object that arrived whole. */
  received(bytes: number): void {
    this.#bytesReceived += bytes;
  }

  /** Capacity units that an answer says were charged. */
  charged(readUnits: number, writeUnits: number): void {
    this.#readUnits += readUnits;
    this.#writeUnits += writeUnits;
  }

  counts(): Omit<RequestFacts, 'outcome' | 'error' | 'durationMs'> {
    return {
      attempts: this.#attempts,
      throttles: this.#throttles,
      contended: this.#contended,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
      readUnits: this.#readUnits,
      writeUnits: this.#writeUnits,
    };
  }
}

/** The store that requests to a service are made for, by the IAM action. */
export function storeOfAction(action: string): ObservedStore {
  if (action.startsWith('dynamodb:')) return 'pointers';
  // Roles are assumed for secrets alone.
  return action.startsWith('s3:') ? 'blobs' : 'secrets';
}
