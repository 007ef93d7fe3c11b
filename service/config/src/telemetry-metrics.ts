import type { Attributes, Counter, Histogram, Meter } from '@opentelemetry/api';
import type { AttemptFacts, ObservedStore, OperationFacts, RequestFacts } from '@floecat/storage-spi';

import { METRICS, TAGS } from './telemetry-names.ts';

/** From what a local read takes to the deadline of a request, in seconds. */
const SECONDS = [0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];
const ITEMS_PER_SECOND = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
const BYTES_PER_SECOND = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

const LISTINGS = new Set(['listPointersByPrefix', 'list', 'listVersions', 'list secrets']);

/** Which request a measurement is of. */
export interface MeasuredRequest {
  readonly store: ObservedStore;
  readonly operation: string;
  readonly action: string;
}

/** The instruments, and what of the facts goes into which. */
export class TelemetryMetrics {
  readonly #operationDuration: Histogram;
  readonly #operationItems: Counter;
  readonly #operationIo: Counter;
  readonly #listingThroughput: Histogram;
  readonly #writeThroughput: Histogram;
  readonly #requestDuration: Histogram;
  readonly #requestAttempts: Counter;
  readonly #requestThrottles: Counter;
  readonly #requestContentions: Counter;
  readonly #requestIo: Counter;
  readonly #consumedCapacity: Counter;
  readonly #attemptDuration: Histogram;

  constructor(meter: Meter) {
    const histogram = (name: string, unit: string, description: string, boundaries: number[]): Histogram =>
      meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: boundaries } });
    const counter = (name: string, unit: string, description: string): Counter =>
      meter.createCounter(name, { unit, description });
    this.#operationDuration = histogram(
      METRICS.operationDuration,
      's',
      'Operations of the stores: how long each took',
      SECONDS,
    );
    this.#operationItems = counter(
      METRICS.operationItems,
      '{item}',
      'Pointers, blobs and secrets answered, written, deleted or counted',
    );
    this.#operationIo = counter(
      METRICS.operationIo,
      'By',
      'Payload of pointers, blobs and secrets answered or written',
    );
    this.#listingThroughput = histogram(
      METRICS.listingThroughput,
      '{item}/s',
      'How fast one page of a listing came',
      ITEMS_PER_SECOND,
    );
    this.#writeThroughput = histogram(
      METRICS.writeThroughput,
      'By/s',
      'How fast one operation wrote its payload',
      BYTES_PER_SECOND,
    );
    this.#requestDuration = histogram(
      METRICS.requestDuration,
      's',
      'Requests to a service: how long each took, with all its attempts and the pauses between',
      SECONDS,
    );
    this.#requestAttempts = counter(METRICS.requestAttempts, '{attempt}', 'Attempts of requests');
    this.#requestThrottles = counter(
      METRICS.requestThrottles,
      '{attempt}',
      'Attempts that the service asked to slow down for, or did a part of',
    );
    this.#requestContentions = counter(
      METRICS.requestContentions,
      '{attempt}',
      'Attempts that lost to another request for the same thing',
    );
    this.#requestIo = counter(METRICS.requestIo, 'By', 'Bytes of S3 objects in all attempts');
    this.#consumedCapacity = counter(
      METRICS.consumedCapacity,
      '{capacity_unit}',
      'Capacity units that the answers say were charged',
    );
    this.#attemptDuration = histogram(METRICS.attemptDuration, 's', 'How long each attempt took', SECONDS);
  }

  operation(store: ObservedStore, operation: string, facts: OperationFacts): void {
    const { outcome, durationMs, items, bytesRead, bytesWritten } = facts;
    const seconds = durationMs / 1000;
    const of: Attributes = { [TAGS.store]: store, [TAGS.operation]: operation };
    this.#operationDuration.record(seconds, { ...of, ...outcomeTags(outcome) });
    if (items > 0) this.#operationItems.add(items, of);
    if (bytesRead > 0) this.#operationIo.add(bytesRead, { ...of, [TAGS.ioDirection]: 'read' });
    if (bytesWritten > 0) this.#operationIo.add(bytesWritten, { ...of, [TAGS.ioDirection]: 'write' });
    if (seconds <= 0) return;
    if (items > 0 && LISTINGS.has(operation)) this.#listingThroughput.record(items / seconds, of);
    if (bytesWritten > 0) this.#writeThroughput.record(bytesWritten / seconds, of);
  }

  attempt({ action }: MeasuredRequest, { outcome, durationMs }: AttemptFacts): void {
    const of = { [TAGS.action]: action, [TAGS.attemptOutcome]: outcome };
    this.#attemptDuration.record(durationMs / 1000, of);
  }

  request({ store, operation, action }: MeasuredRequest, facts: RequestFacts): void {
    const { attempts, throttles, contended, bytesSent, bytesReceived, readUnits, writeUnits } = facts;
    const of: Attributes = { [TAGS.store]: store, [TAGS.operation]: operation, [TAGS.action]: action };
    this.#requestDuration.record(facts.durationMs / 1000, { ...of, ...outcomeTags(facts.outcome) });
    if (attempts > 0) this.#requestAttempts.add(attempts, of);
    if (throttles > 0) this.#requestThrottles.add(throttles, of);
    if (contended > 0) this.#requestContentions.add(contended, of);
    if (bytesSent > 0) this.#requestIo.add(bytesSent, { ...of, [TAGS.networkDirection]: 'transmit' });
    if (bytesReceived > 0) this.#requestIo.add(bytesReceived, { ...of, [TAGS.networkDirection]: 'receive' });
    if (readUnits > 0) this.#consumedCapacity.add(readUnits, { ...of, [TAGS.capacityType]: 'read' });
    if (writeUnits > 0) this.#consumedCapacity.add(writeUnits, { ...of, [TAGS.capacityType]: 'write' });
  }
}

/** As OpenTelemetry has it, `error.type` is there if and only if it failed. */
export function outcomeTags(outcome: OperationFacts['outcome']): Attributes {
  if (outcome === 'ok' || outcome === 'applied' || outcome === 'conflict') return { [TAGS.outcome]: outcome };
  return { [TAGS.outcome]: outcome, [TAGS.errorType]: outcome };
}
