import type { ProxyTracerProvider } from '@opentelemetry/api';
import { collectorTelemetry, telemetryObserver } from '@floecat/config';
import type { CollectorObserver, Settings } from '@floecat/config';
import type { StorageObserver } from '@floecat/storage-spi';

/** What `GET /metrics` answers. */
export interface MetricsPage {
  readonly contentType: string;
  /** Everything since the start. */
  render(): Promise<string>;
}

export interface ServiceTelemetry {
  /** What the stores report to; absent where nobody wants to know. */
  readonly observer?: StorageObserver;
  /** What the garbage collectors report to; absent with it. */
  readonly collectors?: CollectorObserver;
  /** Absent where metrics are off or go elsewhere. */
  readonly page?: MetricsPage;
}

/**
 * Where the telemetry of this process goes. An SDK of OpenTelemetry that was registered before (with `--import`, say)
 * gets all of it. Else metrics are kept here, for Prometheus to fetch, unless `floecat.metrics.enabled` is false.
 */
export async function openServiceTelemetry({
  metrics: settings,
}: Pick<Settings, 'metrics'>): Promise<ServiceTelemetry> {
  const { createNoopMeter, metrics, trace } = await import('@opentelemetry/api');
  const measured = metrics.getMeter('') !== createNoopMeter();
  const traced = (trace.getTracerProvider() as ProxyTracerProvider).getDelegateTracer('') !== undefined;
  if (measured || !settings.enabled)
    return measured || traced
      ? { observer: await telemetryObserver(), collectors: await collectorTelemetry() }
      : {};
  // Loaded only here: no other command needs it.
  const [{ MeterProvider }, { PrometheusExporter, PrometheusSerializer }] = await Promise.all([
    import('@opentelemetry/sdk-metrics'),
    import('@opentelemetry/exporter-prometheus'),
  ]);
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meter = new MeterProvider({ readers: [reader] }).getMeter('@floecat/storage');
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  return {
    observer: await telemetryObserver({ meter }),
    collectors: await collectorTelemetry({ meter }),
    page: {
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      render: async () => {
        const { resourceMetrics } = await reader.collect();
        return serializer.serialize(resourceMetrics);
      },
    },
  };
}
