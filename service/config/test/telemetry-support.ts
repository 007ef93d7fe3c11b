import type { Attributes } from '@opentelemetry/api';
import type { Histogram, MetricData } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';

/** What was measured since the last look, kept in memory. */
export class Measurements extends MetricReader {
  readonly #provider: MeterProvider;
  #metrics: readonly MetricData[] = [];

  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA });
    this.#provider = new MeterProvider({ readers: [this] });
  }

  get meter(): ReturnType<MeterProvider['getMeter']> {
    return this.#provider.getMeter('test');
  }

  /** Looks again; what was seen before is gone. */
  async look(): Promise<void> {
    const { resourceMetrics, errors } = await this.collect();
    if (errors.length > 0) throw new AggregateError(errors);
    this.#metrics = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  }

  /** The sum of a counter, or of what a histogram was given, over every point that has these attributes. */
  sum(name: string, attributes: Attributes = {}): number {
    return this.#total(name, attributes, (value) => (typeof value === 'number' ? value : (value.sum ?? 0)));
  }

  /** How often a histogram was given something. */
  count(name: string, attributes: Attributes = {}): number {
    return this.#total(name, attributes, (value) => (typeof value === 'number' ? 0 : value.count));
  }

  /** Name and unit of everything that was measured. */
  units(): Record<string, string> {
    return Object.fromEntries(this.#metrics.map(({ descriptor }) => [descriptor.name, descriptor.unit]));
  }

  /** Every value of every attribute. */
  values(): Set<string> {
    const points = this.#metrics.flatMap(({ dataPoints }) => dataPoints as { attributes: Attributes }[]);
    return new Set(points.flatMap(({ attributes }) => Object.values(attributes).map(String)));
  }

  protected async onShutdown(): Promise<void> {}

  protected async onForceFlush(): Promise<void> {}

  #total(name: string, wanted: Attributes, of: (value: number | Histogram) => number): number {
    const points = this.#metrics
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => dataPoints as { attributes: Attributes; value: number | Histogram }[]);
    return points
      .filter(({ attributes }) => Object.entries(wanted).every(([key, value]) => attributes[key] === value))
      .reduce((total, { value }) => total + of(value), 0);
  }
}
