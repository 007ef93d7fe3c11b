import type { Meter, Tracer } from '@opentelemetry/api';
import type { StorageObserver } from '@floecat/storage-spi';

import type { CollectorObserver } from './telemetry-collectors.ts';

export interface TelemetryOptions {
  /** Default: one of the provider that is registered with OpenTelemetry. */
  readonly meter?: Meter;
  /** Default: as `meter`. */
  readonly tracer?: Tracer;
}

/**
 * An observer that turns what stores do into metrics and spans of OpenTelemetry, through its API alone: whichever SDK
 * the process registered gets them, and without one they go nowhere. Register it first: a meter that was asked for
 * before then stays without effect. Names and units: `docs/metrics.md`.
 */
export async function telemetryObserver(options: TelemetryOptions = {}): Promise<StorageObserver> {
  // Loaded only where it is asked for: most commands are not observed.
  const [{ metrics, trace }, { TelemetryMetrics }, { TelemetryObserver }, { SCOPE }] = await Promise.all([
    import('@opentelemetry/api'),
    import('./telemetry-metrics.ts'),
    import('./telemetry-observer.ts'),
    import('./telemetry-names.ts'),
  ]);
  const { meter = metrics.getMeter(SCOPE), tracer = trace.getTracer(SCOPE) } = options;
  return new TelemetryObserver(new TelemetryMetrics(meter), tracer);
}

/** As {@link telemetryObserver}, of what the garbage collectors do: metrics only. */
export async function collectorTelemetry(
  options: Pick<TelemetryOptions, 'meter'> = {},
): Promise<CollectorObserver> {
  const [{ metrics }, { CollectorMetrics }, { SCOPE }] = await Promise.all([
    import('@opentelemetry/api'),
    import('./telemetry-collectors.ts'),
    import('./telemetry-names.ts'),
  ]);
  return new CollectorMetrics(options.meter ?? metrics.getMeter(SCOPE));
}
