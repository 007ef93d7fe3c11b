import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api';
import {
  context,
  createContextKey,
  isSpanContextValid,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type {
  AttemptFacts,
  Observation,
  ObservedStore,
  OperationFacts,
  RequestFacts,
  RequestObservation,
  StorageObserver,
} from '@floecat/storage-spi';

import type { MeasuredRequest, TelemetryMetrics } from './telemetry-metrics.ts';
import { outcomeTags } from './telemetry-metrics.ts';
import { FAILED_ATTEMPT, SPAN_TAGS, TAGS } from './telemetry-names.ts';

/** Where the operation that requests belong to is found, as long as it is under way. */
const OPERATION = createContextKey('floecat storage operation');

/** Reports to OpenTelemetry. Messages of errors stay out of spans: they name keys. */
export class TelemetryObserver implements StorageObserver {
  readonly #metrics: TelemetryMetrics;
  readonly #tracer: Tracer;

  constructor(metrics: TelemetryMetrics, tracer: Tracer) {
    this.#metrics = metrics;
    this.#tracer = tracer;
  }

  operation(store: ObservedStore, operation: string): Observation<OperationFacts> {
    const span = this.#span(`${store} ${operation}`, SpanKind.INTERNAL, {
      [TAGS.store]: store,
      [TAGS.operation]: operation,
    });
    return new OperationWatch(this.#metrics, store, operation, span);
  }

  request(store: ObservedStore, operation: string, action: string): RequestObservation {
    const span = this.#span(action, SpanKind.CLIENT, {
      [TAGS.store]: store,
      [TAGS.operation]: operation,
      [TAGS.action]: action,
    });
    const owner = span && (context.active().getValue(OPERATION) as OperationWatch | undefined);
    return new RequestWatch(this.#metrics, { store, operation, action }, span, owner);
  }

  /** `undefined` where nothing traces, which leaves nothing to do for spans. */
  #span(name: string, kind: SpanKind, attributes: Attributes): Span | undefined {
    const span = this.#tracer.startSpan(name, { kind, attributes });
    return isSpanContextValid(span.spanContext()) ? span : undefined;
  }
}

class OperationWatch implements Observation<OperationFacts> {
  readonly #metrics: TelemetryMetrics;
  readonly #store: ObservedStore;
  readonly #operation: string;
  readonly #span: Span | undefined;
  readonly #totals: Totals = {};

  constructor(metrics: TelemetryMetrics, store: ObservedStore, operation: string, span: Span | undefined) {
    this.#metrics = metrics;
    this.#store = store;
    this.#operation = operation;
    this.#span = span;
  }

  within(body: () => void): void {
    runIn(this.#span, body, (active) => active.setValue(OPERATION, this));
  }

  made(request: RequestFacts): void {
    addTo(this.#totals, request);
    this.#totals[SPAN_TAGS.requests] = (this.#totals[SPAN_TAGS.requests] ?? 0) + 1;
  }

  end(facts: OperationFacts): void {
    this.#metrics.operation(this.#store, this.#operation, facts);
    endSpan(this.#span, facts, () => ({
      [SPAN_TAGS.items]: facts.items,
      [SPAN_TAGS.bytesRead]: facts.bytesRead,
      [SPAN_TAGS.bytesWritten]: facts.bytesWritten,
      ...this.#totals,
    }));
  }
}

class RequestWatch implements RequestObservation {
  readonly #metrics: TelemetryMetrics;
  readonly #request: MeasuredRequest;
  readonly #span: Span | undefined;
  readonly #owner: OperationWatch | undefined;

  constructor(
    metrics: TelemetryMetrics,
    request: MeasuredRequest,
    span: Span | undefined,
    owner: OperationWatch | undefined,
  ) {
    this.#metrics = metrics;
    this.#request = request;
    this.#span = span;
    this.#owner = owner;
  }

  within(body: () => void): void {
    runIn(this.#span, body);
  }

  attempt(facts: AttemptFacts): void {
    this.#metrics.attempt(this.#request, facts);
    if (facts.outcome === 'ok' || !this.#span?.isRecording()) return;
    this.#span.addEvent(FAILED_ATTEMPT, {
      [SPAN_TAGS.attemptNumber]: facts.number,
      [TAGS.attemptOutcome]: facts.outcome,
      [SPAN_TAGS.attemptSeconds]: facts.durationMs / 1000,
    });
  }

  end(facts: RequestFacts): void {
    this.#metrics.request(this.#request, facts);
    this.#owner?.made(facts);
    endSpan(this.#span, facts, () => addTo({}, facts));
  }
}

function runIn(span: Span | undefined, body: () => void, more = (active: Context): Context => active): void {
  if (span) context.with(more(trace.setSpan(context.active(), span)), body);
  else body();
}

/** The attributes that facts of a request are summed in. */
const SUMS = [
  ['attempts', SPAN_TAGS.attempts],
  ['throttles', SPAN_TAGS.throttles],
  ['contended', SPAN_TAGS.contentions],
  ['bytesSent', SPAN_TAGS.bytesSent],
  ['bytesReceived', SPAN_TAGS.bytesReceived],
  ['readUnits', SPAN_TAGS.readUnits],
  ['writeUnits', SPAN_TAGS.writeUnits],
] as const;

type Totals = Record<string, number>;

/** Adds a request up: a delete by prefix may make thousands, so none is kept. */
function addTo(totals: Totals, facts: RequestFacts): Totals {
  for (const [fact, tag] of SUMS) totals[tag] = (totals[tag] ?? 0) + facts[fact];
  return totals;
}

function endSpan(
  span: Span | undefined,
  { outcome }: Pick<OperationFacts, 'outcome'>,
  tags: () => Attributes,
): void {
  if (span?.isRecording()) {
    const ended = outcomeTags(outcome);
    span.setAttributes({ ...ended, ...tags() });
    if (ended[TAGS.errorType] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span?.end();
}
